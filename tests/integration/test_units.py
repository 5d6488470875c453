"""The units of systemd say what it understands, and shut in what they start."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.rooms import ROOT
from tests.support import require

_PROGRAM = "/opt/skulldns/.venv/bin/skulldns"


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = require("systemd-analyze", package="systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def _unit(name: str, directory: Path) -> Path:
    """A unit as it is shipped, with a program that is here."""
    text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
    assert _PROGRAM in text
    unit = directory / name
    unit.write_text(text.replace(_PROGRAM, str(Path(sys.executable).with_name("skulldns"))), encoding="utf-8")
    return unit


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    units = [str(_unit(name, tmp_path)) for name in ("skulldns.service", "skulldns-web.service")]
    done = _analyze("verify", "--man=no", *units)
    said = [line for line in done.stderr.splitlines() if "skulldns" in line]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize(("name", "worst"), [("skulldns.service", 50), ("skulldns-web.service", 12)])
def test_a_unit_is_no_more_exposed_than_it_must_be(tmp_path: Path, name: str, worst: int) -> None:
    """In systemd's measure, from 0 (shut in) to 100: the daemon starts other programs, the page does not."""
    done = _analyze("security", "--offline=true", f"--threshold={worst}", str(_unit(name, tmp_path)))
    assert done.returncode == 0, done.stdout
