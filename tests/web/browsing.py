"""A browser without a screen over the page's own test client: it keeps cookies, and sends forms that it was shown."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.webworld import ADDRESS, HOST, ORIGIN, SESSION_COOKIE, Page
from webui import sessions
from webui.signin import passwords

PASSWORD = "four words not alike"
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')
_ACTION = re.compile(r'<form method="post"(?: action="([^"]*)")?')

Fields = Mapping[str, str | list[str]]


@dataclass
class Browser:
    """Somebody at the page. ``token`` is that of the last form that was shown."""

    client: FlaskClient
    token: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"Host": HOST})

    def get(self, path: str, **more: Any) -> TestResponse:
        """Open a page."""
        answer = self.client.get(
            path, base_url=ORIGIN, headers=self.headers | more.pop("headers", {}), **more
        )
        found = _TOKEN.search(answer.text) if answer.mimetype == "text/html" else None
        self.token = found[1] if found else self.token
        return answer

    def post(self, path: str, fields: Fields | None = None, **more: Any) -> TestResponse:
        """Send a form as a browser does, with the token that the last page had."""
        data: dict[str, Any] = {"form_token": self.token, **(fields or {})}
        sent = {"Origin": ORIGIN, "Referer": f"{ORIGIN}/", "Sec-Fetch-Site": "same-origin"}
        headers = self.headers | sent | more.pop("headers", {})
        return self.client.post(path, data=data, base_url=ORIGIN, headers=headers, **more)

    def flashed(self, path: str = "/") -> str:
        """What the next page says of the last act."""
        return notes(self.get(path).text)


def browser(
    page: Page, login: str | None = "alice", *, sure: bool = False, address: str = ADDRESS
) -> Browser:
    """A browser in which ``login`` is signed in; ``sure``: has signed in just now."""
    client = page.client()
    client.environ_base["REMOTE_ADDR"] = address
    if login is not None:
        page.sign_in(client, login)
        if sure:
            make_sure(page, client)
    found = Browser(client)
    if login is not None:
        found.get("/account")
    return found


def make_sure(page: Page, client: FlaskClient) -> None:
    """Let the member have signed in just now."""
    cookie = client.get_cookie(SESSION_COOKIE, domain=HOST)
    assert cookie is not None
    with page.desk.office.writing() as books:
        found = books.sessions.session(sessions.session_id(cookie.value), page.clock.time)
        assert found is not None
        books.sessions.put(replace(found, sure_until=page.clock.time + 600))


def notes(text: str) -> str:
    """What the notes at the top of a page say, as plain text."""
    found = re.findall(r'<div class="note [a-z]+" role="(?:status|alert)"><p>(.*?)</p>', text, re.DOTALL)
    return html.unescape("\n".join(found))


def posted_to(text: str) -> Iterator[str]:
    """Where a page's forms are sent to."""
    return (html.unescape(match[1]) for match in _ACTION.finditer(text) if match[1])


def templates() -> Iterator[Path]:
    """All templates of the page."""
    return (Path(__file__).parents[2] / "webui" / "templates").rglob("*.html")


def with_password(page: Page, login: str = "alice") -> None:
    """Let the member sign in with `PASSWORD`."""
    with page.desk.office.writing() as books:
        books.signins.set_password(login, _encoded())


@cache
def _encoded() -> str:
    return passwords.encoded(PASSWORD)


def sign_in(at: Browser, login: str = "alice", password: str = PASSWORD, **more: str) -> TestResponse:
    """Fill the form to sign in, and send it."""
    at.get("/sign-in")
    return at.post("/sign-in", {"login": login, "password": password, **more})


def views(page: Page, method: str) -> list[Rule]:
    """The page's own addresses; those for machines have no cookie and no form."""
    functions = page.app.view_functions
    return [
        rule
        for rule in page.app.url_map.iter_rules()
        if method in (rule.methods or ())
        and rule.endpoint != "static"
        and not getattr(functions[rule.endpoint], "for_machines", False)
    ]


def path_of(page: Page, rule: Rule, identity: str = "0" * 32) -> str:
    """An address with something for each of its arguments."""
    values = {"identity": identity, "login": "alice", "secret": "s", "what": "suspend"}
    adapter = page.app.url_map.bind(HOST)
    return adapter.build(rule.endpoint, {key: values.get(key, "x") for key in rule.arguments}, method=None)
