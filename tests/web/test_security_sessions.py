"""Sessions: who has one, for how long, and how it ends (OWASP ASVS 5.0, V7)."""

import re
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from skulldns.model.members import Actor, Member
from tests.web.browser import PASSWORD, Browser, give_password, path_of
from tests.webworld import Page, page
from webui import sessions
from webui.desk import members

CAROL = Actor("carol", admin=True)


@pytest.fixture
def world(tmp_path: Path) -> Page:
    here = page(tmp_path)
    give_password(here, "alice", "bob", "carol")
    return here


def _signed_in(world: Page, login: str = "alice") -> Browser:
    browser = Browser(world)
    assert browser.sign_in(login).status_code == 302
    assert browser.is_signed_in
    return browser


def test_a_session_is_a_new_secret_that_nobody_can_choose(world: Page) -> None:
    browser = Browser(world)
    browser.set_cookie("fixed-by-an-attacker")
    browser.sign_in()
    first = browser.cookie()
    assert first not in {None, "fixed-by-an-attacker"}
    browser.post("/sign-out", form="/account")
    browser.sign_in()
    assert browser.cookie() not in {None, first}
    assert len(str(first)) >= 43, "256 random bits in base64"


def test_the_store_knows_no_secret_of_a_session(world: Page) -> None:
    browser = _signed_in(world)
    with world.desk.office.reading() as books:
        [session] = books.sessions.sessions("alice", world.clock.time)
    assert session.id == sessions.session_id(str(browser.cookie()))
    assert session.id != browser.cookie()
    thief = Browser(world)
    thief.set_cookie(session.id)
    assert not thief.is_signed_in


def test_cookies_belong_to_this_host_and_to_no_script(world: Page) -> None:
    browser = Browser(world)
    answers = [browser.get("/sign-in"), browser.sign_in(), browser.get("/sign-in/passkey")]
    cookies = SimpleCookie()
    for answer in answers:
        for header in answer.headers.getlist("Set-Cookie"):
            cookies.load(header)
    assert {"__Host-session", "__Host-browser", "__Host-known", "__Host-note"} <= cookies.keys()
    for name, cookie in cookies.items():
        assert name.startswith("__Host-")
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
        assert (cookie["path"], cookie["domain"]) == ("/", ""), name


def test_signing_out_ends_the_session_in_the_store(world: Page) -> None:
    browser = _signed_in(world)
    stolen = str(browser.cookie())
    answer = browser.post("/sign-out", form="/account")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not browser.is_signed_in
    thief = Browser(world)
    thief.set_cookie(stolen)
    assert not thief.is_signed_in


def test_a_session_ends_when_nothing_is_asked_in_it(world: Page) -> None:
    browser = _signed_in(world)
    world.clock.time += sessions.IDLE - 1
    assert browser.is_signed_in
    world.clock.time += sessions.IDLE + 1
    assert not browser.is_signed_in


def test_a_session_ends_whatever_is_asked_in_it(world: Page) -> None:
    browser = _signed_in(world)
    for _ in range(13):
        world.clock.time += 86_400
        assert browser.is_signed_in
    world.clock.time += 86_401
    assert not browser.is_signed_in


def test_a_member_sees_their_sessions_and_ends_each(world: Page) -> None:
    here, there, third = (_signed_in(world) for _ in range(3))
    stranger = _signed_in(world, "bob")
    ids = re.findall(r'name="id" value="([0-9a-f]{64})"', here.get("/account").text)
    assert len(ids) == 3
    here.post("/account/sessions/end", form="/account", id=sessions.session_id(str(there.cookie())))
    assert (here.is_signed_in, there.is_signed_in, third.is_signed_in) == (True, False, True)
    here.post("/account/sessions/end", form="/account", id=sessions.session_id(str(stranger.cookie())))
    assert stranger.is_signed_in
    here.post("/account/sessions/end", form="/account", id="others")
    assert (here.is_signed_in, third.is_signed_in, stranger.is_signed_in) == (True, False, True)


def test_a_new_password_ends_all_other_sessions(world: Page) -> None:
    here, there = _signed_in(world), _signed_in(world)
    fresh = "another four words here"
    here.post("/account/password", form="/account", current=PASSWORD, password=fresh, again=fresh)
    assert (here.is_signed_in, there.is_signed_in) == (True, False)
    assert Browser(world).sign_in(password=PASSWORD).status_code == 401


