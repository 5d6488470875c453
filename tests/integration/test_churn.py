"""The daemon dies again and again while guests change: in the end the zones are right, and what is not ours stays."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

import pytest

from skulldns.config import load
from skulldns.daemon.control import ask as ask_daemon
from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import ask, nsupdate, reverse, transfer
from tests.integration.hypervisor import Churn, Outcome

_GUESTS = 500
_KILLS = 20
_SEED = 20
_PATIENCE = 10.0  # seconds that the daemon has for putting everything right after its last start
_PAUSE = 0.05  # seconds between two samples, so that they do not slow down what they look at
_STEP = 20  # the test driver's addresses lie so far from each other
_LAST = 2147483647  # the longest TTL (RFC 2181 section 8)

# Names beside those of guests; none of the churn's guests wants one of these.
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
    ("skulldns", 'guest-0 7 TXT "ours by the key, not by the ledger"'),
    ("skulldns", f"guest-0 7 SSHFP 4 2 {'ab' * 32}"),
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
    """What ns1 holds, looked at again and again while the test runs."""
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


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_is_left_after_twenty_kills(lab: Lab, samples: list[Sample]) -> None:
    untouched = _put_in_by_hand(lab)
    with contextlib.closing(lab.libvirt()) as connection:
        churn = Churn(connection, lab.info.zone, _SEED)
        churn.populate(_GUESTS - 3)
        in_the_way = _put_in_the_way(lab, churn)
        for life in range(_KILLS):
            doomed = _doomed(samples[-1], churn)
            if life % 5:  # otherwise it dies while it starts
                _await_daemon(lab)
            if life % 5 == 1:  # it dies while it deletes
                until(partial(_some_left, doomed, samples), "a deletion")
            churn.change(churn.draw(5, 40))
            lab.kill("daemon")
            churn.change(churn.draw(5, 40))
            lab.start("daemon")
        outcome = churn.outcome(_last_published(samples, churn))
    assert min(len(outcome.running), len(outcome.stopped), sum(churn.deeds.values())) > 100

    expectation = Expectation(lab, outcome, untouched | in_the_way)
    with contextlib.suppress(Unavailable):  # the assertion tells more
        until(expectation.is_met, "the end", patience=_PATIENCE)
    assert expectation.differences() == []
    assert _outages(samples, churn) == []


class Expectation:
    """What both servers should hold: what guests lead to, and what was put in by hand, which is stronger."""

    def __init__(self, lab: Lab, outcome: Outcome, by_hand: frozenset[str]) -> None:
        self._info = lab.info
        self._outcome = outcome
        self._by_hand = by_hand
        self._taken = {_owner_and_type(line) for line in by_hand}
        self._compared: Sequence[str] = ()

    def is_met(self) -> bool:
        """Whether both hold it; compares only when a serial has moved since."""
        info = self._info
        zones = (info.zone, *info.reverse)
        serials = [
            one for server in (info.ns1, info.ns2) for zone in zones for one in ask(server, zone, "SOA")
        ]
        if serials == self._compared:
            return False
        self._compared = serials
        return not self.differences()

    def differences(self) -> list[str]:
        """Every line that a server lacks or has too much."""
        info, found = self._info, []
        for server in (info.ns1, info.ns2):
            held = frozenset().union(
                *(transfer(server, zone, info.tsig) for zone in (info.zone, *info.reverse))
            )
            of_guests = self._outcome.records(held)
            wanted = self._by_hand | {line for line in of_guests if _owner_and_type(line) not in self._taken}
            found += [f"{server.port} lacks {line}" for line in sorted(wanted - held)]
            found += [f"{server.port} still has {line}" for line in sorted(held - wanted)]
        return found


def _owner_and_type(line: str) -> tuple[str, str]:
    name, _, _, kind, _ = line.split(" ", 4)
    return name, kind


def _put_in_by_hand(lab: Lab) -> frozenset[str]:
    """Add records; return all that both zones hold, which is nothing of guests yet."""
    info = lab.info
    keys = {"hand": info.hand_tsig, "skulldns": info.tsig}
    before = transfer(info.ns1, info.zone, info.tsig)
    for key, record in _BY_HAND:
        name, _, rest = record.partition(" ")
        owner = info.zone if name == "@" else f"{name}.{info.zone}"
        nsupdate(lab, keys[key], info.zone, [f"update add {owner} {rest}"])
    after = transfer(info.ns1, info.zone, info.tsig)
    assert len(after - before) == len(_BY_HAND)
    return after.union(*(transfer(info.ns1, zone, info.tsig) for zone in info.reverse))


def _put_in_the_way(lab: Lab, churn: Churn) -> frozenset[str]:
    """Add a record beside a guest's own, and where guests of a moment later want theirs; return them.

    The daemon looks once a minute for what others did, so it knows nothing of these when it sends its own.
    """
    info = lab.info
    steady = churn.place("steady")
    until(lambda: bool(ask(info.ns1, f"steady.{info.zone}")), "the first names")
    following = str(ip_address(steady) + _STEP)
    lines = {
        info.zone: (
            f'steady.{info.zone}. 3 IN TXT "beside a guest"',
            f"wanted.{info.zone}. 60 IN A 192.0.2.99",
        ),
        info.reverse[0]: (f"{reverse(following)} 5 IN PTR by-hand.example.test.",),
    }
    for zone, added in lines.items():
        nsupdate(lab, info.hand_tsig, zone, [f"update add {line}" for line in added])
    assert churn.place("pointed-to") == following
    churn.place("wanted")
    return frozenset().union(*lines.values())


def _await_daemon(lab: Lab) -> None:
    """Wait until the daemon works."""
    state = load(lab.info.config).state

    def answers() -> bool:
        try:
            return bool(ask_daemon(state, "status"))
        except Unavailable:
            return False

    until(answers, "the daemon's start")


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


def _some_left(doomed: frozenset[str], samples: list[Sample]) -> bool:
    """Whether some of these lines are not in the zone any more; there must be some, or it says nothing."""
    assert doomed
    return not doomed <= samples[-1].lines


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
