"""Forward auth: members are handed over from the page to a site, and nobody else gets in."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from skulldns.model.tokens import Scope
from tests.webworld import HOST, ORIGIN, SETTINGS, Page, bearer, page
from webui.app import World, create_app
from webui.machines.entry import HANDOVER

SITE = "club.vmsrv.example.org"
OTHER = "other.vmsrv.example.org"


@pytest.fixture
def here(tmp_path: Path) -> Page:
    found = page(tmp_path)
    found.claim("club", members_only=True)
    found.claim("other", members_only=True)
    found.claim("open")
    return found


def get(client: FlaskClient, url: str, headers: Mapping[str, str] | None = None) -> TestResponse:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return client.get(path, base_url=f"https://{parts.netloc}", headers=dict(headers or {}))


def asked(client: FlaskClient, site: str = SITE) -> tuple[int, str | None]:
    """What nginx hears."""
    answer = get(client, f"https://{site}/auth")
    return answer.status_code, answer.headers.get("Remote-User")


def begin(client: FlaskClient, path: str = "/a?b=1&c=2", site: str = SITE) -> str:
    """From the site to the page and back, until the page wants to know who it is: that address."""
    first = get(client, f"{ORIGIN}/enter?rd=https://{site}{path}")
    assert (first.status_code, urlsplit(first.location).netloc) == (302, site)
    second = get(client, first.location)
    assert (second.status_code, urlsplit(second.location).netloc) == (302, HOST)
    return second.location


def ticket(client: FlaskClient, path: str = "/a?b=1&c=2", site: str = SITE) -> str:
    """The address with the ticket that a signed-in member is sent to."""
    answer = get(client, begin(client, path, site))
    assert answer.status_code == 200
    return answer.headers["Refresh"].partition("url=")[2]


def test_a_member_is_handed_over_and_comes_to_where_they_wanted(here: Page) -> None:
    client = here.client()
    assert asked(client) == (401, None)
    here.sign_in(client)
    goal = ticket(client)
    assert urlsplit(goal)[:3] == ("https", SITE, HANDOVER)
    arrived = get(client, goal)
    assert (arrived.status_code, arrived.location) == (302, "/a?b=1&c=2")
    assert "; Secure; HttpOnly; Path=/; SameSite=Lax" in arrived.headers["Set-Cookie"]
    assert arrived.headers["Set-Cookie"].startswith("__Host-")
    assert asked(client) == (200, "alice")
    assert asked(client, OTHER) == (401, None)


def test_who_is_not_signed_in_signs_in_first(here: Page) -> None:
    client = here.client()
    address = begin(client)
    answer = get(client, address)
    assert (answer.status_code, urlsplit(answer.location).path) == (302, "/sign-in")
    assert parse_qs(urlsplit(answer.location).query)["next"] == [address.removeprefix(ORIGIN)]


def test_a_ticket_is_good_once(here: Page) -> None:
    client = here.client()
    here.sign_in(client)
    goal = ticket(client)
    begun = client.get_cookie("__Host-skulldns-begun", domain=SITE)
    assert begun is not None
    assert get(client, goal).status_code == 302
    client.set_cookie("__Host-skulldns-begun", begun.value, domain=SITE, secure=True)
    assert get(client, goal).status_code == 403


def test_a_ticket_is_good_once_in_all_processes_of_the_page(here: Page) -> None:
    other = replace(here, app=create_app(World(here.desk, SETTINGS, here.clock)))
    client, elsewhere = here.client(), other.client()
    here.sign_in(client)
    goal = ticket(client)
    begun = client.get_cookie("__Host-skulldns-begun", domain=SITE)
    assert begun is not None
    elsewhere.set_cookie("__Host-skulldns-begun", begun.value, domain=SITE, secure=True)
    assert get(elsewhere, goal).status_code == 302
    assert get(client, goal).status_code == 403


def test_a_ticket_is_good_in_one_browser_at_one_site_for_a_minute(here: Page) -> None:
    client, stranger = here.client(), here.client()
    here.sign_in(client)
    here.sign_in(stranger, "bob")
    begin(stranger)
    assert get(stranger, ticket(client)).status_code == 403
    assert asked(stranger) == (401, None)
    begin(client, site=OTHER)
    assert get(client, ticket(client).replace(SITE, OTHER)).status_code == 403
    late = ticket(client)
    here.clock.time += 61
    assert get(client, late).status_code == 403
    assert asked(client) == (401, None)


@pytest.mark.parametrize("text", ["", "x", "e30.x", "%ff", "a" * 5000])
def test_a_made_up_ticket_is_refused(here: Page, text: str) -> None:
    client = here.client()
    begin(client)
    assert get(client, f"https://{SITE}{HANDOVER}?ticket={text}").status_code == 403


def test_a_made_up_entry_is_refused(here: Page) -> None:
    client = here.client()
    for text in ("x", "e30.x", "a.b.c"):
        client.set_cookie("__Host-skulldns-entry", text, domain=SITE, secure=True)
        assert asked(client) == (401, None)


def test_signing_out_ends_it_everywhere(here: Page) -> None:
    client = here.client()
    here.sign_in(client)
    get(client, ticket(client))
    assert asked(client) == (200, "alice")
    here.end_sessions()
    assert asked(client) == (401, None)


def test_it_ends_with_time(here: Page) -> None:
    client = here.client()
    here.sign_in(client)
    get(client, ticket(client))
    here.clock.time += 12 * 3600 + 1
    assert asked(client) == (401, None)


@pytest.mark.parametrize(
    "goal",
    [
        "https://evil.test/",
        "//evil.test/",
        "https://open.vmsrv.example.org/",
        "https://free.vmsrv.example.org/",
        f"https://{HOST}/",
        f"https://{SITE}@evil.test/",
        f"https://evil.test#@{SITE}/",
        f"https://x@{SITE}/",
        f"javascript://{SITE}/",
        f"https://{SITE}:99999/",
        f"https://{SITE}.evil.test/",
        "https://[::1]/",
        "https://127.0.0.1/",
        "",
        "/",
    ],
)
def test_nobody_is_led_elsewhere(here: Page, goal: str) -> None:
    client = here.client()
    here.sign_in(client)
    assert get(client, f"{ORIGIN}/enter?rd={goal}").status_code == 404


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "",
        HOST,
        f"{SITE}@evil.test",
        f"x@{SITE}",
        "open.vmsrv.example.org",
    ],
)
def test_no_ticket_is_for_elsewhere(here: Page, host: str) -> None:
    client = here.client()
    here.sign_in(client)
    answer = get(client, f"{ORIGIN}/enter?host={quote(host, safe='')}&path=/&state=x")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path", ["//evil.test", "/\\evil.test", "https://evil.test", "/a b", f"{HANDOVER}?path=/"]
)
def test_the_way_back_stays_at_the_site(here: Page, path: str) -> None:
    client = here.client()
    here.sign_in(client)
    begun = get(client, f"https://{SITE}{HANDOVER}?path={quote(path)}")
    goal = get(client, begun.location).headers["Refresh"].partition("url=")[2]
    assert get(client, goal).location == "/"


def test_a_token_lets_a_machine_into_its_member_s_own_site(here: Page) -> None:
    headers = {"Host": SITE}
    client = here.client()
    for login, scope, status in (
        ("alice", Scope.AUTH, 200),
        ("alice", Scope.READ, 401),
        ("bob", Scope.AUTH, 401),
    ):
        token = here.token(scope, login=login)
        answer = client.get("/auth", headers=bearer(token) | headers)
        assert answer.status_code == status


def test_a_site_shows_nothing_else_of_the_page(here: Page) -> None:
    client = here.client()
    here.sign_in(client)
    for path in ("/", "/sign-in", "/api/v1/openapi.json", "/enter", "/nic/update"):
        assert get(client, f"https://{SITE}{path}").status_code == 421
    assert get(client, f"{ORIGIN}{HANDOVER}").status_code == 404
