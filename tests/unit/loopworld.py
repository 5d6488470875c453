"""The whole loop in one thread with a clock of its own: fake source, fake servers, a real store in memory."""

import hashlib
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import dns.name
import dns.rdatatype
from dns.name import Name

from skulldns.desired.registry import Registry
from skulldns.desired.settings import ClaimSettings, GuestSettings
from skulldns.loop.alarms import Alarms
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.looker import Looker
from skulldns.loop.mailbox import Worker
from skulldns.loop.names import NameReport, Names
from skulldns.loop.publisher import Publisher, ZoneRules
from skulldns.loop.report import Reporter
from skulldns.loop.sites import Sites
from skulldns.model.certificates import CertificateWish
from skulldns.model.guests import Address, Guest, GuestId, GuestState, Interface, Origin, SourceName
from skulldns.model.policy import Mode
from skulldns.model.records import Key, rrset
from skulldns.model.sites import SiteRule
from skulldns.model.zones import ZoneId
from skulldns.plan.cadence import RELAXED, URGENT
from skulldns.sources.fake import FakeSource
from skulldns.store.assignments import AssignmentStore
from skulldns.store.database import open_for_looking
from skulldns.store.guests import GuestStore
from skulldns.store.ledger import LedgerStore
from skulldns.targets.fake import FakeNameServer, FakeZone
from skulldns.targets.fakeproxy import FakeProxy

ZONE = dns.name.from_text("vmsrv.test.")
REVERSE = dns.name.from_text("2.0.192.in-addr.arpa.")
_STEPS = 10_000
_FAKE = FakeSource().name


def guest(
    name: str,
    *addresses: str | None,
    identity: str | None = None,
    running: bool = True,
    mac: str | None = None,
    origin: Origin = Origin.LEASE,
    heard: Sequence[str] = (),
    source: SourceName = _FAKE,
    **more: Any,
) -> Guest:
    """A guest with one interface, whose MAC is its own unless ``mac`` is given; ARP has ``heard``."""
    identity = identity or f"id-{name}"
    digits = hashlib.sha256(identity.encode()).hexdigest()
    own = "52:54:00:" + ":".join(digits[at : at + 2] for at in (0, 2, 4))
    found = tuple(Address(ip_address(address), origin) for address in addresses if address)
    claims = tuple(Address(ip_address(address), Origin.ARP) for address in heard)
    return Guest(
        GuestId(identity),
        source,
        name,
        GuestState.RUNNING if running else GuestState.STOPPED,
        (Interface(own if mac is None else mac, "lab", found, claims),),
        **more,
    )


