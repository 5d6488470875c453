"""Make the pictures in README: `make pictures` runs the real commands in a lab and draws what they print."""

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from skulldns.lab import Lab
from skulldns.lab.parts import HTTPS
from skulldns.lab.waiting import until

HERE = Path(__file__).parent
WIDTH = 118
_SHOWN = "/var/lib/skulldns"
"""What stands for the lab's directory, in as many letters: columns keep their widths."""
_SKULLDNS = (sys.executable, "-m", "skulldns")

_BEFORE = """\
changed: {type: A, value: 192.0.2.80}
mail:
  - {type: A, value: 192.0.2.25}
  - {type: MX, values: [10 mx1.example.org., 20 mx2.example.org.]}
old: {type: A, value: 192.0.2.9}
older: {type: A, value: 192.0.2.10}
oldest: {type: A, value: 192.0.2.11}
"""
_AFTER = """\
blog: {type: CNAME, value: wiki.vmsrv.test.}
changed: {type: A, value: 192.0.2.81}
mail:
  - {type: A, value: 192.0.2.25}
  - {type: AAAA, value: '2001:db8:1::25'}
  - {type: MX, ttl: 300, values: [10 mx1.example.org., 20 mx3.example.org.]}
"""
"""A zone file, and what a branch makes of it."""


def main() -> None:
    """Draw each picture."""
    _draw("run", "make run ONCE=1", _output(sys.executable, "-m", "skulldns.cli.demo", "--once"))
    with (
        tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp") as home,
        Lab.up(Path(home), extra=HTTPS) as lab,
    ):
        assert len(home) == len(_SHOWN), (
            "the names of temporary directories have another length than they had"
        )
        config = ("--config", str(lab.info.config))
        for name in ("wiki", "irc_bot", "ns1"):
            lab.guest(name).create()
        until(lambda: "5 served" in _output(*_SKULLDNS, "status", *config), "publishing the guests")
        _draw("status", "skulldns status --all", _output(*_SKULLDNS, "status", "--all", *config))
        _draw("why", "skulldns why wiki", _output(*_SKULLDNS, "why", "wiki", *config))
        _draw("plan", "skulldns plan --config branch/skulldns.yaml", _plan(lab))


def _plan(lab: Lab) -> str:
    """What a branch of the admin's files would change."""
    config, file = lab.info.config, lab.info.config.parent / "zones" / f"{lab.info.zone}.yaml"
    file.write_text(_BEFORE)
    names = (f"changed.{lab.info.zone}", f"oldest.{lab.info.zone}")
    until(lambda: all(_is_served(name, config) for name in names), "publishing the file")
    branch = config.parent / "branch"
    (branch / "zones").mkdir(parents=True)
    (branch / config.name).write_text(config.read_text())
    (branch / "zones" / file.name).write_text(_AFTER)
    os.chdir(config.parent)
    return _output(*_SKULLDNS, "plan", "--config", str(branch / config.name))


def _is_served(name: str, config: Path) -> bool:
    return "answers A 192.0.2." in _output(*_SKULLDNS, "why", name, "--config", str(config))


def _output(*command: str) -> str:
    """What a command prints on a terminal of ``WIDTH`` columns, with its colours."""
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _draw(name: str, command: str, output: str) -> None:
    """Write ``name.svg``, with other names for temporary directories."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text(f"$ {command}", style="bold"))
    shown = re.sub(r"\S*/skulldns-lab-\w+", "lab", output.rstrip())
    console.print(Text.from_ansi(re.sub(r"/\w+/lab-\w{8}\b", _SHOWN, shown)))
    console.save_svg(str(HERE / f"{name}.svg"), title="SkullDNS", unique_id=name)


if __name__ == "__main__":
    main()
