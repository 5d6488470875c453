"""Everything one process works with."""

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dns.name import Name

from skulldns.config import Config
from skulldns.desired.registry import Registry
from skulldns.loop.alarms import Alarms
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.front import Front
from skulldns.loop.looker import Looker
from skulldns.loop.mailbox import Worker
from skulldns.loop.names import Names
from skulldns.loop.publisher import Publisher
from skulldns.loop.report import Reporter
from skulldns.store.acme import CertificateStore, PlacedStore
from skulldns.store.assignments import AssignmentStore
from skulldns.store.database import check_writable, open_database, open_for_looking
from skulldns.store.guests import GuestStore
from skulldns.store.ledger import LedgerStore
from skulldns.store.protocol import GuestMemory
from skulldns.store.readonly import ReadOnlyGuests
from skulldns.wiring.certificates import stored
from skulldns.wiring.guests import guest_settings
from skulldns.wiring.machine import MachineLook
from skulldns.wiring.nameservers import server, zones
from skulldns.wiring.sources import source_name, source_of

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
    followers: dict[Name, tuple[Follower, ...]]
    reporter: Reporter
    front: Front
    certificates: CertificateStore
    machine: MachineLook
    clock: Clock
    https: "Https | None" = None

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
    ledger = LedgerStore(database)
    engine = Engine(
        Registry({source_name(one): guest_settings(config, one) for one in config.sources}),
        ReadOnlyGuests(guests) if read_only else guests,
        AssignmentStore(database),
        [zone.name for zone in config.zones.values() if zone.file],
        clock,
    )
    sources = [source_of(one, watch_leases=not read_only) for one in config.sources]
    lookers = tuple(Looker(source, engine.mailbox.put, clock) for source in sources)
    followers: dict[Name, tuple[Follower, ...]] = {}
    publishers: list[Publisher] = []
    for zone, rules, pacer in zones(config):
        followers[rules.zone] = tuple(
            Follower(rules.zone, server(config, rules.zone, one), clock) for one in zone.secondaries
        )
        publishers.append(
            Publisher(
                rules,
                server(config, rules.zone, zone.primary),
                [follower.tell for follower in followers[rules.zone]],
                ledger,
                engine,
                pacer,
                clock,
            )
        )
    engine.connect(publishers, {looker.source.name: looker.mailbox for looker in lookers})
    https, certificates = None, CertificateStore(database)
    if config.proxy is not None and not read_only:
        from skulldns.wiring.https import build_https  # noqa: PLC0415 - the CAs' libraries take long to load

        https = build_https(config, config.proxy, certificates, PlacedStore(database), clock)
        engine.keep_sites(https.sites.mailbox)
    engine.load()
    names = Names(engine, publishers, followers)
    front = _front(config, certificates, clock, https)
    alarms = Alarms(names, clock, front)
    engine.tell(alarms.mailbox)
    return Installation(
        config,
        ledger,
        engine,
        lookers,
        tuple(publishers),
        followers,
        Reporter(names, alarms, front),
        front,
        certificates,
        MachineLook(config.state, partial(check_writable, database), clock),
        clock,
        https,
    )


def _front(config: Config, certificates: CertificateStore, clock: Clock, https: "Https | None") -> Front:
    if https is None:
        return Front(lambda: stored(config, certificates, clock.wall()))
    reports = https.certifier.reports if https.certifier else lambda: ()
    return Front(reports, https.sites, https.prober)
