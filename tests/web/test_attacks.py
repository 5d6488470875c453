"""What members and strangers may try at the page (the groups "members" and "HTTP" of the trials)."""

import html
import re
from functools import cache

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from skulldns.model.claims import ClaimState
from skulldns.model.tokens import Scope
from tests.web.browsing import Browser, browser, make_sure
from tests.webworld import ADDRESS, HOST, ORIGIN, SESSION_COOKIE, SETTINGS, Page
from webui import sessions
from webui.signin import passwords

PASSWORD = "four words not alike"
FORMS = ("target", "options", "records", "transfer", "release", "confirm")


def _with_password(world: Page, login: str = "alice") -> None:
    with world.desk.office.writing() as books:
        books.signins.set_password(login, _encoded())


@cache
def _encoded() -> str:
    return passwords.encoded(PASSWORD)


def _sign_in(at: Browser, login: str = "alice", password: str = PASSWORD, **more: str) -> TestResponse:
    at.get("/sign-in")
    return at.post("/sign-in", {"login": login, "password": password, **more})


def _rules(world: Page, method: str) -> list[Rule]:
    """The page's own addresses; those for machines have no cookie and no form."""
    views = world.app.view_functions
    return [
        rule
        for rule in world.app.url_map.iter_rules()
        if method in (rule.methods or ())
        and rule.endpoint != "static"
        and not getattr(views[rule.endpoint], "for_machines", False)
    ]


def _path(world: Page, rule: Rule, identity: str = "0" * 32) -> str:
    values = {"identity": identity, "login": "alice", "secret": "s", "what": "suspend"}
    adapter = world.app.url_map.bind(HOST)
    return adapter.build(rule.endpoint, {key: values.get(key, "x") for key in rule.arguments}, method=None)


# Another's things


@pytest.mark.parametrize("form", FORMS)
def test_another_s_claim_is_answered_as_one_that_is_not_there(world: Page, form: str) -> None:
    claim, mallory = world.claim("notes"), browser(world, "bob")
    said = []
    for identity in (claim.id, "0" * 32, "x"):
        answer = mallory.post(
            f"/names/{identity}/{form}", {"kind": "redirect", "url": "https://x.example/", "to": "bob"}
        )
        said.append((answer.status_code, mallory.flashed() if answer.status_code == 303 else answer.text))
    assert said[0] == said[1] == said[2]
    assert "no such claim" in html.unescape(said[0][1])
    assert world.now(claim) == claim


def test_another_s_pages_are_not_there(world: Page) -> None:
    claim = world.claim("notes")
    mallory = browser(world, "bob")
    for path in (
        f"/names/{claim.id}",
        f"/names/{claim.id}/chain",
        f"/admin/names/{claim.id}",
        "/admin/members/alice",
    ):
        assert mallory.get(path).status_code == 404, path
        assert "alice" not in mallory.get(path).text, path


def test_another_s_token_and_session_are_not_ended(world: Page) -> None:
    identity = world.token(Scope.READ).split("_")[1]
    alice, mallory = browser(world), browser(world, "bob")
    mallory.post("/tokens/revoke", {"id": identity})
    assert "no such token" in mallory.flashed()
    with world.desk.office.reading() as books:
        (session,) = books.sessions.sessions("alice", world.clock.time)
        token = books.tokens.token(identity)
    assert token is not None
    assert token.revoked is None
    mallory.post("/account/sessions/end", {"id": session.id})
    assert alice.get("/").status_code == 200


def test_no_member_does_what_admins_do(world: Page) -> None:
    claim = world.claim("notes", login="bob")
    mallory = browser(world, "alice", sure=True)
    for rule in _rules(world, "POST"):
        if rule.endpoint.startswith("admin."):
            answer = mallory.post(_path(world, rule, claim.id), {"wanted": "yes", "login": "mallory"})
            assert answer.status_code == 404, rule
    assert world.now(claim).state is ClaimState.ACTIVE
    with world.desk.office.reading() as books:
        assert [row.act.what for row in books.audit.rows()] == ["claim"]


def test_fields_that_nobody_asked_for_change_nothing(world: Page) -> None:
    at = browser(world, sure=True)
    more = {"is_admin": "1", "admin": "yes", "member": "bob", "state": "active", "acting_as": "carol"}
    at.post("/claim", {"name": "notes", "kind": "site", "guest": "guest-alice", "port": "80", **more})
    with world.desk.office.reading() as books:
        alice = books.members.member("alice")
        (claim,) = books.claims.search(member="alice").items
    assert alice is not None
    assert not alice.admin
    assert claim.member == "alice"


# Forms


