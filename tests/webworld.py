"""The page over a real database file, without a server: members, guests, tokens and a client."""

import base64
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dns.name
from dns.name import Name
from flask import Flask
from flask.testing import FlaskClient

from skulldns.desired.policy.rules import Rules
from skulldns.model.claims import Claim, GuestTarget, Target
from skulldns.model.members import Actor, Session
from skulldns.model.tokens import Scope
from skulldns.store.database import open_database
from tests.unit.deskworld import RULES, ZONE, database, desk, guest
from webui import sessions
from webui.app import World, create_app
from webui.desk import Desk, claims, tokens
from webui.settings import WebSettings

HOST = "names.example.org"
ORIGIN = f"https://{HOST}"
SETTINGS = WebSettings(ORIGIN, b"k" * 32, addresses=(ip_address("203.0.113.5"),))
ADDRESS = "203.0.113.77"
SECRET = "a-secret-of-a-session"
SESSION_COOKIE = "__Host-session"

__all__ = ["ADDRESS", "HOST", "ORIGIN", "SETTINGS", "ZONE", "Page", "basic", "bearer", "page"]


@dataclass
class Clock:
    """The page's clock; it goes on by ``step`` seconds whenever it is read."""

    time: float = 1_800_000_000.0
    step: float = 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


@dataclass
class Page:
    """The page and what stands behind it: alice, bob and the admin carol, each with a guest."""

    app: Flask
    desk: Desk
    clock: Clock = field(default_factory=Clock)

    def client(self) -> FlaskClient:
        """A client from ``ADDRESS``, with a cookie jar of its own."""
        client = self.app.test_client()
        client.environ_base["REMOTE_ADDR"] = ADDRESS
        return client

    def token(self, *scopes: Scope, login: str = "alice", names: tuple[Name, ...] = ()) -> str:
        """The text of a new token."""
        _, text = tokens.make(self.desk, Actor(login), "test", scopes or tuple(Scope), names, self.clock.time)
        return text

    def claim(self, label: str, target: Target | None = None, login: str = "alice", **more: Any) -> Claim:
        """A claim of a member's; without ``target`` it leads to their guest."""
        goal = target or GuestTarget(guest(login).id)
        return claims.claim(self.desk, Actor(login), label, goal, self.clock.time, **more)

    def sign_in(self, client: FlaskClient, login: str = "alice") -> None:
        """Let ``client`` be the browser of a member who has signed in."""
        secret = f"{SECRET}-{login}"
        moment = self.clock.time
        session = Session(
            sessions.session_id(secret), login, moment, moment, moment + sessions.LASTS, ADDRESS, "test"
        )
        with self.desk.office.writing() as books:
            books.sessions.put(session)
        client.set_cookie(SESSION_COOKIE, secret, domain=HOST, secure=True, path="/")

    def end_sessions(self, login: str = "alice") -> None:
        """Sign a member out everywhere."""
        with self.desk.office.writing() as books:
            books.sessions.end_all(login)

    def serve(self, claim: Claim, *values: str) -> None:
        """All name servers answer these values of ACME challenges, as the daemon says."""
        with self.desk.office.writing() as books:
            for value in values:
                books.views.put_served(claim.name, value)

    def now(self, claim: Claim) -> Claim:
        """The claim as it is stored."""
        with self.desk.office.reading() as books:
            found = books.claims.claim(claim.id)
        assert found is not None
        return found


@cache
def _empty() -> bytes:
    """A database without anything in it: making its tables takes longer than a whole test."""
    with TemporaryDirectory() as directory:
        open_database(database(Path(directory))).dispose()
        return Path(directory, "skulldns.db").read_bytes()


def page(directory: Path, rules: Rules = RULES, settings: WebSettings = SETTINGS) -> Page:
    """The page over a new database in ``directory``."""
    rules = replace(rules, page=dns.name.from_text(HOST))
    Path(directory, "skulldns.db").write_bytes(_empty())
    clock = Clock()
    place = desk(directory, rules)
    app = create_app(World(place, settings, clock))
    return Page(app, place, clock)


def bearer(text: str) -> dict[str, str]:
    """The header of a token at the API."""
    return {"Authorization": f"Bearer {text}", "Host": HOST}


def basic(login: str, text: str) -> dict[str, str]:
    """The header of a token for routers and ACME clients."""
    word = base64.b64encode(f"{login}:{text}".encode()).decode()
    return {"Authorization": f"Basic {word}", "Host": HOST}
