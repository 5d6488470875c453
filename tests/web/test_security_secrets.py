"""Secrets in files: who may read them, and that none is shown (OWASP ASVS 5.0, V13.3)."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from skulldns.cli.web import page, secret
from skulldns.config import Config, load
from skulldns.config.secretfiles import secret_line
from skulldns.errors import ConfigError
from skulldns.model.members import Actor
from tests.unit.deskworld import database, desk
from webui.desk import members

_CONFIG = """\
state: state
keys: {skulldns: {algorithm: hmac-sha256, secret_file: tsig.key}}
zones:
  vmsrv.test: {primary: {address: 127.0.0.1, key: skulldns}, guests: true, claims: true}
web:
  url: https://names.example.org
  oidc: {name: Club, issuer: "https://id.example.org", client_id: x, client_secret_file: oidc.secret}
"""


def _config(directory: Path, text: str = _CONFIG) -> Config:
    (directory / "state").mkdir(exist_ok=True)
    path = directory / "skulldns.yaml"
    path.write_text(text)
    return load(path, secrets=False)


def _write(path: Path, text: str, mode: int = 0o640) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_key_of_cookies_is_drawn_once_and_for_one_user(tmp_path: Path) -> None:
    config = _config(tmp_path)
    found = secret(config)
    file = tmp_path / "state/web.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(found) >= 32
    assert secret(config) == found
    assert [one.name for one in file.parent.iterdir()] == ["web.secret"]
    assert secret(_config_elsewhere(tmp_path)) != found


def _config_elsewhere(directory: Path) -> Config:
    other = directory / "other"
    other.mkdir()
    return _config(other)


def test_a_key_of_cookies_that_is_too_short_is_refused(tmp_path: Path) -> None:
    config = _config(tmp_path)
    _write(tmp_path / "state/web.secret", "short", 0o600)
    with pytest.raises(ConfigError, match="too short"):
        secret(config)


def test_a_secret_is_one_line(tmp_path: Path) -> None:
    assert secret_line(_write(tmp_path / "a", "the secret\n")) == "the secret"


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can be read by everyone") as caught:
        secret_line(_write(tmp_path / "a", "the secret\n", 0o644))
    assert "the secret" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n"])
def test_what_is_no_secret_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError, match="one line"):
        secret_line(_write(tmp_path / "a", content))


def test_the_page_reads_the_services_secret_at_its_start(tmp_path: Path) -> None:
    config = _config(tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        page(config)
    _write(tmp_path / "oidc.secret", "the secret\n")
    settings = page(config).extensions["skulldns"].settings
    assert settings.service.client_secret == "the secret"
    assert "the secret" not in repr(settings)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("https://id.example.org", "http://id.example.org", "in clear"),
        ("https://id.example.org", "http://127.0.0.1.example.org", "in clear"),
        ("client_secret_file: oidc.secret", "client_secret: x", "client_secret_file"),
    ],
)
def test_a_service_in_clear_or_a_secret_in_the_config_is_refused(
    tmp_path: Path, old: str, new: str, error: str
) -> None:
    with pytest.raises(ConfigError, match=error):
        _config(tmp_path, _CONFIG.replace(old, new))


@pytest.mark.parametrize(
    ("notices", "error"),
    [
        ("{smtp: {host: mail.example.org, security: none}, sender: a@example.org}", "in clear"),
        ("{smtp: {host: mail.example.org}}", "needs a sender"),
        ("{smtp: {host: mail.example.org, login: x}, sender: a@example.org}", "belong together"),
        ("{sender: 'a@example.org, b@example.org'}", "not a mail address"),
        ("{webhooks: [{url: 'http://hook.example.org/', secret_file: x}]}", "in clear"),
        ("{webhooks: [{url: 'https://hook.example.org/', secret_file: x, kinds: [all]}]}", "name live"),
    ],
)
def test_notices_that_would_go_in_clear_or_cannot_be_are_refused(
    tmp_path: Path, notices: str, error: str
) -> None:
    with pytest.raises(ConfigError, match=error):
        _config(tmp_path, f"{_CONFIG}notices: {notices}\n")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET who = 'bob' WHERE number = 2",
        "UPDATE audit SET after = NULL WHERE number = 2",
        "UPDATE audit SET at = at + 1 WHERE number = 2",
        "UPDATE audit SET address = '192.0.2.99' WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
    ],
)
def test_a_change_of_the_audit_shows(tmp_path: Path, change: str) -> None:
    here = desk(tmp_path)
    for number in range(4):
        members.invite(here, Actor("carol", "192.0.2.1"), f"dora{number}", 1.0)
    with here.office.reading() as books:
        assert books.audit.verify() is None
    engine = create_engine(database(tmp_path))
    with pytest.raises(IntegrityError, match="appended"), engine.begin() as connection:
        connection.execute(text(change))
    with engine.begin() as connection:  # as somebody does who may write the file
        triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
        for name in triggers.all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        assert connection.execute(text(change)).rowcount == 1
    engine.dispose()
    with here.office.reading() as books:
        assert books.audit.verify() == 2
