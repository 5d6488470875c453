"""The daemon dies again and again while guests change: in the end the zones are right, and what is not ours is untouched."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any

import pytest

from skulldns.config import load
from skulldns.daemon.control import ask as ask_daemon
from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import ask, nsupdate, reverse, transfer
from tests.integration.hypervisor import Churn

_GUESTS = 500
_KILLS = 20
_SEED = 20
_LAST = 2147483647  # the longest TTL (RFC 2181 section 8)
_PAUSE = 0.05  # seconds between two samples, so that they do not slow down what they look at
_STEP = 20  # the test driver's addresses lie so far from each other

# Each at a name beside guests' names, or at a guest's own; none of them wants the name of a guest of the churn.
_BY_HAND = (
    ("hand", 'guest1-a 0 TXT "semicolon; \\"quotes\\" \\\\ backslash" "two"'),
    ("hand", "guest2-a 1 AAAA 2001:db8::1"),
    ("hand", f"guest {_LAST} A 192.0.2.1"),
    ("hand", "guest-0-0 61 MX 10 mail.example.test."),
    ("hand", "_sip._tcp.guest1 59 SRV 0 5 5060 guest1"),
    ("hand", "guest0 86399 CNAME guest1"),
    ("hand", "*.wild 60 A 192.0.2.2"),
    ("hand", "child 60 NS ns.child"),
    ("hand", "ns.child 60 A 192.0.2.3"),
    ("hand", '@ 60 CAA 0 issue "ca.example.test"'),
    ("hand", '@ 60 TXT "v=spf1 -all"'),
    ("skulldns", "guest00 60 A 192.0.2.4"),
    ("skulldns", "guest00 60 A 192.0.2.5"),
    ("skulldns", 'guest-0 7 TXT "ours by key, not by ledger"'),
    ("skulldns", "guest-0 60 SSHFP 4 2 " + "ab" * 32),
    ("skulldns", r"opaque 60 TYPE65280 \# 3 abcdef"),
)


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
        while not stop.wait(_PAUSE):
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


def test_nothing_is_lost_and_nothing_is_left_after_twenty_kills(lab: Lab, samples: list[Sample]) -> None:
    info, hand = lab.info, lab.info.hand_tsig
    zone, backward = info.zone, info.reverse[0]
    untouched = _put_in_by_hand(lab)
    with contextlib.closing(lab.libvirt()) as connection:
        churn = Churn(connection, zone, _SEED)
        churn.populate(_GUESTS - 3)

        # By hand at a guest's own name, at an address that a guest gets later, and at a name that one wants later.
        steady = churn.place("steady")
        until(lambda: bool(ask(info.ns1, f"steady.{zone}")), "the first names")
        nsupdate(lab, hand, zone, [f'update add steady.{zone} 3 TXT "beside a guest"'])
        next_address = str(ip_address(steady) + _STEP)
        nsupdate(lab, hand, backward, [f"update add {reverse(next_address)} 5 PTR by-hand.example.test."])
        assert churn.place("pointed-to") == next_address
        nsupdate(lab, info.tsig, zone, [f"update add wanted.{zone} 60 A 192.0.2.99"])
        churn.place("wanted")
        untouched |= {
            f'steady.{zone}. 3 IN TXT "beside a guest"',
            f"{reverse(next_address)} 5 IN PTR by-hand.example.test.",
            f"wanted.{zone}. 60 IN A 192.0.2.99",
        }

        for life in range(_KILLS):
            match life % 5:
                case 0:  # it dies while it starts
                    pass
                case 1 if life > 1:  # it dies while it deletes
                    until(lambda: _daemon(lab) is not None, "the daemon's start")
                    doomed = _doomed(samples[-1], churn)
                    until(lambda doomed=doomed: not doomed <= samples[-1].lines, "a deletion")
                case _:
                    until(lambda: _daemon(lab) is not None, "the daemon's start")
            churn.change(churn.draw(5, 40))
            lab.kill("daemon")
            churn.change(churn.draw(5, 40))
            lab.start("daemon")
        outcome = churn.outcome(_last_published(samples, churn))

    @cache
    def differences(serials: tuple[str, ...]) -> list[str]:
        """How the servers differ from what they should hold, as of these serials of their zones."""
        found = []
        for server in (info.ns1, info.ns2):
            held = transfer(server, zone, info.tsig) | transfer(server, backward, info.tsig)
            wanted = untouched | {
                line
                for line in outcome.records(held)
                if not line.startswith((f"wanted.{zone}. ", f"{reverse(next_address)} "))
            }
            found += [f"{server.port}: missing {line}" for line in wanted - held]
            found += [f"{server.port}: too much {line}" for line in held - wanted]
        return found

    def serials() -> tuple[str, ...]:
        servers = (info.ns1, info.ns2)
        return tuple(one for server in servers for name in (zone, backward) for one in ask(server, name, "SOA"))

    with contextlib.suppress(Unavailable):  # the assertion tells more
        until(lambda: not differences(serials()), "the end", patience=10)
    assert differences(serials()) == []
    assert _outages(samples, churn) == []


def _put_in_by_hand(lab: Lab) -> frozenset[str]:
    """Add the records; return all of the zone, which holds nothing of guests yet."""
    info = lab.info
    keys = {"hand": info.hand_tsig, "skulldns": info.tsig}
    before = transfer(info.ns1, info.zone, info.tsig)
    for key, record in _BY_HAND:
        name, _, rest = record.partition(" ")
        owner = info.zone if name == "@" else f"{name}.{info.zone}"
        nsupdate(lab, keys[key], info.zone, [f"update add {owner} {rest}"])
    after = transfer(info.ns1, info.zone, info.tsig)
    assert len(after - before) == len(_BY_HAND)
    return after | transfer(info.ns1, info.reverse[0], info.tsig)


def _daemon(lab: Lab) -> Any:
    """The daemon's status; None while it does not answer."""
    try:
        return ask_daemon(load(lab.info.config).state, "status")
    except Unavailable:
        return None


def _addresses(lines: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The name and the address of each A record."""
    for line in lines:
        name, _, _, kind, data = line.split(" ", 4)
        if kind == "A":
            yield name, data


def _last_published(samples: list[Sample], churn: Churn) -> dict[str, str]:
    """By UUID, the address that a sample showed last."""
    return {
        churn.leases[address]: address
        for sample in list(samples)
        for _, address in _addresses(sample.lines)
        if address in churn.leases
    }


def _doomed(sample: Sample, churn: Churn) -> frozenset[str]:
    """The names of the sample whose guests are not defined any more."""
    return frozenset(
        f"{name} 60 IN A {address}"
        for name, address in _addresses(sample.lines)
        if address in churn.leases and not churn.has(churn.leases[address])
    )


def _outages(samples: list[Sample], churn: Churn) -> list[str]:
    """Names that one sample shows for a guest and a later one does not, though it had the name all the time."""
    shown = [
        (sample, {(name, churn.leases.get(address)) for name, address in _addresses(sample.lines)})
        for sample in samples
    ]
    found = []
    for tenure in churn.tenures():
        holding = (churn.dns_name(tenure.name), tenure.uuid)
        before = None
        for sample, holdings in shown:
            if sample.begun < tenure.begun or (tenure.ended is not None and sample.ended > tenure.ended):
                continue
            if holding in holdings:
                before = sample
            elif before is not None:
                found.append(f"{tenure} was served at {before.ended} and not at {sample.begun}")
                break
    return found