def test_no_form_is_taken_without_its_token(world: Page) -> None:
    claim = world.claim("notes")
    at = browser(world, "carol", sure=True)
    rules = _rules(world, "POST")
    assert len(rules) > 25
    for rule in rules:
        assert at.post(_path(world, rule, claim.id), {"form_token": ""}).status_code == 403, rule
    for token in ("0" * 64, "é", at.token[:-1], at.token.upper()):
        assert at.post("/sign-out", {"form_token": token}).status_code == 403, token
    with world.desk.office.reading() as books:
        assert [row.act.what for row in books.audit.rows()] == ["claim"]


def test_a_stolen_token_of_a_form_is_worth_nothing_in_another_browser(world: Page) -> None:
    alice, mallory = browser(world), browser(world, "bob")
    mallory.token = alice.token
    assert mallory.post("/sign-out").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_elsewhere_is_refused(world: Page, headers: dict[str, str]) -> None:
    assert browser(world).post("/sign-out", headers=headers).status_code == 403


def test_two_fields_of_one_name_are_refused(world: Page) -> None:
    at = browser(world)
    answer = at.post("/claim", {"name": ["one", "two"], "kind": "site", "guest": "guest-alice"})
    assert answer.status_code == 400
    with world.desk.office.reading() as books:
        assert books.claims.search().total == 0


def test_json_where_a_form_is_due_is_refused(world: Page) -> None:
    at = browser(world)
    answer = at.client.post(
        "/claim", json={"name": "x", "form_token": at.token}, base_url=ORIGIN, headers={"Host": HOST}
    )
    assert answer.status_code == 403


def test_a_huge_body_and_too_many_fields_are_refused(world: Page) -> None:
    at = browser(world)
    assert at.post("/claim", {"name": "x" * 10_000_000}).status_code == 413
    fields = dict.fromkeys((f"field{number}" for number in range(1000)), "x")
    answer = at.post("/claim", fields, content_type="multipart/form-data")
    assert answer.status_code == 413


def test_huge_headers_and_queries_do_no_harm(world: Page) -> None:
    at = browser(world)
    assert at.get("/", headers={"X-Long": "x" * 100_000}).status_code == 200
    assert at.get("/?q=" + "x" * 50_000).status_code == 200
    assert at.get("/?from=" + "9" * 5_000).status_code == 200
    assert browser(world, "carol").get("/admin/audit?before=" + "9" * 5_000).status_code == 200


@pytest.mark.parametrize("method", ["BREW", "PUT", "DELETE", "PATCH", "TRACE"])
def test_an_unknown_method_does_nothing(world: Page, method: str) -> None:
    at = browser(world)
    answer = at.client.open("/", method=method, base_url=ORIGIN, headers={"Host": HOST})
    assert answer.status_code in {403, 405}


@pytest.mark.parametrize(
    "text", ["\x00", "a\r\nX: y", "<b>", "'; DROP TABLE claims; --", "{{ 7 * 7 }}", "%s%n", "\ud7ff"]
)
def test_what_is_searched_for_is_text(world: Page, text: str) -> None:
    at = browser(world, "carol")
    for path in ("/", "/guests", "/admin", "/admin/names", "/admin/guests"):
        answer = at.client.get(path, query_string={"q": text}, base_url=ORIGIN, headers={"Host": HOST})
        assert answer.status_code == 200
        assert "<b>" not in answer.text
        assert 'value="49"' not in answer.text


# Where a request comes from


@pytest.mark.parametrize(
    "host", ["evil.example", "names.example.org.evil.example", "localhost", f"{HOST}:8443", ""]
)
def test_the_page_answers_for_its_own_host_only(world: Page, host: str) -> None:
    at = browser(world)
    answer = at.get("/", headers={"Host": host})
    assert answer.status_code in {400, 421}
    assert "alice-web" not in answer.text
    assert "evil" not in answer.text


def test_what_a_client_says_of_its_address_counts_for_nothing(world: Page) -> None:
    at = browser(world)
    forged = {
        "X-Forwarded-For": "198.51.100.99",
        "Forwarded": "for=198.51.100.99",
        "X-Real-IP": "198.51.100.99",
    }
    at.post("/claim", {"name": "notes", "kind": "site", "guest": "guest-alice"}, headers=forged)
    with world.desk.office.reading() as books:
        (row,) = books.audit.rows()
    assert row.act.address == ADDRESS


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/x",
        "evil.example",
    ],
)
def test_no_address_leads_elsewhere(world: Page, target: str) -> None:
    with world.app.test_request_context(base_url=ORIGIN):
        assert sessions.local_path(target) == "/"


