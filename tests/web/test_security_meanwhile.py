"""What changes while somebody signs in counts: to look at a password or a passkey takes a while (ASVS 5.0, V7.4)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from skulldns.model.members import Actor, Identity
from tests.web.authenticator import Authenticator
from tests.web.browsing import PASSWORD, Browser, browser, sign_in, with_password
from tests.webworld import Page, page
from webui.desk import members
from webui.signin import passkeys, passwords, recovery

ANOTHER = "quite another phrase 77"

Once = Callable[[Any, str, Callable[[], object]], None]


@pytest.fixture
def world(tmp_path: Path) -> Page:
    here = page(tmp_path)
    with_password(here)
    return here


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Once:
    """Have something happen when a function of a module has looked, before its answer is used; once."""

    def arrange(module: Any, function: str, happens: Callable[[], object]) -> None:
        plain, left = getattr(module, function), [happens]

        def slow(*arguments: Any, **options: Any) -> Any:
            found = plain(*arguments, **options)
            if left:
                left.pop()()
            return found

        monkeypatch.setattr(module, function, slow)

    return arrange


def change_password(owner: Browser) -> None:
    owner.get("/account")
    answer = owner.post("/account/password", {"current": PASSWORD, "password": ANOTHER, "again": ANOTHER})
    assert answer.status_code == 302


def is_in(at: Browser) -> bool:
    return at.get("/account").status_code == 200


def test_a_password_that_was_changed_meanwhile_signs_nobody_in(world: Page, meanwhile: Once) -> None:
    owner, thief = browser(world, sure=True), browser(world, None)
    meanwhile(passwords, "fits", lambda: change_password(owner))
    sign_in(thief)
    assert not is_in(thief)
    assert is_in(owner)


def test_a_password_that_is_kept_anew_does_not_undo_a_change(world: Page, meanwhile: Once) -> None:
    with world.desk.office.writing() as books:
        books.signins.set_password("alice", PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD))
    owner, thief = browser(world, sure=True), browser(world, None)
    meanwhile(passwords, "is_dated", lambda: change_password(owner))
    sign_in(thief)
    assert not is_in(thief)
    with world.desk.office.reading() as books:
        kept = books.signins.password("alice")
    assert passwords.fits(kept, ANOTHER)


def test_a_passkey_that_was_dropped_meanwhile_signs_nobody_in_and_stays_away(
    world: Page, meanwhile: Once
) -> None:
    owner, thief, key = browser(world, sure=True), browser(world, None), Authenticator()
    owner.post("/account/passkeys", {"answer": key.make(owner.get("/account/passkeys/options").json or {})})
    thief.get("/sign-in")
    answer = key.sign(thief.get("/sign-in/passkey").json or {})
    drop = {"id": key.id.hex()}
    meanwhile(passkeys, "verify_authentication_response", lambda: owner.post("/account/passkeys/drop", drop))
    assert thief.post("/sign-in/passkey", {"answer": answer}).status_code == 401
    assert not is_in(thief)
    with world.desk.office.reading() as books:
        assert books.signins.passkeys("alice") == []


def test_a_session_that_was_ended_meanwhile_is_not_brought_back(world: Page, meanwhile: Once) -> None:
    old, new = browser(world), browser(world, None)
    sign_in(new)
    new.get("/account")
    old.get("/sure")
    meanwhile(passwords, "fits", lambda: new.post("/account/sessions/end", {"id": "others"}))
    old.post("/sure", {"password": PASSWORD})
    assert not is_in(old)
    assert is_in(new)


def test_whoever_was_suspended_meanwhile_is_not_signed_in(world: Page, meanwhile: Once) -> None:
    at = browser(world, None)
    carol = Actor("carol")
    meanwhile(
        passwords,
        "fits",
        lambda: members.suspend_member(world.desk, carol, "alice", "spam", world.clock.time),
    )
    sign_in(at)
    members.resume_member(world.desk, carol, "alice", world.clock.time)
    assert not is_in(at)


def test_a_suspended_member_uses_no_recovery_code_up(world: Page) -> None:
    with world.app.app_context():
        code = recovery.draw("alice")[0]
    members.suspend_member(world.desk, Actor("carol"), "alice", "spam", world.clock.time)
    at = browser(world, None)
    at.get("/sign-in/recovery")
    assert at.post("/sign-in/recovery", {"login": "alice", "code": code}).status_code == 401
    with world.desk.office.reading() as books:
        assert books.signins.recovery_left("alice") == recovery.COUNT
        assert books.signins.password("alice") is not None


def test_an_account_at_a_service_that_is_gone_is_no_way_to_sign_in(world: Page) -> None:
    at, key = browser(world, sure=True), Authenticator()
    at.post("/account/passkeys", {"answer": key.make(at.get("/account/passkeys/options").json or {})})
    with world.desk.office.writing() as books:
        books.signins.set_password("alice", None)
        books.signins.link("alice", Identity("https://gone.example.org", "1"))
    at.post("/account/passkeys/drop", {"id": key.id.hex()})
    assert "your only way to sign in" in at.flashed("/account")


def test_an_answer_that_is_nested_too_deeply_is_no_passkey(world: Page) -> None:
    at = browser(world, None)
    at.get("/sign-in")
    at.get("/sign-in/passkey")
    deep = "[" * 5_000 + "]" * 5_000
    assert at.post("/sign-in/passkey", {"answer": deep}).status_code == 401
