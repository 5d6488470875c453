"""A desk with members, guests and a real database file."""

from dataclasses import replace
from pathlib import Path

import dns.name

from skulldns.desired.policy.alike import skeleton
from skulldns.desired.policy.rules import Rules
from skulldns.model.claims import GuestTarget
from skulldns.model.guests import GuestId, GuestState
from skulldns.model.members import COMMAND_LINE, Actor, Member
from skulldns.model.views import GuestView, HeldName
from skulldns.store.bell import Bell
from skulldns.store.database import open_database
from skulldns.store.office import Office
from webui.desk import Desk

ZONE = dns.name.from_text("vmsrv.example.org.")
ROOT = Actor(COMMAND_LINE)
ALICE = Actor("alice", "192.0.2.7")
BOB = Actor("bob", "192.0.2.8")
RULES = Rules(zones=(ZONE,), own_zones=(ZONE,))


def database(directory: Path) -> str:
    return f"sqlite:///{directory / 'skulldns.db'}"


def desk(directory: Path, rules: Rules = RULES, *logins: str, bell: Bell | None = None) -> Desk:
    """A desk with these members, or alice, bob and the admin carol; each has a guest `<login>-web`."""
    office = Office(open_database(database(directory)), bell)
    everybody = logins or ("alice", "bob", "carol")
    with office.writing() as books:
        for login in everybody:
            books.members.put(Member(login, 0.0, admin=login == "carol"))
        books.views.put_guests(guest(login) for login in everybody)
        books.views.put_held(held(f"{login}-web", login) for login in everybody)
    return Desk(office, rules)


def guest(login: str) -> GuestView:
    return GuestView(GuestId(f"guest-{login}"), f"{login}-web", "lab", login, GuestState.RUNNING)


def held(label: str, owner: str | None) -> HeldName:
    name = dns.name.from_text(label, ZONE)
    return HeldName(name, f"the guest {label}", owner, GuestId(f"guest-{owner}"), skeleton(name))


def web(login: str = "alice") -> GuestTarget:
    return GuestTarget(guest(login).id)


def stricter(desk: Desk, rules: Rules) -> Desk:
    return replace(desk, rules=rules)


def numbers(office: Office) -> tuple[int, int]:
    """How many claims and rows of the audit there are."""
    with office.reading() as books:
        return books.claims.search(limit=1).total, len(books.audit.rows(limit=100_000))
