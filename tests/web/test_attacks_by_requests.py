"""What may be sent to the page, and what each answer says to browsers (the group "HTTP" of the trials)."""

import html
import re

import pytest

from tests.web.browsing import browser, path_of, sign_in, views, with_password
from tests.webworld import ADDRESS, HOST, ORIGIN, Page
from webui import sessions


def test_no_form_is_taken_without_its_token(world: Page) -> None:
    claim = world.claim("notes")
    at = browser(world, "carol", sure=True)
    rules = views(world, "POST")
    assert len(rules) > 25
    for rule in rules:
        assert at.post(path_of(world, rule, claim.id), {"form_token": ""}).status_code == 403, rule
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
    assert at.get("/?q=" + "x" * 5_000).status_code == 200
    assert at.get("/?from=" + "9" * 5_000).status_code == 200
    assert browser(world, "carol").get("/admin/audit?before=" + "9" * 5_000).status_code == 200


def test_an_address_that_is_too_long_is_refused_by_the_page_itself(world: Page) -> None:
    long = "?name=" + "x" * 6_000
    shown = browser(world).get(f"/look{long}")
    assert (shown.status_code, shown.mimetype) == (414, "text/html")
    assert "The address is too long" in shown.text
    assert shown.headers["Content-Security-Policy"]
    told = browser(world, None).get(f"/api/v1/names{long}")
    assert (told.status_code, told.mimetype) == (414, "application/problem+json")
    assert told.json is not None
    assert (told.json["detail"], told.json["cure"]) == ("the address is too long", "send less in it")


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
        "/sign-out",
        "/no/such/page",
    ],
)
def test_no_address_leads_elsewhere(world: Page, target: str) -> None:
    with world.app.test_request_context(base_url=ORIGIN):
        assert sessions.local_path(target) == "/"


def test_signing_in_leads_nowhere_else(world: Page) -> None:
    with_password(world)
    answer = sign_in(browser(world, None), next="//evil.example")
    assert (answer.status_code, answer.location) == (302, "/")


def test_signing_in_leads_back_to_where_one_was(world: Page) -> None:
    with_password(world)
    at = browser(world, None)
    asked = at.get("/tokens/new?scope=acme").location
    assert (
        sign_in(
            at, next=html.unescape(asked.partition("next=")[2]).replace("%3F", "?").replace("%3D", "=")
        ).location
        == "/tokens/new?scope=acme"
    )


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
        carol.get(path_of(world, rule, claim.id))
        for rule in views(world, "GET")
        if rule.endpoint.startswith("admin.")
    ]
    for page in pages:
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=\"/)|\son\w+=|javascript:", page.text), (
            page.request.path
        )
        assert not re.findall(r'(?:src|<link[^>]*href|action)="(?!/)[^"]*"', page.text), page.request.path
