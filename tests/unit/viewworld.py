"""Zones with views in one thread: a fake source, a fake primary for each zone and view, a real store in memory."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

import dns.name
from dns.name import Name

from skulldns.desired.registry import Registry
from skulldns.desired.settings import GuestSettings
from skulldns.desired.zonefile import parse_zone
from skulldns.loop.alarms import Alarms
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.looker import Looker
from skulldns.loop.mailbox import Worker
from skulldns.loop.names import NameReport, Names
from skulldns.loop.publisher import Publisher, ZoneRules
from skulldns.loop.report import Reporter
from skulldns.model.guests import Guest
from skulldns.model.observations import ZoneFile
from skulldns.model.policy import Mode, Publish
from skulldns.model.zones import ZoneId
from skulldns.plan.cadence import URGENT
from skulldns.sources.fake import FakeSource
from skulldns.store.assignments import AssignmentStore
from skulldns.store.database import open_for_looking
from skulldns.store.guests import GuestStore
from skulldns.store.ledger import LedgerStore
from skulldns.targets.fake import FakeNameServer, FakeZone

ZONE = dns.name.from_text("vmsrv.test.")
INSIDE, OUTSIDE = ZoneId(ZONE, "inside"), ZoneId(ZONE, "outside")
_PROXY = ip_address("203.0.113.5")


class ViewWorld:
    """``zones`` and their views, each with a primary of its own in ``primaries``. The first zone takes guests.

    Views named ``inside`` publish guests' own addresses, others the proxy's.
    """

    def __init__(self, *zones: ZoneId, reverse: Iterable[Name] = (), **settings: Any) -> None:
        self.now = 1_000_000.0
        clock = Clock(lambda: self.now, lambda: self.now, lambda: 0.0)
        choices = {"inside": Publish.GUEST, "outside": Publish.PROXY}
        self.settings = GuestSettings(
            zones[0].name,
            60,
            (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
            reverse=tuple(reverse),
            grace=10.0,
            proxy_addresses=(_PROXY,),
            views={zone.view: choices[zone.view] for zone in zones if zone.name == ZONE and zone.view},
            **settings,
        )
        self.source = FakeSource()
        self.ledger = LedgerStore(database := open_for_looking("sqlite://"))
        registry = Registry({self.source.name: self.settings})
        self.engine = Engine(registry, GuestStore(database), AssignmentStore(database), (), clock)
        self.primaries = {zone: FakeZone(zone.name) for zone in zones}
        self.publishers = [
            Publisher(
                ZoneRules(zone, Mode.SYNC, 30),
                FakeNameServer(served),
                (),
                self.ledger,
                self.engine,
                URGENT,
                clock,
            )
            for zone, served in self.primaries.items()
        ]
        self._looker = Looker(self.source, self.engine.mailbox.put, clock)
        self.engine.connect(self.publishers, {self.source.name: self._looker.mailbox})
        self.engine.load()
        self._looker.start()
        self.names = Names(self.engine, self.publishers, {})
        self.reporter = Reporter(self.names, Alarms(self.names, clock))

    def put(self, *guests: Guest) -> None:
        """The source has these guests now."""
        for guest in guests:
            self.source.put(guest)

    def write(self, text: str, zone: Name = ZONE) -> None:
        """An admin saves the zone file."""
        self.engine.mailbox.put(ZoneFile(zone, parse_zone(text, zone, "zone.yaml", 300)))

    def run(self, seconds: float) -> None:
        """Let the workers work for ``seconds`` of the clock, in steps of half a second."""
        workers: list[Worker] = [self._looker, self.engine, *self.publishers]
        for _ in range(round(seconds * 2)):
            for worker in workers:
                worker.step()
            self.now += 0.5

    def served(self, zone: ZoneId) -> dict[str, list[str]]:
        """What its primary serves, by key."""
        return {str(key): found.values() for key, found in self.primaries[zone].rrsets.items()}

    def reports(self, label: str) -> list[NameReport]:
        """The state of one name in each view."""
        return self.names.views(dns.name.from_text(label, ZONE), self.now)
