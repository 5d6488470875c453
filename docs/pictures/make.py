"""Make the pictures in README: `make pictures` runs the real commands in a lab and draws what they print."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from skulldns.lab import Lab
from skulldns.lab.parts import HTTPS
from skulldns.lab.waiting import until

HERE = Path(__file__).parent
WIDTH = 118
_SKULLDNS = (sys.executable, "-m", "skulldns")


def main() -> None:
    """Draw each picture."""
    _draw("run", "make run ONCE=1", _output(sys.executable, "-m", "skulldns.cli.demo", "--once"))
    with Lab.up(extra=HTTPS) as lab:
        config = ("--config", str(lab.info.config))
        for name in ("wiki", "irc_bot", "ns1"):
            lab.guest(name).create()
        until(lambda: "5 served" in _output(*_SKULLDNS, "status", *config), "publishing the guests")
        _draw("status", "skulldns status --all", _output(*_SKULLDNS, "status", "--all", *config))
        _draw("why", "skulldns why wiki", _output(*_SKULLDNS, "why", "wiki", *config))


def _output(*command: str) -> str:
    """What a command prints on a terminal of ``WIDTH`` columns, with its colours."""
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _draw(name: str, command: str, output: str) -> None:
    """Write ``name.svg``, with the lab's temporary directory shortened."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text.from_ansi(re.sub(r"\S*/skulldns-lab-\w+", "lab", output.rstrip())))
    console.save_svg(str(HERE / f"{name}.svg"), title="SkullDNS", unique_id=name)


if __name__ == "__main__":
    main()
