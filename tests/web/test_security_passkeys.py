"""Passkeys: only its owner's, verified, for this page, and each answer once (OWASP ASVS 5.0, V6)."""

from pathlib import Path

import pytest

from tests.web.authenticator import Authenticator
from tests.web.browser import PASSWORD, Browser, give_password, path_of
from tests.webworld import Page, page
from webui.sessions import SURE_FOR


@pytest.fixture
def world(tmp_path: Path) -> Page:
    here = page(tmp_path)
    give_password(here, "alice", "bob")
    return here


def _add(world: Page, authenticator: Authenticator, login: str = "alice") -> int:
    browser = Browser(world)
    browser.sign_in(login)
    options = browser.json("/account/passkeys/options")
    assert options["authenticatorSelection"]["userVerification"] == "required"
    return browser.post(
        "/account/passkeys", form="/account", answer=authenticator.make(options), label="key"
    ).status_code


def _sign_in(browser: Browser, authenticator: Authenticator) -> int:
    options = browser.json("/sign-in/passkey")
    assert options["userVerification"] == "required"
    return browser.post("/sign-in/passkey", form="/sign-in", answer=authenticator.sign(options)).status_code


def test_a_passkey_signs_its_owner_in(world: Page) -> None:
    key = Authenticator()
    assert _add(world, key) == 200
    browser = Browser(world)
    assert _sign_in(browser, key) == 200
    assert "alice" in browser.get("/account").text


@pytest.mark.parametrize(
    "key",
    [
        Authenticator(verifies=False),
        Authenticator(origin="https://evil.example"),
        Authenticator(site="evil.example"),
    ],
    ids=["owner not verified", "another origin", "another site"],
)
def test_a_passkey_that_is_not_ours_or_verifies_nobody_is_not_taken(world: Page, key: Authenticator) -> None:
    assert _add(world, key) == 400


@pytest.mark.parametrize("bend", ["unverified", "origin", "site", "key", "counter", "dropped", "unknown"])
def test_an_answer_that_does_not_fit_signs_nobody_in(world: Page, bend: str) -> None:
    key = Authenticator()
    _add(world, key)
    assert _sign_in(Browser(world), key) == 200
    match bend:
        case "unverified":
            key.verifies = False
        case "origin":
            key.origin = "https://evil.example"
        case "site":
            key.site = "evil.example"
        case "key":
            key.key = Authenticator().key
        case "counter":
            key.counter = 0  # as a copy of the authenticator has it
        case "dropped":
            with world.desk.office.writing() as books:
                books.signins.drop_passkey("alice", key.id)
        case "unknown":
            key.id = bytes(32)
    browser = Browser(world)
    assert _sign_in(browser, key) == 401
    assert not browser.is_signed_in


def test_an_answer_works_once_even_with_the_old_cookie(world: Page) -> None:
    key = Authenticator()
    _add(world, key)
    browser = Browser(world)
    answer = key.sign(browser.json("/sign-in/passkey"))
    note = str(browser.cookie("note"))
    token = browser.token()
    browser.set_cookie(note, "note")
    assert browser.send("/sign-in/passkey", {"answer": answer, "form_token": token}).status_code == 200
    with world.desk.office.writing() as books:
        kept = books.signins.passkey(key.id)
        assert kept is not None
        books.signins.put_passkey(
            type(kept)(kept.id, kept.member, kept.public_key, 0, kept.label, kept.created)
        )
    thief = Browser(world)
    token = thief.token()
    thief.set_cookie(note, "note")
    assert thief.send("/sign-in/passkey", {"answer": answer, "form_token": token}).status_code == 401
    assert not thief.is_signed_in


def test_a_challenge_is_old_after_a_while(world: Page) -> None:
    key = Authenticator()
    _add(world, key)
    browser = Browser(world)
    answer = key.sign(browser.json("/sign-in/passkey"))
    world.clock.time += 601
    assert browser.post("/sign-in/passkey", form="/sign-in", answer=answer).status_code == 401


def test_a_passkey_of_another_is_not_taken_over(world: Page) -> None:
    key = Authenticator()
    _add(world, key)
    thief = Authenticator(id=key.id)
    _add(world, thief, "bob")
    assert _sign_in(Browser(world), thief) == 401
    browser = Browser(world)
    assert _sign_in(browser, key) == 200
    assert "alice" in browser.get("/account").text


def test_nobody_drops_anothers_passkey(world: Page) -> None:
    key = Authenticator()
    _add(world, key)
    bob = Browser(world)
    bob.sign_in("bob")
    bob.post("/account/passkeys/drop", form="/account", id=key.id.hex())
    assert _sign_in(Browser(world), key) == 200


def test_only_ones_own_passkey_shows_who_one_is(world: Page) -> None:
    own, others = Authenticator(), Authenticator()
    _add(world, own)
    _add(world, others, "bob")
    browser = Browser(world)
    browser.sign_in()
    world.clock.time += SURE_FOR + 1
    for key, status in ((others, 401), (own, 200)):
        answer = key.sign(browser.json("/sign-in/passkey"))
        assert browser.post("/sure/passkey", form="/sure", answer=answer).status_code == status
    assert "Location" not in browser.post("/account/recovery-codes", form="/account").headers


def test_a_member_with_a_passkey_does_without_a_password(world: Page) -> None:
    browser, there = Browser(world), Browser(world)
    browser.sign_in()
    there.sign_in()
    browser.post("/account/password/drop", form="/account", current=PASSWORD)
    assert "you have no passkey yet" in browser.get("/account").text
    key = Authenticator()
    _add(world, key)
    browser.post("/account/password/drop", form="/account", current=PASSWORD)
    assert (browser.is_signed_in, there.is_signed_in) == (True, False)
    assert Browser(world).sign_in(password=PASSWORD).status_code == 401
    browser.post("/account/passkeys/drop", form="/account", id=key.id.hex())
    assert "it is your only way to sign in" in browser.get("/account").text
    assert _sign_in(Browser(world), key) == 200


def test_adding_a_passkey_asks_again_who_one_is(world: Page) -> None:
    browser = Browser(world)
    browser.sign_in()
    world.clock.time += SURE_FOR + 1
    options = browser.json("/account/passkeys/options")
    answer = browser.post(
        "/account/passkeys", form="/account", answer=Authenticator().make(options), label="x"
    )
    assert '"next":"/sure' in answer.text
    with world.desk.office.reading() as books:
        assert not books.signins.passkeys("alice")
    assert path_of(browser.post("/account/passkeys/drop", form="/account", id="00")).startswith("/sure")
