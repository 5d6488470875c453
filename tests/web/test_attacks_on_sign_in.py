"""What may be tried at signing in: guessing, planted and stolen sessions (the group "members" of the trials)."""

import re

from flask.testing import FlaskClient

from tests.web.browsing import PASSWORD, browser, make_sure, sign_in, with_password
from tests.webworld import HOST, ORIGIN, SESSION_COOKIE, SETTINGS, Page


def test_signing_in_draws_a_new_session_and_ends_the_old_one(world: Page) -> None:
    with_password(world)
    at = browser(world, None)
    at.client.set_cookie(SESSION_COOKIE, "planted by somebody", domain=HOST, secure=True, path="/")
    sign_in(at)
    first = _session(at.client)
    assert first != "planted by somebody"
    before = at.token
    at.get("/account")
    assert at.token != before, "forms of before are worth nothing"
    at.post("/sign-out")
    at.client.set_cookie(SESSION_COOKIE, first, domain=HOST, secure=True, path="/")
    assert at.get("/").status_code == 302, "a session is over in the store, not only in the browser"


def test_cookies_are_bound_to_this_host_and_kept_from_scripts(world: Page) -> None:
    with_password(world)
    at = browser(world, None)
    at.get("/sign-in")
    answer = at.post("/sign-in", {"login": "alice", "password": PASSWORD})
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) >= 3
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Domain=" not in cookie


def test_cookies_that_a_guest_s_site_could_set_are_not_read(world: Page) -> None:
    at = browser(world)
    secret = _session(at.client)
    other = world.client()
    for name in (
        "session",
        "browser",
        "known",
    ):  # a sibling host can set no __Host- cookie (RFC 6265bis 4.1.3.2)
        other.set_cookie(name, secret, domain=HOST, path="/")
    assert other.get("/", base_url=ORIGIN).status_code == 302


def test_a_session_of_a_suspended_member_is_over(world: Page) -> None:
    alice, carol = browser(world), browser(world, "carol", sure=True)
    carol.post("/admin/members/alice/suspend")
    answer = alice.post("/claim", {"name": "notes", "kind": "site", "guest": "guest-alice"})
    assert (answer.location or "").startswith("/sign-in")
    with_password(world)
    assert sign_in(browser(world, None)).status_code == 401
    assert browser(world, "alice").get("/").status_code == 302


def test_10_000_tries_lock_out_neither_others_nor_the_owner_s_browser(world: Page) -> None:
    with_password(world)
    with_password(world, "bob")
    known = browser(world, None, address="192.0.2.1")
    assert sign_in(known).status_code == 302
    known.get("/account")
    known.post("/sign-out")
    _failed_before(world, "account alice", 9)
    guessers = [browser(world, None, address=f"198.51.100.{host}") for host in range(4)]
    assert [sign_in(one, password="wrong").status_code for one in guessers] == [401, 429, 429, 429]
    _failed_before(world, "account alice", 6_000)
    _failed_before(world, "address 198.51.100.7", 2_000)
    _failed_before(world, "address 192.0.2.1", 2_000)
    assert sign_in(browser(world, None), "bob").status_code == 302, "others"
    assert sign_in(known).status_code == 302, "the owner, also at an address from which somebody guesses"
    stranger = browser(world, None, address="198.51.100.7")
    assert sign_in(stranger).status_code == 429
    assert "Wait a quarter of an hour" in sign_in(stranger).text
    world.clock.time += 901
    assert sign_in(stranger).status_code == 302, "it ends by itself"


def test_another_s_known_browser_helps_nobody_to_guess(world: Page) -> None:
    with_password(world)
    with_password(world, "bob")
    mallory = browser(world, None)
    sign_in(mallory, "bob")
    mallory.get("/account")
    mallory.post("/sign-out")
    _failed_before(world, "account alice", 9)
    answers = [sign_in(mallory, "alice", "wrong").status_code for _ in range(2)]
    assert answers == [401, 429]


def test_an_unknown_member_and_a_wrong_password_look_alike(world: Page) -> None:
    with_password(world)
    wrong, unknown = (sign_in(browser(world, None), login, "wrong") for login in ("alice", "zoe"))
    assert wrong.status_code == unknown.status_code == 401
    plain = [re.sub(r"[0-9a-f]{64}|alice|zoe", "", answer.text) for answer in (wrong, unknown)]
    assert plain[0] == plain[1]


def test_an_admin_s_old_sign_in_is_not_enough_after_ten_minutes(world: Page) -> None:
    carol = browser(world, "carol")
    make_sure(world, carol.client)
    world.clock.time += 601
    assert carol.post("/admin/members/alice/suspend").location.startswith("/sure")
    with world.desk.office.reading() as books:
        alice = books.members.member("alice")
    assert alice is not None
    assert alice.state.value == "active"


def _failed_before(world: Page, key: str, times: int) -> None:
    with world.desk.office.writing() as books:
        for _ in range(times):
            books.signins.failed(key, world.clock.time)


def _session(client: FlaskClient) -> str:
    cookie = client.get_cookie(SESSION_COOKIE, domain=HOST)
    assert cookie is not None
    assert SETTINGS.secure
    return cookie.value
