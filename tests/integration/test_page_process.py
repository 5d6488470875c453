"""`skulldns web` as a process: as a user who can read no key, and as its own parent's child."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from skulldns.cli import main
from skulldns.cli.desk import desk_of
from skulldns.config import load
from skulldns.lab.ports import PortBlock
from skulldns.lab.waiting import until
from skulldns.model.members import Actor, Member
from skulldns.model.tokens import Scope
from tests.support import require
from webui.desk import tokens

_PATIENCE = 60.0
_DAEMON = 65_534
"""Another user: the one that is called nobody."""
_CONFIG = """\
state: state
database: sqlite:///{shared}/skulldns.db
keys: {{skulldns: {{algorithm: hmac-sha256, secret_file: tsig.key}}}}
zones:
  vmsrv.test:
    file: zone.yaml
    primary: {{address: 127.0.0.1, key: skulldns}}
    guests: true
    claims: true
web: {{url: "http://localhost:{port}", listen: "127.0.0.1:{port}"}}
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that everybody may enter, as `/etc` and `/var/lib` are."""
    with tempfile.TemporaryDirectory(prefix="skulldns-page-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture
def port() -> Iterator[int]:
    ports = PortBlock.find()
    yield ports.next()
    ports.close()


@contextmanager
def _page(home: Path, port: int, *wrapper: str) -> Iterator[subprocess.Popen[bytes]]:
    """The page, which answers."""
    command = [*wrapper, sys.executable, "-m", "skulldns", "web", "--config", str(home / "skulldns.yaml")]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:

        def answers() -> bool:
            assert process.poll() is None, (home / "log").read_text()
            return _status(port, "/sign-in") == 200

        until(answers, "the page's first answer", patience=_PATIENCE)
        yield process
    finally:
        process.kill()
        process.wait()


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _installation(home: Path, port: int) -> Path:
    """Config and keys; gives the directory of the database."""
    shared = home / "shared"
    shared.mkdir(mode=0o700)
    (home / "state").mkdir(mode=0o700)
    (home / "skulldns.yaml").write_text(_CONFIG.format(shared=shared, port=port))
    (home / "tsig.key").write_text('key "skulldns" { algorithm hmac-sha256; secret "c2VjcmV0"; };\n')
    (home / "tsig.key").chmod(0o600)
    (home / "state" / "account.pem").write_text("a key of the CA's account")
    return shared


def test_it_runs_as_a_user_who_can_read_no_key(home: Path, port: int) -> None:
    """The keys are another user's, and the page's user is not almighty, although here it is called root."""
    if os.geteuid() != 0:
        pytest.skip("only root can give the keys to another user")
    require("setpriv", package="util-linux")
    shared = _installation(home, port)
    keys = (home / "tsig.key", home / "state", home / "state" / "account.pem")
    for key in keys:
        os.chown(key, _DAEMON, _DAEMON)
    weak = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--")
    for key in (keys[0], keys[2]):
        done = subprocess.run([*weak, "cat", str(key)], check=False, capture_output=True)
        assert b"Permission denied" in done.stderr

    with _page(home, port, *weak) as process:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        assert len(family) == 2  # gunicorn and its one worker
        for one in family:
            status = Path(f"/proc/{one.pid}/status").read_text()
            assert re.search(r"^CapEff:\s*0+$", status, re.MULTILINE)
        assert _status(port, "/help") == 200
        assert stat.S_IMODE((shared / "web.secret").stat().st_mode) == 0o600
    assert [one.name for one in keys[1].iterdir()] == ["account.pem"]


def test_it_ends_in_good_order_and_keeps_its_secret(home: Path, port: int) -> None:
    shared = _installation(home, port)
    with _page(home, port) as process:
        secret = (shared / "web.secret").read_bytes()
        worker = psutil.Process(process.pid).children()[0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 0
        assert not worker.is_running()
    with _page(home, port) as process:
        assert (shared / "web.secret").read_bytes() == secret
        worker = psutil.Process(process.pid).children()[0]
        process.kill()
        until(lambda: not worker.is_running(), "the end of the worker of a killed page", patience=_PATIENCE)


def test_it_goes_by_a_changed_config_and_by_the_last_good_one(home: Path, port: int) -> None:
    """Quota, approval and reserved names are in force without a restart; a bad file changes nothing."""
    _installation(home, port)
    config = home / "skulldns.yaml"
    bearer = _token(config)
    with _page(home, port):
        assert _claim(port, bearer, "first") == (201, "active")
        good = config.read_text()
        config.write_text(f"{good}policy: {{quota: 2, approval: all, reserved: [radio]}}\n")
        _until_logged(home, port, "is in force")
        assert _claim(port, bearer, "radio")[0] == 422
        assert _claim(port, bearer, "second") == (201, "awaiting approval")
        assert _claim(port, bearer, "third")[0] == 422
        config.write_text(f"{good}policy: {{quota: many}}\n")
        _until_logged(home, port, "the page goes on with the last good config")
        assert _claim(port, bearer, "third")[0] == 422
        assert _claim(port, bearer, "radio")[0] == 422


def _until_logged(home: Path, port: int, words: str) -> None:
    """Until the page, which looks at its file with each request, says so."""
    until(
        lambda: _status(port, "/help") == 200 and words in (home / "log").read_text(),
        f"{words!r} in the page's log",
        patience=_PATIENCE,
    )


def _token(config: Path) -> str:
    """The text of a token of the new member alice."""
    desk = desk_of(load(config, secrets=False))
    with desk.office.writing() as books:
        books.members.put(Member("alice", time.time()))
    return tokens.make(desk, Actor("alice"), "test", tuple(Scope), (), time.time())[1]


def _claim(port: int, bearer: str, label: str) -> tuple[int, str]:
    """Status and the claim's state after claiming a name for the router's address."""
    request = urllib.request.Request(
        f"http://localhost:{port}/api/v1/names/{label}.vmsrv.test",
        json.dumps({"target": {"kind": "address"}}).encode(),
        {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"},
        method="PUT",
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - the page's own address
            return answer.status, json.load(answer)["state"]
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://names.example.org", "would show passwords to the network"),
        ("http://192.0.2.1:8053", "would show passwords to the network"),
    ],
)
def test_a_page_without_https_is_refused_beyond_loopback(home: Path, port: int, url: str, said: str) -> None:
    _installation(home, port)
    config = home / "skulldns.yaml"
    config.write_text(config.read_text().replace(f"http://localhost:{port}", url))
    result = CliRunner().invoke(main, ["--config", str(config), "web"])
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_config_without_a_page_says_so(home: Path, port: int) -> None:
    _installation(home, port)
    config = home / "skulldns.yaml"
    config.write_text(
        "\n".join(line for line in config.read_text().splitlines() if not line.startswith("web:"))
    )
    result = CliRunner().invoke(main, ["--config", str(config), "web"])
    assert result.exit_code == 2
    assert "there is no section web" in result.stderr