class LoopWorld:
    """One zone with its reverse zone, two sources, ns1 and ns2.

    ``begin`` starts the workers anew, as a restarted daemon does. ``settings`` are those of the guests, and ``jumped``
    is how many seconds the wall clock has jumped. With a ``proxy`` sites are kept too, and ``wishes``
    has what certificates were asked for.
    """

    def __init__(
        self,
        *,
        grace: float = 10.0,
        proxy: FakeProxy | None = None,
        rules: Sequence[SiteRule] = (),
        claim_settings: ClaimSettings = ClaimSettings(),  # noqa: B008 - a frozen value
        zone_files: Sequence[Name] = (),
        **settings: Any,
    ) -> None:
        self.proxy = proxy
        self.rules = rules
        self.claim_settings = claim_settings
        self._zone_files = zone_files
        self.wishes: list[Sequence[CertificateWish]] = []
        self.now = 1_000_000.0
        self.jumped = 0.0
        self.settings = GuestSettings(
            ZONE,
            60,
            (ip_network("192.0.2.0/24"), ip_network("2001:db8::/64")),
            reverse=(REVERSE,),
            grace=grace,
            **settings,
        )
        self.zone = FakeZone(ZONE)
        self.reverse_zone = FakeZone(REVERSE)
        self.ns1 = FakeNameServer(self.zone)
        self.ns2 = FakeNameServer(self.zone, "192.0.2.54:53", secondary=True)
        self.ns1_reverse = FakeNameServer(self.reverse_zone)
        self.source = FakeSource()
        self.other_source = FakeSource("other")
        self._database = open_for_looking("sqlite://")
        self.ledger = LedgerStore(self._database)
        self.begin()

    def begin(self) -> None:
        """Start all workers from what the store remembers."""
        clock = Clock(lambda: self.now + self.jumped, lambda: self.now, lambda: 0.0)
        sources = (self.source, self.other_source)
        registry = Registry({source.name: self.settings for source in sources}, self.claim_settings)
        self.engine = Engine(
            registry, GuestStore(self._database), AssignmentStore(self._database), self._zone_files, clock
        )
        self.follower = Follower(ZoneId(ZONE), self.ns2, clock)
        self.publisher, reverse = (
            Publisher(
                ZoneRules(ZoneId(zone), Mode.SYNC, 30),
                server,
                [follower.tell for follower in followers],
                self.ledger,
                self.engine,
                pacer,
                clock,
            )
            for zone, server, followers, pacer in (
                (ZONE, self.ns1, [self.follower], URGENT),
                (REVERSE, self.ns1_reverse, [], RELAXED),
            )
        )
        lookers = [Looker(source, self.engine.mailbox.put, clock) for source in sources]
        self.looker = lookers[0]
        publishers = [self.publisher, reverse]
        self.engine.connect(publishers, {looker.source.name: looker.mailbox for looker in lookers})
        keepers: list[Worker] = []
        if self.proxy is not None:
            self.sites = Sites(self.proxy, [ZONE], dict, self.wishes.append, clock, ours=[ZONE])
            self.engine.keep_sites(self.sites.mailbox, self.rules, [ZONE])
            keepers.append(self.sites)
        keepers += self.before_load(clock)
        self.engine.load()
        for looker in lookers:
            looker.start()
        names = Names(self.engine, publishers, {ZoneId(ZONE): [self.follower]})
        self.alarms = Alarms(names, clock)
        self.engine.tell(self.alarms.mailbox)
        self.reporter = Reporter(names, self.alarms)
        self._workers: list[Worker] = [
            *lookers,
            self.engine,
            *publishers,
            self.follower,
            self.alarms,
            *keepers,
            *self.after_load(names, clock),
        ]

    def before_load(self, clock: Clock) -> Sequence[Worker]:  # noqa: ARG002 - for those who make more of it
        """Further workers, made before the engine knows guests."""
        return ()

    def after_load(self, names: Names, clock: Clock) -> Sequence[Worker]:  # noqa: ARG002 - as above
        """Further workers, made at the end."""
        return ()

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

    def pointers(self) -> dict[str, list[str]]:
        """What ns1 serves of the reverse zone, by the last label."""
        return {
            key.name.labels[0].decode(): found.values() for key, found in self.reverse_zone.rrsets.items()
        }

    def refusals(self, name: str) -> list[str]:
        """What the guest of this name asks for and does not get, and why."""
        [known] = [one for one in self.engine.registry.all_known() if one.guest.name == name]
        found = self.engine.registry.verdict(known.id).refusals
        return [f"{one.what}: {one.reason}" for one in found]

    def alarm_texts(self) -> list[str]:
        """What the alarms say."""
        return [alarm.what for alarm in self.reporter.status(self.now).alarms]

    def name(self, label: str) -> NameReport:
        """The state of one name."""
        return self.reporter.names.name(dns.name.from_text(label, ZONE), self.now)

    def put_by_hand(self, label: str, rdtype: str, value: str) -> Key:
        """Somebody else puts a record into the zone."""
        found = rrset(dns.name.from_text(label, ZONE), dns.rdatatype.from_text(rdtype), 300, [value])
        self.zone.put(found)
        return found.key