def test_signing_in_leads_nowhere_else(world: Page) -> None:
    _with_password(world)
    answer = _sign_in(browser(world, None), next="//evil.example")
    assert (answer.status_code, answer.location) == (302, "/")


def test_signing_in_leads_back_to_where_one_was(world: Page) -> None:
    _with_password(world)
    at = browser(world, None)
    asked = at.get("/tokens/new?scope=acme").location
    assert (
        _sign_in(
            at, next=html.unescape(asked.partition("next=")[2]).replace("%3F", "?").replace("%3D", "=")
        ).location
        == "/tokens/new?scope=acme"
    )


# Sessions


def test_signing_in_draws_a_new_session_and_ends_the_old_one(world: Page) -> None:
    _with_password(world)
    at = browser(world, None)
    at.client.set_cookie(SESSION_COOKIE, "planted by somebody", domain=HOST, secure=True, path="/")
    _sign_in(at)
    first = _session(at.client)
    assert first != "planted by somebody"
    before = at.token
    at.get("/account")
    assert at.token != before, "forms of before are worth nothing"
    at.post("/sign-out")
    at.client.set_cookie(SESSION_COOKIE, first, domain=HOST, secure=True, path="/")
    assert at.get("/").status_code == 302, "a session is over in the store, not only in the browser"


def test_cookies_are_bound_to_this_host_and_kept_from_scripts(world: Page) -> None:
    _with_password(world)
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
    _with_password(world)
    assert _sign_in(browser(world, None)).status_code == 401
    assert browser(world, "alice").get("/").status_code == 302


def test_every_answer_has_the_headers_that_browsers_heed(world: Page) -> None:
    at = browser(world, "carol")
    for path in ("/", "/tokens/new", "/admin/audit", "/nothing", "/sign-in", "/static/style.css"):
        answer = at.get(path)
        headers = answer.headers
        answer.close()
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "max-age=" in headers["Strict-Transport-Security"]
        if not path.startswith("/static"):
            assert headers["Cache-Control"] == "no-store"


def test_no_page_has_scripts_or_styles_of_its_own(world: Page) -> None:
    claim = world.claim("notes")
    at = browser(world, "alice", sure=True)
    carol = browser(world, "carol")
    pages = [
        at.get(path)
        for path in ("/", f"/names/{claim.id}", "/tokens", "/tokens/new", "/guests", "/account", "/claim")
    ]
    pages += [
        carol.get(_path(world, rule, claim.id))
        for rule in _rules(world, "GET")
        if rule.endpoint.startswith("admin.")
    ]
    for page in pages:
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=\"/)|\son\w+=|javascript:", page.text), (
            page.request.path
        )
        assert not re.findall(r'(?:src|<link[^>]*href|action)="(?!/)[^"]*"', page.text), page.request.path


# Guessing


def test_10_000_tries_lock_out_neither_others_nor_the_owner_s_browser(world: Page) -> None:
    _with_password(world)
    _with_password(world, "bob")
    known = browser(world, None, address="192.0.2.1")
    assert _sign_in(known).status_code == 302
    known.get("/account")
    known.post("/sign-out")
    _failed_before(world, "account alice", 9)
    guessers = [browser(world, None, address=f"198.51.100.{host}") for host in range(4)]
    assert [_sign_in(one, password="wrong").status_code for one in guessers] == [401, 429, 429, 429]
    _failed_before(world, "account alice", 6_000)
    _failed_before(world, "address 198.51.100.7", 2_000)
    _failed_before(world, "address 192.0.2.1", 2_000)
    assert _sign_in(browser(world, None), "bob").status_code == 302, "others"
    assert _sign_in(known).status_code == 302, "the owner, also at an address from which somebody guesses"
    stranger = browser(world, None, address="198.51.100.7")
    assert _sign_in(stranger).status_code == 429
    assert "Wait a quarter of an hour" in _sign_in(stranger).text
    world.clock.time += 901
    assert _sign_in(stranger).status_code == 302, "it ends by itself"


def test_another_s_known_browser_helps_nobody_to_guess(world: Page) -> None:
    _with_password(world)
    _with_password(world, "bob")
    mallory = browser(world, None)
    _sign_in(mallory, "bob")
    mallory.get("/account")
    mallory.post("/sign-out")
    _failed_before(world, "account alice", 9)
    answers = [_sign_in(mallory, "alice", "wrong").status_code for _ in range(2)]
    assert answers == [401, 429]


def test_an_unknown_member_and_a_wrong_password_look_alike(world: Page) -> None:
    _with_password(world)
    wrong, unknown = (_sign_in(browser(world, None), login, "wrong") for login in ("alice", "zoe"))
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
