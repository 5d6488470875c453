"""Checking zone files: `skulldns check`, from the start of the process to its end, beside octoDNS.

octoDNS's `octodns-validate` reads the same file (in the order that it wants) and validates every record.
"""

import tempfile
from pathlib import Path

from benchmarks.programs import measured, program
from benchmarks.rows import Row

_ZONE = "zone.test"
_SMALL, _LARGE = 10_000, 100_000
_RUNS = 5
_CONFIG = """\
state: state
keys: {{key: {{algorithm: hmac-sha256, secret_file: key}}}}
zones:
  {zone}: {{file: {zone}.yaml, primary: {{address: 127.0.0.1, key: key}}}}
"""
_OCTODNS = """\
providers:
  files: {{class: octodns.provider.yaml.YamlProvider, directory: {directory}, escaped_semicolons: true}}
zones:
  {zone}.: {{sources: [files], targets: [files]}}
"""


def run() -> list[Row]:
    """Measure with 10,000 and 100,000 records."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "key").touch(mode=0o600)
        (directory / "key").write_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
        (directory / "skulldns.yaml").write_text(_CONFIG.format(zone=_ZONE))
        (directory / "octodns.yaml").write_text(_OCTODNS.format(zone=_ZONE, directory=directory))
        check = program("skulldns", "--config", str(directory / "skulldns.yaml"), "check")
        validate = program("octodns-validate", "--config-file", str(directory / "octodns.yaml"))
        for number in (_SMALL, _LARGE):
            (directory / f"{_ZONE}.yaml").write_text(_zone(number))
            runs = _RUNS if number == _SMALL else 1
            ours, theirs = measured(check, runs=runs), measured(validate, runs=runs)
            title = f"{number:,} records"
            most = "1 at most" if number == _SMALL else ""
            rows += [
                Row(f"{title}: skulldns check", ours.seconds, "s", most),
                Row(f"{title}: skulldns check, of a processor", ours.processor, "s", most),
                Row(f"{title}: octodns-validate", theirs.seconds, "s"),
                Row(f"{title}: octodns-validate, of a processor", theirs.processor, "s"),
                Row(
                    f"{title}: skulldns check",
                    ours.megabytes,
                    "MB",
                    "400 at most" if number == _LARGE else "",
                ),
                Row(f"{title}: octodns-validate", theirs.megabytes, "MB"),
            ]
    return rows


def _zone(number: int) -> str:
    """Mostly addresses, with the other types that a real zone has in between."""
    lines = []
    for index in range(number):
        address = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
        lines.append(f"host{index:06d}:\n  ttl: 300\n")
        match index % 10:
            case 7:
                lines.append(f"  type: AAAA\n  value: 2001:db8::{index >> 16:x}:{index & 65535:x}:1\n")
            case 8:
                lines.append(f"  type: CNAME\n  value: host{index - 1:06d}.{_ZONE}.\n")
            case 9:
                lines.append(f"  type: TXT\n  value: owner of {index}\n")
            case _:
                lines.append(f"  type: A\n  value: {address}\n")
    return "".join(lines)
