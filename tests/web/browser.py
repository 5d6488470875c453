"""A browser at the page: it keeps cookies, fills in forms with their tokens, and follows links."""

import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webworld import HOST, ORIGIN, Page
from webui.signin import passwords

PASSWORD = "four words of nothing"
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


class Browser:
    """One browser; its address can be changed by ``environ``."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.client: FlaskClient = page.client()

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, base_url=ORIGIN, headers=_named(headers), buffered=True)

    def json(self, path: str) -> dict[str, Any]:
        """What is answered there, as JSON."""
        found = self.get(path).json
        assert isinstance(found, dict)
        return found

    def token(self, path: str = "/sign-in") -> str:
        """The token of a form on that page."""
        found = _TOKEN.search(self.get(path).text)
        assert found, f"{path} has no form"
        return found[1]

    def post(self, path: str, form: str | None = None, **fields: Any) -> TestResponse:
        """Send a form as a browser does; ``form`` is the page that it stands on."""
        token = self.token(form or path)
        return self.send(path, fields | {"form_token": token})

    def send(self, path: str, fields: dict[str, Any], **headers: str) -> TestResponse:
        """Send just these fields."""
        told = {"Origin": ORIGIN, "Referer": f"{ORIGIN}/account", **_named(headers)}
        return self.client.post(path, base_url=ORIGIN, data=fields, headers=told)

    def sign_in(self, login: str = "alice", password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.post("/sign-in", login=login, password=password, **fields)

    def cookie(self, name: str = "session") -> str | None:
        found = self.client.get_cookie(f"__Host-{name}", domain=HOST)
        return found.value if found else None

    def set_cookie(self, value: str, name: str = "session") -> None:
        self.client.set_cookie(f"__Host-{name}", value, domain=HOST, secure=True, path="/")

    @property
    def is_signed_in(self) -> bool:
        return self.get("/account").status_code == 200


def give_password(page: Page, *logins: str, password: str = PASSWORD) -> None:
    """Let these members sign in with a password."""
    encoded = _encoded(password)
    with page.desk.office.writing() as books:
        for login in logins:
            books.signins.set_password(login, encoded)


@cache
def _encoded(password: str) -> str:
    return passwords.encoded(password)


def path_of(answer: TestResponse) -> str:
    """Where an answer leads to on this page."""
    parts = urlsplit(answer.headers["Location"])
    assert parts.netloc in {"", HOST}, answer.headers["Location"]
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