@pytest.mark.parametrize("act", ["/account/password", "/account/password/drop"])
def test_a_change_of_the_password_asks_for_the_current_one(world: Page, act: str) -> None:
    browser, fresh = _signed_in(world), "another four words here"
    for current in ({}, {"current": ""}, {"current": fresh}, {"current": f"{PASSWORD} "}):
        browser.post(act, form="/account", password=fresh, again=fresh, **current)
        assert "the current password does not fit" in browser.get("/account").text
    assert Browser(world).sign_in(password=fresh).status_code == 401
    assert Browser(world).sign_in(password=PASSWORD).status_code == 302
    found = [
        browser.post(act, form="/account", password=fresh, again=fresh, current="wrong").status_code
        for _ in range(7)
    ]
    assert found[-1] == 429


@pytest.mark.parametrize("act", ["suspend", "invite anew"])
def test_what_an_admin_does_ends_a_members_sessions(world: Page, act: str) -> None:
    browser = _signed_in(world)
    if act == "suspend":
        members.suspend_member(world.desk, CAROL, "alice", "why", world.clock.time)
    else:
        _, secret = members.invite(world.desk, CAROL, "alice", world.clock.time)
        members.accept(world.desk, secret, world.clock.time, "192.0.2.1", password="x")
    assert not browser.is_signed_in


def test_an_admin_who_is_one_no_more_is_none_at_once(world: Page) -> None:
    with world.desk.office.writing() as books:
        books.members.put(Member("bob", 0.0, admin=True))
    browser = _signed_in(world, "carol")
    members.set_admin(world.desk, Actor("bob", admin=True), "carol", world.clock.time, admin=False)
    assert browser.get("/admin").status_code == 404


DANGEROUS = {
    "/account/password": {
        "current": PASSWORD,
        "password": "another four words",
        "again": "another four words",
    },
    "/account/password/drop": {"current": PASSWORD},
    "/account/sessions/end": {"id": "others"},
    "/account/recovery-codes": {},
    "/account/passkeys/drop": {"id": "00"},
}


@pytest.mark.parametrize("path", list(DANGEROUS))
def test_dangerous_acts_ask_again_who_one_is(world: Page, path: str) -> None:
    browser = _signed_in(world)
    world.clock.time += sessions.SURE_FOR + 1
    answer = browser.post(path, form="/account", **DANGEROUS[path])
    assert path_of(answer).startswith("/sure")
    before = browser.cookie()
    assert browser.post("/sure", password="not the password", next="/account").status_code == 401
    assert path_of(browser.post("/sure", password=PASSWORD, next="/account")) == "/account"
    assert browser.cookie() != before, "a new secret after showing again who one is"
    thief = Browser(world)
    thief.set_cookie(str(before))
    assert not thief.is_signed_in
    done = browser.post(path, form="/account", **DANGEROUS[path])
    assert not done.headers.get("Location", "").startswith("/sure")


def test_guessing_again_who_one_is_is_slowed_down(world: Page) -> None:
    browser = _signed_in(world)
    world.clock.time += sessions.SURE_FOR + 1
    found = [browser.post("/sure", password="wrong password").status_code for _ in range(11)]
    assert found == [401] * 10 + [429]


def test_every_page_of_a_member_has_a_way_out(world: Page) -> None:
    browser = _signed_in(world)
    for path in ("/", "/account", "/claim"):
        assert 'action="/sign-out"' in browser.get(path).text, path


def test_the_page_itself_is_for_members_only(world: Page) -> None:
    public = {"signin", "help", "static", "openid", "entry", "api", "dyndns", "httpreq", "acmedns"}
    browser = Browser(world)
    seen = 0
    for rule in world.app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] in public or "GET" not in (rule.methods or ()):
            continue
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        answer = browser.get(path)
        assert answer.status_code == 302, rule
        assert path_of(answer).startswith("/sign-in"), rule
        seen += 1
    assert seen >= 5


def test_a_member_says_where_their_notices_go(world: Page) -> None:
    here = _signed_in(world)
    here.post("/account/mail", form="/account", email="alice@example.org")
    assert 'value="alice@example.org"' in here.get("/account").text
    for wrong in ("x", '"><script>@x.y', "a@b, c@d", "a@-b", "a b@example.org", "a@" + "b" * 300):
        here.post("/account/mail", form="/account", email=wrong)
        assert "is no mail address" in here.get("/account").text
    with world.desk.office.reading() as books:
        alice = books.members.member("alice")
    assert alice is not None
    assert alice.email == "alice@example.org"
