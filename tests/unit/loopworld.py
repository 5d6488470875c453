"""The whole loop in one thread with a clock of its own: fake source, fake servers, a real store in memory."""

from ipaddress import ip_address, ip_network

import dns.name
import dns.rdatatype

from skulldns.desired.registry import Registry
from skulldns.desired.settings import GuestSettings
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.looker import Looker
from skulldns.loop.mailbox import Worker
from skulldns.loop.names import NameReport
from skulldns.loop.publisher import Publisher, ZoneRules
from skulldns.loop.report import Reporter
from skulldns.model.guests import Address, Guest, GuestId, GuestState, Interface, Origin
from skulldns.model.policy import Mode
from skulldns.model.records import Key, rrset
from skulldns.plan.cadence import URGENT
from skulldns.sources.fake import FakeSource
from skulldns.store.database import open_for_looking
from skulldns.store.guests import GuestStore
from skulldns.store.ledger import LedgerStore
from skulldns.targets.fake import FakeNameServer, FakeZone

ZONE = dns.name.from_text("vmsrv.test.")
_STEPS = 10_000


def guest(
    name: str, address: str | None = None, *, identity: str | None = None, running: bool = True
) -> Guest:
    """A guest with one interface."""
    addresses = (Address(ip_address(address), Origin.LEASE),) if address else ()
    return Guest(
        GuestId(identity or f"id-{name}"),
        FakeSource().name,
        name,
        GuestState.RUNNING if running else GuestState.STOPPED,
        (Interface("52:54:00:00:00:01", "lab", addresses),),
    )


class LoopWorld:
    """One zone, one source, ns1 and ns2. ``begin`` starts the workers anew, as a restarted daemon does.

    ``jumped`` is how many seconds the wall clock has jumped.
    """

    def __init__(self, *, grace: float = 10.0) -> None:
        self.now = 1_000_000.0
        self.jumped = 0.0
        self.grace = grace
        self.zone = FakeZone(ZONE)
        self.ns1 = FakeNameServer(self.zone)
        self.ns2 = FakeNameServer(self.zone, "192.0.2.54:53", secondary=True)
        self.source = FakeSource()
        self._database = open_for_looking("sqlite://")
        self.ledger = LedgerStore(self._database)
        self.begin()

    def begin(self) -> None:
        """Start all workers from what the store remembers."""
        clock = Clock(lambda: self.now + self.jumped, lambda: self.now, lambda: 0.0)
        settings = GuestSettings(ZONE, 60, (ip_network("192.0.2.0/24"),), grace=self.grace)
        registry = Registry({self.source.name: settings})
        self.engine = Engine(registry, GuestStore(self._database), (), clock)
        self.follower = Follower(ZONE, self.ns2, clock)
        self.publisher = Publisher(
            ZoneRules(ZONE, Mode.SYNC, 30),
            self.ns1,
            [self.follower.tell],
            self.ledger,
            self.engine,
            URGENT,
            clock,
        )
        self.looker = Looker(self.source, self.engine.mailbox.put, clock)
        self.engine.connect([self.publisher], {self.source.name: self.looker.mailbox})
        self.engine.load()
        self.looker.start()
        self.reporter = Reporter(self.engine, [self.publisher], {ZONE: [self.follower]})
        self._workers: list[Worker] = [self.looker, self.engine, self.publisher, self.follower]

    def run(self, seconds: float) -> None:
        """Let the workers work for ``seconds`` of the clock."""
        end = self.now + seconds
        for _ in range(_STEPS):
            # Twice, since letters go both ways.
            waits = [worker.step() for _ in range(2) for worker in self._workers][-len(self._workers) :]
            pause = min([wait for wait in waits if wait is not None], default=seconds)
            if self.now + pause > end:
                self.now = end
                return
            self.now += max(pause, 0.001)
        raise AssertionError("the workers do not come to rest")

    def served(self) -> dict[str, list[str]]:
        """What ns1 serves, by key."""
        return {str(key): found.values() for key, found in self.zone.rrsets.items()}

    def name(self, label: str) -> NameReport:
        """The state of one name."""
        return self.reporter.names.name(dns.name.from_text(label, ZONE), self.now)

    def put_by_hand(self, label: str, rdtype: str, value: str) -> Key:
        """Somebody else puts a record into the zone."""
        found = rrset(dns.name.from_text(label, ZONE), dns.rdatatype.from_text(rdtype), 300, [value])
        self.zone.put(found)
        return found.key
