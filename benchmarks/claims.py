"""From a member's claim at the desk, in another process than the daemon, to the answer of both servers."""

import time
from collections.abc import Callable
from ipaddress import IPv4Address
from statistics import median
from time import perf_counter

from benchmarks.rows import Row
from skulldns.config import load
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from skulldns.model.claims import AddressTarget, Claim
from skulldns.model.members import Actor, Member
from skulldns.store.office import open_office
from skulldns.wiring.members import rules
from tests.integration.dnsview import both
from webui.desk import Desk, claims

_TIMES = 20
_MS = 1_000
_POLICY = "policy: {quota: 1000, address_networks: [198.51.100.0/24]}\n"
_ALICE = Actor("alice")


def run() -> list[Row]:
    """Milliseconds from the call of the desk, the median of 20 and the worst."""
    with Lab.up(daemon=False) as lab:
        with lab.info.config.open("a", encoding="utf-8") as config:
            config.write(_POLICY)
        lab.start("daemon")
        found = load(lab.info.config)
        desk = Desk(open_office(found.database), rules(found))
        with desk.office.writing() as books:
            books.members.put(Member("alice", time.time()))
        _served(lab, desk, "first")
        granted, served, shown = zip(*(_served(lab, desk, f"c{turn}") for turn in range(_TIMES)), strict=True)
        return [
            _row("claim granted, durably", granted, ""),
            _row("claim to served on both servers", served, "300 at most"),
            _row("claim to green on the page", shown, "1,000 at most"),
        ]


def _served(lab: Lab, desk: Desk, label: str) -> tuple[float, float, float]:
    begun = perf_counter()
    claim = claims.claim(desk, _ALICE, label, AddressTarget(IPv4Address("198.51.100.7")), time.time())
    granted = perf_counter() - begun
    name = claim.name.to_text()
    served = _when(begun, lambda: both(lab, name) == (("198.51.100.7",), ("198.51.100.7",)), name)
    return granted, served, _when(begun, lambda: _is_green(desk, claim), name)


def _when(begun: float, condition: Callable[[], bool], what: str) -> float:
    until(condition, what, patience=60.0)
    return perf_counter() - begun


def _is_green(desk: Desk, claim: Claim) -> bool:
    with desk.office.reading() as books:
        view = books.views.name(claim.name)
    return view is not None and all(link["state"] == "good" for link in view.body["links"])


def _row(what: str, took: tuple[float, ...], compare: str) -> Row:
    worst = f"worst {max(took) * _MS:.3g}"
    return Row(what, median(took) * _MS, "ms", f"{compare}; {worst}" if compare else worst)
