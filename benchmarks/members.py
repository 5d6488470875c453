"""Members' claims: 10,000 of them and 500 members, in a SQLite file."""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dns.name

from benchmarks.rows import Row
from skulldns.desired.policy.alike import skeleton
from skulldns.desired.policy.rules import Rules
from skulldns.model.claims import AddressTarget, Claim, ClaimId, ClaimState
from skulldns.model.members import Actor, Member
from skulldns.model.views import HeldName
from skulldns.store.office import Office, open_office
from webui.desk import Desk, claims

_MEMBERS = 500
_CLAIMS = 10_000
_TIMES = 50
_ZONE = dns.name.from_text("vmsrv.test.")
_MS = 1_000


def run() -> list[Row]:
    """Milliseconds of single acts and looks, the median of 50 each."""
    with tempfile.TemporaryDirectory() as directory:
        office = open_office(f"sqlite:///{Path(directory) / 'skulldns.db'}")
        _fill(office)
        desk = Desk(office, Rules(zones=(_ZONE,), own_zones=(_ZONE,), quota=1_000))
        return [
            _row("grant a claim, durably", lambda turn: _grant(desk, turn)),
            _row("look at a name while it is typed", lambda turn: claims.look(desk, "m7", f"free-{turn}x")),
            _row("surroundings of a name", lambda turn: _surroundings(office, turn)),
            _row("a page of a member's names", lambda turn: _search(office, "", f"m{turn}")),
            _row("a page of all names, searched", lambda turn: _search(office, f"e{turn}", None)),
            _row("the last page of all names", lambda _: _last(office)),
            _row("what changed since the last revision", lambda _: _changed(office)),
        ]


def _row(what: str, act: Callable[[int], object]) -> Row:
    took = []
    for turn in range(_TIMES):
        start = time.perf_counter()
        act(turn)
        took.append((time.perf_counter() - start) * _MS)
    return Row(what, statistics.median(took), "ms", f"worst {max(took):.3g}")


def _fill(office: Office) -> None:
    with office.writing() as books:
        for number in range(_MEMBERS):
            books.members.put(Member(f"m{number}", 0.0))
        books.views.put_held(_held(number) for number in range(_MEMBERS))
        for number in range(_CLAIMS):
            name = dns.name.from_text(f"name{number}", _ZONE)
            member = f"m{number % _MEMBERS}"
            claim = Claim(
                ClaimId(f"{number:032x}"), name, member, ClaimState.ACTIVE, AddressTarget(), 0, 0, 0
            )
            books.claims.put(replace(claim, skeleton=skeleton(name), until=4e9))


def _held(number: int) -> HeldName:
    name = dns.name.from_text(f"guest{number}", _ZONE)
    return HeldName(name, f"the guest guest{number}", f"m{number}", skeleton=skeleton(name))


def _grant(desk: Desk, turn: int) -> None:
    claims.claim(desk, Actor("m7"), f"new-{turn}x", AddressTarget(), 1.0)


def _surroundings(office: Office, turn: int) -> None:
    name = dns.name.from_text(f"a.name{turn}", _ZONE)
    with office.reading() as books:
        books.claims.surroundings(name, "m7", skeleton(name))


def _search(office: Office, text: str, member: str | None) -> None:
    with office.reading() as books:
        assert books.claims.search(text, member).items


def _last(office: Office) -> None:
    with office.reading() as books:
        assert books.claims.search(offset=_CLAIMS - 50).items


def _changed(office: Office) -> None:
    with office.reading() as books:
        assert books.claims.changed_since(books.claims.revision() - 1)
