"""What a browser is told and what it must show: headers, forms, hosts, proxies, redirects (OWASP ASVS 5.0, V3)."""

import logging
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.web.browser import Browser, give_password, path_of
from tests.webworld import ADDRESS, HOST, ORIGIN, SETTINGS, Page, page
from webui.sessions import local_path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Page:
    here = page(tmp_path_factory.mktemp("page"))
    give_password(here, "alice")

    @here.app.get("/broken")
    def broken() -> str:
        message = "a secret of the inside"
        raise RuntimeError(message)

    return here


@pytest.fixture
def browser(world: Page) -> Browser:
    """A browser in which alice has signed in."""
    browser = Browser(world)
    world.sign_in(browser.client)
    return browser


PATHS = [
    "/",
    "/sign-in",
    "/account",
    "/nothing-here",
    "/static/style.css",
    "/sign-in/passkey",
    "/invitation",
    "/auth",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "object-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not any(name.startswith("Access-Control") for name, _ in headers)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/account", "/nothing-here", "/sign-in/passkey"])
def test_nothing_of_a_member_is_kept_in_caches(browser: Browser, path: str) -> None:
    assert browser.get(path).headers["Cache-Control"] == "no-store"


def test_every_text_says_its_type_and_characters(browser: Browser) -> None:
    for path, kind in {
        "/sign-in": "text/html; charset=utf-8",
        "/nothing-here": "text/html; charset=utf-8",
        "/static/style.css": "text/css; charset=utf-8",
        "/sign-in/passkey": "application/json",
    }.items():
        assert browser.get(path).headers["Content-Type"] == kind


def test_a_form_without_its_token_changes_nothing(browser: Browser) -> None:
    assert browser.send("/sign-out", {}).status_code == 403
    assert browser.send("/sign-out", {"form_token": ""}).status_code == 403
    assert browser.send("/sign-out", {"form_token": "0" * 64}).status_code == 403
    assert browser.is_signed_in


def test_a_token_of_another_browser_is_none(world: Page, browser: Browser) -> None:
    other = Browser(world)
    token = other.token()
    assert browser.send("/sign-out", {"form_token": token}).status_code == 403
    assert browser.is_signed_in


def test_a_browser_without_its_cookie_has_no_token(world: Page) -> None:
    browser = Browser(world)
    token = browser.token()
    stranger = Browser(world)
    assert stranger.send("/sign-in", {"login": "x", "password": "y", "form_token": token}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://{HOST}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_form_from_another_site_changes_nothing(browser: Browser, headers: dict[str, str]) -> None:
    token = browser.token("/account")
    assert browser.send("/sign-out", {"form_token": token}, **headers).status_code == 403
    assert browser.is_signed_in


def test_the_token_changes_when_somebody_signs_in_or_out(world: Page) -> None:
    browser = Browser(world)
    before = browser.token()
    browser.sign_in()
    during = browser.token("/account")
    browser.post("/sign-out", form="/account")
    assert len({before, during, browser.token()}) == 3


def test_safe_methods_change_nothing(browser: Browser) -> None:
    for path in ("/sign-out", "/account/password", "/account/recovery-codes", "/account/sessions/end"):
        assert browser.get(path).status_code in {404, 405}, path
    assert browser.is_signed_in


@pytest.mark.parametrize("host", ["evil.example", f"{HOST}.evil.example", f"evil@{HOST}", f"{HOST}:444", ""])
def test_another_host_is_not_answered(world: Page, host: str) -> None:
    answer = world.client().get("/sign-in", base_url=ORIGIN, headers={"Host": host})
    assert answer.status_code in {400, 421}
    assert "evil" not in answer.headers.get("Location", "")


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded"]
)
def test_no_header_of_a_client_changes_where_links_lead(world: Page, header: str) -> None:
    answer = world.client().get("/account", base_url=ORIGIN, headers={header: "evil.example"})
    assert "evil" not in answer.headers["Location"]


def _failures(here: Page, address: str) -> int:
    with here.desk.office.reading() as books:
        return books.signins.failures(f"address {address}", 0.0)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        ((), "198.51.100.9", ADDRESS),
        (("192.0.2.0/24",), "198.51.100.9", ADDRESS),
        ((f"{ADDRESS}/32",), "198.51.100.9", "198.51.100.9"),
        ((f"{ADDRESS}/32",), "192.0.2.66, 198.51.100.9", "198.51.100.9"),
    ],
)
def test_only_a_proxy_of_the_config_is_believed_about_addresses(
    tmp_path: Path, proxies: tuple[str, ...], forwarded: str, counted: str
) -> None:
    here = page(tmp_path, settings=replace(SETTINGS, proxies=tuple(map(ip_network, proxies))))
    browser = Browser(here)
    token = browser.token()
    fields = {"login": "nobody", "password": "wrong", "form_token": token}
    browser.send("/sign-in", fields, X_Forwarded_For=forwarded)
    assert _failures(here, counted) == 1


GOALS = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "",
    "https:evil.example",
    "/sign-out",
    "/sign-out?x=1",
    "/nowhere",
]


@pytest.mark.parametrize("goal", GOALS)
def test_nobody_is_led_elsewhere(world: Page, goal: str) -> None:
    with world.app.test_request_context("/", base_url=ORIGIN):
        assert local_path(goal) == "/"
    answer = Browser(world).sign_in(next=goal)
    assert path_of(answer) == "/"


def test_a_page_of_ours_is_gone_on_to(world: Page) -> None:
    assert path_of(Browser(world).sign_in(next="/account?x=1")) == "/account?x=1"


def test_a_refused_form_leads_back_only_to_a_page_of_ours(browser: Browser) -> None:
    fields = {"form_token": browser.token("/account"), "password": "short", "again": "short"}
    browser.page.clock.time += 0
    for referrer in ("https://evil.example/x", f"{ORIGIN}.evil.example/", ""):
        answer = browser.send("/account/password", fields, Referer=referrer)
        assert path_of(answer).startswith("/"), referrer


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "FOO"])
def test_other_methods_are_refused(world: Page, method: str) -> None:
    assert world.client().open("/", method=method, base_url=ORIGIN).status_code in {403, 405}


def test_a_fault_of_ours_tells_nothing_of_the_inside(world: Page, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = world.client().get("/broken", base_url=ORIGIN)
    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert "secret of the inside" not in answer.text
    assert "secret of the inside" in caplog.text


def test_a_large_form_is_refused(browser: Browser) -> None:
    token = browser.token("/account")
    answer = browser.send("/account/password", {"form_token": token, "password": "x" * 70_000})
    assert answer.status_code == 413


def test_what_members_write_is_shown_as_text(world: Page) -> None:
    evil = "<script>alert(1)</script>"
    shown = Browser(world).sign_in(login=evil).text
    assert evil not in shown
    assert "&lt;script&gt;" in shown


def test_no_page_has_scripts_or_styles_inside(browser: Browser) -> None:
    for path in ("/", "/sign-in", "/account", "/claim"):
        text = browser.get(path).text
        assert "<style" not in text, path
        assert " style=" not in text, path
        assert " onclick" not in text, path
        assert text.count("<script") == text.count('<script src="/static/'), path


def test_there_are_no_listings_and_no_files_beside_the_static_ones(browser: Browser) -> None:
    for path in (
        "/static/",
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
        "/.git/config",
        "/static/x.py",
    ):
        assert browser.get(path).status_code == 404, path
