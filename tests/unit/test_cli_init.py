import base64
import re
import stat
import subprocess
from pathlib import Path

import dns.name
import pytest
from click.testing import CliRunner, Result

from skulldns.cli import main
from skulldns.config import load
from tests.support import require

_OPTIONS = ("--zone", "vmsrv.test", "--primary", "192.0.2.53", "--network", "192.0.2.0/24")


def _init(directory: Path, *arguments: str, options: tuple[str, ...] = _OPTIONS) -> Result:
    return CliRunner().invoke(main, ["init", "--dir", str(directory), *options, *arguments])


def test_what_it_writes_passes_the_check(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    result = _init(directory, "--secondary", "192.0.2.54:5353", "--secondary", "2001:db8::53")
    assert (result.exit_code, result.stderr) == (0, "")
    checked = CliRunner().invoke(main, ["check", "--config", str(directory / "skulldns.yaml")])
    assert (checked.exit_code, checked.output) == (0, "vmsrv.test: 0 static RRsets\nok\n")
    assert 'See "A zone with views" in docs/config.md.' in (directory / "skulldns.yaml").read_text()
    zone = load(directory / "skulldns.yaml").zones[dns.name.from_text("vmsrv.test")]
    servers = [(server.address, server.port) for server in zone.servers]
    assert servers == [("192.0.2.53", 53), ("192.0.2.54", 5353), ("2001:db8::53", 53)]
    assert zone.guests


def test_the_key_is_secret_and_fresh(tmp_path: Path) -> None:
    secrets = set()
    for name in ("a", "b"):
        result = _init(tmp_path / name)
        file = tmp_path / name / "tsig.key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        found = re.search(r'secret "(.*)"', file.read_text())
        assert found
        assert len(base64.b64decode(found[1])) == 32
        assert found[1] not in result.output
        secrets.add(found[1])
    assert len(secrets) == 2


@pytest.mark.parametrize("there", ["skulldns.yaml", "zones/vmsrv.test.yaml", "tsig.key"])
def test_it_overwrites_nothing_and_writes_nothing_beside_it(tmp_path: Path, there: str) -> None:
    file = tmp_path / there
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    result = _init(tmp_path)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{file}: this file is there already; move it away first\n",
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert file.read_text() == "mine"


def test_it_cleans_up_when_it_cannot_write_all(tmp_path: Path) -> None:
    (tmp_path / "zones").write_text("a file where a directory is due")
    result = _init(tmp_path)
    assert result.exit_code == 2
    assert result.stderr == f"{tmp_path}/zones: cannot be written: File exists; see --dir\n"
    assert [path.name for path in tmp_path.iterdir()] == ["zones"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (_OPTIONS[2:], "the option --zone is missing; see 'skulldns init --help'\n"),
        (("--zone", "a..b", *_OPTIONS[2:]), "Invalid value for --zone: 'a..b' is not a domain name"),
        (
            ("--zone", "a'b.test", *_OPTIONS[2:]),
            "Invalid value for --zone: \"a'b.test\" is not a host's domain",
        ),
        ((*_OPTIONS, "--secondary", "ns2"), "Invalid value for --secondary: 'ns2' does not appear to be"),
        ((*_OPTIONS, "--secondary", "192.0.2.1:0"), "Invalid value for --secondary: 192.0.2.1:0 has no port"),
        (
            (*_OPTIONS, "--network", "192.0.2.5/24"),
            "Invalid value for --network: 192.0.2.5/24 has host bits set",
        ),
        ((*_OPTIONS, "--libvirt-uri", "x"), "Invalid value for --libvirt-uri: 'x' is not a libvirt URI"),
    ],
)
def test_bad_options(tmp_path: Path, options: tuple[str, ...], error: str) -> None:
    result = _init(tmp_path, options=options)
    assert result.exit_code == 2
    assert result.stderr.startswith(error)
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_quotes_in_an_option_stay_in_their_value(tmp_path: Path) -> None:
    uri = 'qemu+ssh://h/system?keyfile="#:\\'
    assert _init(tmp_path, "--libvirt-uri", uri).exit_code == 0
    assert getattr(load(tmp_path / "skulldns.yaml").sources[0], "uri") == uri  # noqa: B009 - a union of kinds


def test_bind_accepts_the_printed_configuration(tmp_path: Path) -> None:
    checker = require("named-checkconf", package="bind9-utils")
    printed = _init(tmp_path, "--secondary", "192.0.2.54", "--secondary", "[2001:db8::53]:5353").stdout
    statements = re.findall(r"^     include.*?^     };$", printed, re.DOTALL | re.MULTILINE)
    assert len(statements) == 2
    for number, statement in enumerate(statements):
        file = tmp_path / f"named{number}.conf"
        file.write_text(statement.replace("/etc/bind/skulldns.key", str(tmp_path / "tsig.key")))
        done = subprocess.run([checker, str(file)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")
