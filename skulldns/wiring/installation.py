"""Everything one process works with."""

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from skulldns.config import Config
from skulldns.desired.registry import Registry
from skulldns.loop.alarms import Alarms
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.front import Front
from skulldns.loop.health import Ping
from skulldns.loop.looker import Looker
from skulldns.loop.mailbox import Worker
from skulldns.loop.names import Names
from skulldns.loop.outlooks import Outlooks
from skulldns.loop.publisher import Publisher
from skulldns.loop.report import Reporter
from skulldns.model.zones import ZoneId
from skulldns.store.acme import CertificateStore, PlacedStore
from skulldns.store.assignments import AssignmentStore
from skulldns.store.database import check_writable, open_database, open_for_looking
from skulldns.store.guests import GuestStore
from skulldns.store.ledger import LedgerStore
from skulldns.store.office import Office, bell_beside
from skulldns.store.protocol import GuestMemory
from skulldns.store.readonly import ReadOnlyGuests
from skulldns.wiring.certificates import stored
from skulldns.wiring.guests import guest_settings
from skulldns.wiring.health import look
from skulldns.wiring.machine import MachineLook
from skulldns.wiring.members import Members, build_members, claim_settings, page_rules
from skulldns.wiring.nameservers import server, zones
from skulldns.wiring.outlooks import observers
from skulldns.wiring.published import PublishedZones
from skulldns.wiring.sources import source_name, source_of
from skulldns.wiring.zonefiles import ZoneFiles

if TYPE_CHECKING:
    from skulldns.wiring.https import Https


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything one process works with, ready to be stepped by hand or by threads."""

    config: Config
    ledger: LedgerStore
    engine: Engine
    lookers: tuple[Looker, ...]
    publishers: tuple[Publisher, ...]
    followers: dict[ZoneId, tuple[Follower, ...]]
    reporter: Reporter
    front: Front
    outlooks: Outlooks
    certificates: CertificateStore
    placed: PlacedStore
    machine: MachineLook
    zone_files: ZoneFiles
    clock: Clock
    https: "Https | None" = None
    members: Members | None = None

    def workers(self) -> Iterable[tuple[str, Worker]]:
        """Every worker with a name for its thread; those that write come before those that look."""
        yield "engine", self.engine
        for publisher in self.publishers:
            yield f"publisher {publisher.zone}", publisher
            for follower in self.followers[publisher.zone]:
                yield f"follower {publisher.zone} {follower.secondary.where}", follower
        for looker in self.lookers:
            yield f"looker {looker.source.name}", looker
        if self.https is not None:
            yield "sites", self.https.sites
            if self.https.certifier is not None:
                yield "certifier", self.https.certifier
        if self.members is not None:
            yield from self.members.workers()
        yield "outlooks", self.outlooks
        yield "alarms", self.reporter.alarms

    def close(self) -> None:
        for looker in self.lookers:
            looker.source.close()
        for publisher in self.publishers:
            publisher.primary.server.close()
        for followers in self.followers.values():
            for follower in followers:
                follower.secondary.close()
        if self.https is not None and self.https.certifier is not None:
            self.https.certifier.close()
        if self.members is not None:
            self.members.close()
        self.engine.disconnect()


def build(config: Config, *, read_only: bool = False) -> Installation:
    """Make the installation that ``config`` describes; nothing is connected yet.

    ``read_only`` keeps what is learned in this process to itself. Raises ``ConfigError`` and ``Unavailable``.
    """
    if read_only:
        database = open_for_looking(config.database)
    else:
        config.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = open_database(config.database)
    clock = Clock(time.time, time.monotonic, random.random, config.look_every)
    guests: GuestMemory = GuestStore(database)
    ledger = LedgerStore(database, PublishedZones(config.state))
    assignments = AssignmentStore(database)
    engine = Engine(
        Registry(
            {source_name(one): guest_settings(config, one) for one in config.sources}, claim_settings(config)
        ),
        ReadOnlyGuests(guests) if read_only else guests,
        assignments,
        [zone.name for zone in config.zones.values() if zone.file],
        clock,
    )
    sources = [source_of(one, watch_leases=not read_only) for one in config.sources]
    lookers = tuple(Looker(source, engine.mailbox.put, clock) for source in sources)
    followers: dict[ZoneId, tuple[Follower, ...]] = {}
    publishers: list[Publisher] = []
    for view, rules, pacer in zones(config):
        followers[rules.zone] = tuple(
            Follower(rules.zone, server(config, rules.zone.name, one), clock) for one in view.secondaries
        )
        publishers.append(
            Publisher(
                rules,
                server(config, rules.zone.name, view.primary),
                [follower.tell for follower in followers[rules.zone]],
                ledger,
                engine,
                pacer,
                clock,
            )
        )
    engine.connect(publishers, {looker.source.name: looker.mailbox for looker in lookers})
    https, certificates, placed = None, CertificateStore(database), PlacedStore(database)
    if config.proxy is not None and not read_only:
        from skulldns.wiring.https import build_https  # noqa: PLC0415 - the CAs' libraries take long to load

        https = build_https(config, config.proxy, certificates, placed, clock)
        engine.keep_sites(https.sites.mailbox, (*page_rules(config), *config.sites), https.wild)
    office = Office(database, None if read_only else bell_beside(config.database))
    members = build_members(
        config, office, assignments, PlacedStore(database, of_members=True), engine, clock
    )
    engine.load()
    names = Names(engine, publishers, followers)
    front = _front(config, certificates, clock, https)
    outlooks = Outlooks(observers(config), clock)
    alarms = Alarms(names, clock, front, outlooks)
    engine.tell(alarms.mailbox)
    reporter = Reporter(names, alarms, front, outlooks)
    machine = MachineLook(config.state, partial(check_writable, database), clock)

    def pings() -> Sequence[Ping]:
        now = clock.wall()
        return look(config, engine, reporter.overview(now), machine(), now)

    return Installation(
        config,
        ledger,
        engine,
        lookers,
        tuple(publishers),
        followers,
        reporter,
        front,
        outlooks,
        certificates,
        placed,
        machine,
        ZoneFiles(config.state, read_only=read_only),
        clock,
        https,
        None if read_only else members(names, front, pings),
    )


def _front(config: Config, certificates: CertificateStore, clock: Clock, https: "Https | None") -> Front:
    if https is None:
        return Front(lambda: stored(config, certificates, clock.wall()))
    reports = https.certifier.reports if https.certifier else lambda: ()
    return Front(reports, https.sites, https.prober)
