"""Passwords, recovery codes, guessing, and what is written down of all that (OWASP ASVS 5.0, V6)."""

import hashlib
import logging
import re
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from skulldns.errors import Refused
from skulldns.model.members import Actor, Member, MemberState
from tests.web.browser import PASSWORD, Browser, give_password
from tests.webworld import SETTINGS, Page, page
from webui.signin import passwords, recovery

CAROL = Actor("carol", admin=True)


@pytest.fixture
def world(tmp_path: Path) -> Page:
    here = page(tmp_path)
    give_password(here, "alice", "bob")
    return here


def page_context() -> AbstractContextManager[object]:
    """What texts need: a request, of any application."""
    app = Flask("texts")
    Babel(app)
    return app.test_request_context()


def _codes(world: Page, login: str = "alice") -> list[str]:
    with world.app.app_context():
        return recovery.draw(login)


def _shown(text: str) -> str:
    """A page without what is drawn anew for each."""
    return re.sub(r'value="[^"]*"', "", text)


# Who is unknown gets the same answers


def test_an_unknown_member_gets_the_same_answer(world: Page) -> None:
    with world.desk.office.writing() as books:
        books.members.put(Member("bob", 0.0, state=MemberState.SUSPENDED))
    answers = [
        Browser(world).sign_in("alice", "a wrong password"),
        Browser(world).sign_in("nobody-here", "a wrong password"),
        Browser(world).sign_in("carol", "a wrong password"),
        Browser(world).sign_in("bob", PASSWORD),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({_shown(answer.text) for answer in answers}) == 1


def test_a_password_is_judged_as_long_where_there_is_none() -> None:
    kept = passwords.encoded(PASSWORD)
    nobodys = passwords._of_nobody()
    assert kept.split("$")[1:4] == nobodys.split("$")[1:4], "the same algorithm, version and cost"
    assert not passwords.fits(None, "nobody's password")
    assert passwords.fits(kept, PASSWORD)


def test_a_recovery_code_of_nobody_gets_the_same_answer(world: Page) -> None:
    _codes(world)
    answers = [
        Browser(world).post("/sign-in/recovery", login=login, code="wrong")
        for login in ("alice", "nobody-here", "carol")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({_shown(answer.text) for answer in answers}) == 1


# Guessing


def test_guessing_is_slowed_down_by_account(world: Page) -> None:
    found = [Browser(world).sign_in("alice", "a wrong password").status_code for _ in range(11)]
    assert found == [401] * 10 + [429]
    answer = Browser(world).sign_in("alice")
    assert answer.status_code == 429
    assert int(answer.headers.get("Retry-After", "900")) > 0


def test_the_owner_is_not_locked_out(world: Page) -> None:
    known = Browser(world)
    known.sign_in()
    known.post("/sign-out", form="/account")
    for _ in range(11):
        Browser(world).sign_in("alice", "a wrong password")
    assert Browser(world).sign_in("alice").status_code == 429
    assert known.sign_in("alice").status_code == 302
    assert Browser(world).sign_in("bob").status_code == 302
    world.clock.time += 901
    assert Browser(world).sign_in("alice").status_code == 302


def test_guessing_is_slowed_down_by_address(world: Page) -> None:
    with world.desk.office.writing() as books:
        for _ in range(30):
            books.signins.failed("address 203.0.113.77", world.clock.time)
    assert Browser(world).sign_in("nobody-else").status_code == 429
    elsewhere = Browser(world)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "203.0.113.78"
    assert elsewhere.sign_in("alice").status_code == 302


def test_all_addresses_of_one_ipv6_network_count_together(world: Page) -> None:
    for number in (1, 2):
        browser = Browser(world)
        browser.client.environ_base["REMOTE_ADDR"] = f"2001:db8:1:2::{number}"
        browser.sign_in("nobody-here", "a wrong password")
    with world.desk.office.reading() as books:
        assert books.signins.failures("address 2001:db8:1:2::/64", 0.0) == 2


def test_failures_that_count_no_more_are_forgotten(world: Page) -> None:
    Browser(world).sign_in("alice", "a wrong password")
    world.clock.time += 901
    Browser(world).sign_in("bob", "a wrong password")
    with world.desk.office.reading() as books:
        assert books.signins.failures("account alice", 0.0) == 0
        assert books.signins.failures("account bob", 0.0) == 1


def test_recovery_codes_are_slowed_down_by_address(world: Page) -> None:
    with world.desk.office.writing() as books:
        for _ in range(29):
            books.signins.failed("codes address 203.0.113.77", world.clock.time)
    here, elsewhere = Browser(world), Browser(world)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "203.0.113.78"
    (code, *_more) = _codes(world)
    found = [here.post("/sign-in/recovery", login="alice", code="wrong").status_code for _ in range(2)]
    assert found == [401, 429]
    assert elsewhere.post("/sign-in/recovery", login="alice", code=code).status_code == 302


def test_a_recovery_code_lets_the_owner_in_while_somebody_guesses(world: Page) -> None:
    with world.desk.office.writing() as books:
        for key in ("account alice", "address 203.0.113.77"):
            for _ in range(100):
                books.signins.failed(key, world.clock.time)
    new_device = Browser(world)
    answer = new_device.sign_in()
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "900"
    assert "use a passkey or a recovery code" in answer.text
    assert 'href="/sign-in/recovery"' in answer.text
    assert 'data-passkey="get"' in answer.text
    (code, *_more) = _codes(world)
    assert new_device.post("/sign-in/recovery", login="alice", code=code).status_code == 302


def test_there_are_no_default_accounts(world: Page) -> None:
    for login in ("admin", "root", "skulldns", "the command line", "the daemon", ""):
        assert Browser(world).sign_in(login, login or "x").status_code == 401


# Passwords


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too short"),
        ("x" * 257, "too long"),
        ("aaaaaaaaaaaaaaaa", "easy to guess"),
        ("alicealicealice1", "easy to guess"),
        ("example-2027-example", "easy to guess"),
        ("SkullDNS2027!!", "easy to guess"),
        ("clubhouse123456", "easy to guess"),
        ("passwordpassword", "what many use"),
        ("Passwordpassword1", "what many use"),
        ("p@ssw0rdp@ssw0rd", "what many use"),
        ("letmeinletmeinletmein", "what many use"),
        ("qwertyuiop[]", "what many use"),
        ("abcdabcdabcd" * 21, "what many use"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str, why: str) -> None:
    words = replace(SETTINGS, installation="Clubhouse").words
    with page_context(), pytest.raises(Refused, match=why):
        passwords.judge(password, "alice", None, words)


@pytest.mark.parametrize(
    "password",
    [
        "four words of nothing",
        "пароль с пробелами",
        "x" * 12 + "yzab",
        "a b c d e f g h",
        "🐎🔋📎🎈🌵🚲🧵🥝🛶🪁🧲🎻",
    ],
)
def test_any_characters_will_do(password: str) -> None:
    with page_context():
        passwords.judge(password, "alice", None, SETTINGS.words)
    assert passwords.fits(passwords.encoded(password), password)
    assert not passwords.fits(passwords.encoded(password), password[:-1])


def test_passwords_that_many_use_are_refused() -> None:
    common = [one for one in FREQUENCY_LISTS["passwords"] if len(one) >= passwords.SHORTEST]
    assert common, "there are some of that length"
    with page_context():
        for one in common[:200]:
            with pytest.raises(Refused):
                passwords.judge(one, "alice")


def test_all_of_a_long_password_counts() -> None:
    kept = passwords.encoded("x" * 255 + "a")
    assert not passwords.fits(kept, "x" * 255 + "b")
    assert not passwords.fits(kept, "x" * 255 + "a" + "more")


def test_passwords_are_kept_as_argon2id_with_todays_cost() -> None:
    kept = passwords.encoded(PASSWORD)
    assert kept.startswith("$argon2id$v=19$")
    memory, time = (int(re.search(rf"{letter}=(\d+)", kept)[1]) for letter in "mt")  # type: ignore[index]
    assert memory >= 19_456, "KiB, as OWASP asks for"
    assert time >= 2
    assert passwords.encoded(PASSWORD) != kept, "with a salt of its own"


def test_a_password_kept_with_less_is_kept_anew_at_the_next_sign_in(world: Page) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with world.desk.office.writing() as books:
        books.signins.set_password("alice", weak)
    assert Browser(world).sign_in().status_code == 302
    with world.desk.office.reading() as books:
        kept = books.signins.password("alice")
    assert kept is not None
    assert kept != weak
    assert not passwords.is_dated(kept)


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()


_words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(
    leaked=st.sets(_words, max_size=40),
    others=st.sets(_words, max_size=10),
    counts=st.booleans(),
    crlf=st.booleans(),
)
def test_the_list_of_leaked_passwords_is_searched_right(
    leaked: set[str], others: set[str], *, counts: bool, crlf: bool
) -> None:
    lines = sorted(map(_sha1, leaked))
    end = "\r\n" if crlf else "\n"
    with TemporaryDirectory() as directory:
        file = Path(directory) / "leaked.txt"
        tails = [f":{'7' * (number % 5 + 1)}" if counts else "" for number in range(len(lines))]
        file.write_bytes(
            "".join(f"{line}{tail}{end}" for line, tail in zip(lines, tails, strict=True)).encode()
        )
        for one in leaked:
            assert passwords._is_in(file, one)
        for one in others - leaked:
            assert not passwords._is_in(file, one)


def test_fields_for_passwords_hide_them_and_let_managers_fill_them_in(world: Page) -> None:
    text = Browser(world).get("/sign-in").text
    field = re.search(r"<input[^>]*name=\"password\"[^>]*>", text)
    assert field
    assert 'type="password"' in field[0]
    assert 'autocomplete="current-password"' in field[0]
    assert "onpaste" not in text


# Recovery codes


def test_a_recovery_code_works_once(world: Page) -> None:
    code = _codes(world)[3]
    assert Browser(world).post("/sign-in/recovery", login="alice", code=code.upper()).status_code == 302
    assert Browser(world).post("/sign-in/recovery", login="alice", code=code).status_code == 401


def test_a_recovery_code_ends_the_password_that_was_lost(world: Page) -> None:
    browser, fresh = Browser(world), "another four words here"
    browser.post("/sign-in/recovery", login="alice", code=_codes(world)[0])
    assert Browser(world).sign_in(password=PASSWORD).status_code == 401
    browser.post("/account/password", form="/account", password=fresh, again=fresh)
    assert Browser(world).sign_in(password=fresh).status_code == 302


def test_a_recovery_code_is_one_members_and_ends_with_new_ones(world: Page) -> None:
    old = _codes(world)[0]
    assert Browser(world).post("/sign-in/recovery", login="bob", code=old).status_code == 401
    _codes(world)
    assert Browser(world).post("/sign-in/recovery", login="alice", code=old).status_code == 401


def test_recovery_codes_cannot_be_guessed_from_what_is_kept(world: Page) -> None:
    codes = _codes(world)
    assert len(set(codes)) == recovery.COUNT
    letters = len("".join(codes[0].split("-")))
    assert letters * 4.95 >= 128, "bits, of an alphabet of 31 letters"


# What is written down


def test_sign_ins_are_logged_and_secrets_are_not(world: Page, caplog: pytest.LogCaptureFixture) -> None:
    code = _codes(world)[0]
    with caplog.at_level(logging.DEBUG):
        Browser(world).sign_in("alice")
        Browser(world).sign_in("alice", "a wrong password")
        Browser(world).sign_in("eve\r\nalice signed in by password", "another wrong one")
        Browser(world).post("/sign-in/recovery", login="alice", code=code)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("webui.signin")]
    assert "alice signed in by password from 203.0.113.77" in lines
    assert "somebody tried to sign in as 'alice' by password from 203.0.113.77" in lines
    assert "alice signed in by recovery code from 203.0.113.77" in lines
    assert not any("\n" in line for line in lines)
    for secret in (PASSWORD, "a wrong password", "another wrong one", code):
        assert secret not in caplog.text


def test_what_is_refused_is_logged(world: Page, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Browser(world).send("/sign-out", {"form_token": "0" * 64})
    assert "203.0.113.77: 403 FORBIDDEN signin.sign_out" in caplog.text


def test_the_audit_has_no_secrets(world: Page) -> None:
    browser = Browser(world)
    browser.sign_in()
    fresh = "another four words here"
    browser.post("/account/password", form="/account", current=PASSWORD, password=fresh, again=fresh)
    codes = browser.post("/account/recovery-codes", form="/account").text
    token = world.token()
    with world.desk.office.reading() as books:
        rows = repr(books.audit.rows(limit=1000))
        assert books.audit.verify() is None
    drawn = re.findall(r"\b(?:[2-9a-z]{4}-){6}[2-9a-z]{4}\b", codes)
    assert len(drawn) == recovery.COUNT
    for secret in (fresh, token.rpartition("_")[2], *drawn):
        assert secret not in rows
    assert "argon2" not in rows
