"""The daemon dies again and again while guests change: in the end the zones are right, and what is not ours is untouched."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from skulldns.config import load
from skulldns.daemon.control import NotRunning
from skulldns.daemon.control import ask as ask_daemon
from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration import dnsview
from tests.integration.dnsview import nsupdate, transfer
from tests.integration.hypervisor import Churn

_GUESTS = 500
_KILLS = 20
_SEED = 20
_LAST = 2147483647

# Each at a name beside guests' names, or at a guest's own; none of them wants the name of a guest of the churn.
_BY_HAND = (
    ("hand", 'guest1-a 0 TXT "semicolon; \\"quotes\\" \\\\ backslash" "two"'),
    ("hand", "guest2-a 1 AAAA 2001:db8::1"),
    ("hand", f"guest {_LAST} A 192.0.2.1"),
    ("hand", "guest 61 MX 10 mail.example.test."),
    ("hand", "_sip._tcp.guest1 59 SRV 0 5 5060 guest1"),
    ("hand", "guest0 86399 CNAME guest1"),
    ("hand", "*.wild 60 A 192.0.2.2"),
    ("hand", "child 60 NS ns.child"),
    ("hand", "ns.child 60 A 192.0.2.3"),
    ("hand", '@ 60 CAA 0 issue "ca.example.test"'),
    ("hand", '@ 60 TXT "v=spf1 -all"'),
    ("skulldns", "guest00 60 A 192.0.2.4"),
    ("skulldns", "guest00 60 A 192.0.2.5"),
    ("skulldns", 'guest-1 7 TXT "ours by key, not by ledger"'),
    ("skulldns", "guest-2 60 SSHFP 4 2 " + "ab" * 32),
    ("skulldns", '\\# 60 TYPE65280 \\# 3 abcdef'),
)
_WANTED_LATER = "wanted-later"


@dataclass(frozen=True, slots=True)
class Sample:
    """ns1's forward zone at some moment between ``begun`` and ``ended`` (monotonic)."""

    begun: float
    ended: float
    lines: frozenset[str]


@pytest.fixture
def samples(lab: Lab) -> Iterator[list[Sample]]:
    """What ns1 holds, looked at without pause while the test runs."""
    found: list[Sample] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            begun = time.monotonic()
            lines = transfer(lab.info.ns1, lab.info.zone, lab.info.tsig)
            found.append(Sample(begun, time.monotonic(), lines))

    thread = threading.Thread(target=look, name="samples")
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(timeout=20)
        assert not thread.is_alive()
