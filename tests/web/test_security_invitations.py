"""Invitations: what they are worth, for how long, and where their code stands (OWASP ASVS 5.0, V6.4 and V14.2)."""

import hashlib
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from skulldns.model.members import Actor
from tests.web.browser import PASSWORD, Browser
from tests.webworld import SETTINGS, Page, page
from webui.desk import members

CAROL = Actor("carol", admin=True)


def _invitation(world: Page, login: str = "dora") -> str:
    return members.invite(world.desk, CAROL, login, world.clock.time)[1]


def _opened(world: Page, secret: str) -> int:
    """What is answered to who opens an invitation."""
    return Browser(world).post("/invitation", secret=secret).status_code


def _join(world: Page, secret: str) -> TestResponse:
    return Browser(world).post(
        "/invitation/accept", form="/invitation", secret=secret, password=PASSWORD, again=PASSWORD
    )


def test_an_invitation_works_once(world: Page) -> None:
    secret = _invitation(world)
    assert _join(world, secret).status_code == 200
    assert _opened(world, secret) == 404
    assert _join(world, secret).status_code == 404


def test_an_invitation_ends(world: Page) -> None:
    secret = _invitation(world)
    world.clock.time += members.INVITED_FOR - 1
    assert _opened(world, secret) == 200
    world.clock.time += 1
    assert _opened(world, secret) == 404


def test_a_new_invitation_ends_the_one_before(world: Page) -> None:
    first, second = _invitation(world), _invitation(world)
    assert _opened(world, first) == 404
    assert _opened(world, second) == 200


def test_the_secret_of_an_invitation_goes_nowhere_else(world: Page, caplog: pytest.LogCaptureFixture) -> None:
    secret = _invitation(world)
    with caplog.at_level(logging.DEBUG):
        answer = Browser(world).post("/invitation", secret=secret)
        _join(world, secret)
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "http" not in re.sub(r"https?://names\.example\.org", "", answer.text).replace("http-equiv", "")
    assert secret not in caplog.text
    with world.desk.office.reading() as books:
        assert all(secret not in repr(row) for row in books.audit.rows(limit=100))


def test_no_address_of_the_page_has_a_secret_in_it(world: Page) -> None:
    """What stands in a path or a query is in the logs of every proxy (a fragment is sent to nobody, RFC 9110 4.2.5)."""
    rules = [rule for rule in world.app.url_map.iter_rules() if rule.endpoint.startswith("signin.")]
    assert len(rules) > 8
    assert not [rule.rule for rule in rules if rule.arguments]


def test_a_leaked_password_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "leaked.txt"
    file.write_text(f"{hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()}:3\n")
    here = page(tmp_path, settings=replace(SETTINGS, leaked=file))
    answer = _join(here, _invitation(here))
    assert answer.status_code == 400
    assert "leaked" in answer.text
