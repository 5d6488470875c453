"""The page follows its config file: what a change, a bad file and a half-written one lead to."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from skulldns.cli.following import FollowingPage, Trouble
from skulldns.config import Config, load
from skulldns.config.secretfiles import secret_line

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CONFIG = """\
state: state
keys: {skulldns: {algorithm: hmac-sha256, secret_file: tsig.key}}
zones:
  vmsrv.test: {primary: {address: 127.0.0.1, key: skulldns}, claims: true}
web:
  url: http://localhost:8053
  listen: 127.0.0.1:8053
  oidc: {name: a service, issuer: https://id.example.org, client_id: page, client_secret_file: oidc.secret}
policy: {quota: 5}
"""


class _World:
    """A config file, and pages that answer with the quota in it; ``built`` is how many of them were made."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "skulldns.yaml"
        self.secret = directory / "oidc.secret"
        self.now = 1_700_000_000
        self.built = 0
        self.secret.write_text("first\n")
        self.secret.chmod(0o600)
        self.write(_CONFIG)
        self.loaded = load(self.file, secrets=False)

    def write(self, text: str, *, ago: float = 1.0) -> None:
        """The file is like this since so many seconds."""
        self.file.write_text(text)
        self.now += 100
        self.age(self.file, ago)

    def age(self, file: Path, ago: float) -> None:
        changed = round((self.now - ago) * 1e9)
        os.utime(file, ns=(changed, changed))

    def page(self) -> FollowingPage:
        return FollowingPage(self.loaded, self._build, lambda: round(self.now * 1e9))

    def _build(self, config: Config, trouble: Trouble) -> "WSGIApplication":
        assert config.web is not None
        assert config.web.oidc is not None
        said = f"{config.policy.quota} {secret_line(config.web.oidc.client_secret_file)}"
        self.built += 1

        def answer(_: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
            start("200 OK", [])
            return [f"{said} {trouble() or 'well'}".encode()]

        return answer


@pytest.fixture
def world(tmp_path: Path) -> _World:
    return _World(tmp_path)


def _says(page: FollowingPage) -> str:
    return Client(page).get("/").text


def test_a_change_is_in_force_with_the_next_request(world: _World) -> None:
    page = world.page()
    assert _says(page) == "5 first well"
    world.write(_CONFIG.replace("quota: 5", "quota: 2"))
    assert _says(page) == "2 first well"


def test_a_file_that_stays_as_it_is_costs_no_new_page(world: _World) -> None:
    page = world.page()
    for _ in range(3):
        assert _says(page) == "5 first well"
    assert world.built == 1


def test_a_bad_file_leaves_the_last_good_one_in_force_and_says_so(
    world: _World, caplog: pytest.LogCaptureFixture
) -> None:
    page = world.page()
    world.write(_CONFIG.replace("quota: 5", "quota: many"))
    for _ in range(3):
        said = _says(page)
        assert said.startswith("5 first ")
        assert f"{world.file}:9:" in said
    assert len([line for line in caplog.messages if "last good config" in line]) == 1
    world.write(_CONFIG.replace("quota: 5", "quota: 3"))
    assert _says(page) == "3 first well"


def test_a_file_that_is_gone_leaves_the_last_good_one_in_force(world: _World) -> None:
    page = world.page()
    world.file.unlink()
    assert _says(page).startswith("5 first ")
    assert page.trouble
    world.write(_CONFIG)
    assert _says(page) == "5 first well"


def test_what_is_in_the_making_is_not_read(world: _World) -> None:
    """The first half of a file may be a good config: here without a quota, which would be another one."""
    page = world.page()
    world.write(_CONFIG.replace("policy: {quota: 5}\n", ""), ago=0.01)
    assert _says(page) == "5 first well"
    world.write(_CONFIG.replace("quota: 5", "quota: 7"))
    assert _says(page) == "7 first well"


def test_a_change_from_the_future_is_read(world: _World) -> None:
    """The clock may have jumped back since."""
    page = world.page()
    world.write(_CONFIG.replace("quota: 5", "quota: 2"), ago=-86_400)
    assert _says(page) == "2 first well"


def test_the_secret_that_the_page_reads_is_followed_too(world: _World) -> None:
    page = world.page()
    world.secret.write_text("second\n")
    world.age(world.secret, 1)
    assert _says(page) == "5 second well"
    world.secret.chmod(0o604)
    assert _says(page).startswith("5 second ")
    assert page.trouble
    world.secret.chmod(0o600)
    assert _says(page) == "5 second well"


def test_another_file_for_the_secret_is_followed_from_then_on(world: _World) -> None:
    page = world.page()
    other = world.secret.with_name("other.secret")
    other.write_text("other\n")
    other.chmod(0o600)
    world.age(other, 500)
    other.chmod(0o604)
    world.write(_CONFIG.replace("oidc.secret", "other.secret"))
    assert _says(page).startswith("5 first ")
    other.chmod(0o600)
    assert _says(page) == "5 other well"
    built = world.built
    assert _says(page) == "5 other well"
    assert world.built == built
    other.write_text("another\n")
    world.age(other, 5)
    assert _says(page) == "5 another well"


def test_a_worker_that_starts_while_the_file_is_bad_begins_with_what_the_process_was_started_with(
    world: _World,
) -> None:
    world.write("policy: [")
    page = world.page()
    assert _says(page).startswith("5 first ")
    assert page.trouble
    world.write(_CONFIG.replace("quota: 5", "quota: 2"))
    assert _says(page) == "2 first well"


def test_an_address_is_taken_at_the_next_start_which_the_log_says(
    world: _World, caplog: pytest.LogCaptureFixture
) -> None:
    page = world.page()
    world.write(_CONFIG.replace("listen: 127.0.0.1:8053", "listen: 127.0.0.1:8054"))
    with caplog.at_level(logging.WARNING):
        _says(page)
    assert [line for line in caplog.messages if "127.0.0.1:8054" in line and "restarted" in line]
