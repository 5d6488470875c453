"""Config to live objects: the only place that names concrete classes, reads the clock and draws random numbers."""

import platform
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from dns.name import Name

from skulldns.config import (
    Config,
    LibvirtSourceConfig,
    ServerConfig,
    SourceConfig,
    ZoneConfig,
    load_zone_file,
)
from skulldns.desired.registry import Registry
from skulldns.desired.settings import GuestSettings
from skulldns.errors import ConfigError
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.looker import Looker
from skulldns.loop.mailbox import Worker
from skulldns.loop.publisher import Publisher, ZoneRules
from skulldns.loop.report import Reporter
from skulldns.model.guests import IPAddress, SourceName
from skulldns.model.observations import ZoneFile
from skulldns.plan.cadence import RELAXED, URGENT, Pacer
from skulldns.sources.libvirt import LibvirtSource
from skulldns.sources.protocol import Source
from skulldns.store.database import open_database, open_for_looking
from skulldns.store.guests import GuestStore
from skulldns.store.ledger import LedgerStore
from skulldns.store.protocol import GuestMemory
from skulldns.store.readonly import ReadOnlyGuests
from skulldns.targets.nameserver import DnsServer


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything one process works with, ready to be stepped by hand or by threads."""

    config: Config
    ledger: LedgerStore
    engine: Engine
    lookers: tuple[Looker, ...]
    publishers: tuple[Publisher, ...]
    followers: dict[Name, tuple[Follower, ...]]
    clock: Clock

    def workers(self) -> Iterable[tuple[str, Worker]]:
        """Every worker with a name for its thread; those that write come before those that look."""
        yield "engine", self.engine
        for publisher in self.publishers:
            yield f"publisher {publisher.zone}", publisher
            for follower in self.followers[publisher.zone]:
                yield f"follower {publisher.zone} {follower.secondary.where}", follower
        for looker in self.lookers:
            yield f"looker {looker.source.name}", looker

    @property
    def reporter(self) -> Reporter:
        return Reporter(self.engine, self.publishers, self.followers)

    def close(self) -> None:
        for looker in self.lookers:
            looker.source.close()
        for publisher in self.publishers:
            publisher.primary.server.close()
        for followers in self.followers.values():
            for follower in followers:
                follower.secondary.close()


def build(config: Config, *, read_only: bool = False) -> Installation:
    """Make the installation that ``config`` describes; nothing is connected yet.

    ``read_only`` keeps what is learned in this process to itself. Raises ``ConfigError`` and ``Unavailable``.
    """
    check_supported(config)
    if read_only:
        database = open_for_looking(config.database)
    else:
        config.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = open_database(config.database)
    clock = Clock(time.time, time.monotonic, random.random)
    guests: GuestMemory = GuestStore(database)
    ledger = LedgerStore(database)
    engine = Engine(
        Registry({_source_name(one): _settings(config, one) for one in config.sources}),
        ReadOnlyGuests(guests) if read_only else guests,
        [zone.name for zone in config.zones.values() if zone.file],
        clock,
    )
    sources = [_source(one, watch_leases=not read_only) for one in config.sources]
    lookers = tuple(Looker(source, engine.mailbox.put, clock) for source in sources)
    followers: dict[Name, tuple[Follower, ...]] = {}
    publishers: list[Publisher] = []
    for zone, rules, pacer in _zones(config):
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
    engine.load()
    return Installation(config, ledger, engine, lookers, tuple(publishers), followers, clock)


def check_supported(config: Config) -> None:
    """Raise ``ConfigError`` for what the config may say but this version does not do."""
    for source in config.sources:
        if not isinstance(source, LibvirtSourceConfig):
            raise ConfigError(
                f"sources of kind {source.kind} are not supported in this version",
                file=config.path,
                cure="leave it out",
            )


def zone_file(zone: ZoneConfig) -> ZoneFile:
    """Read and parse one zone's file; an error becomes part of the value, so that the last good one stays."""
    try:
        return ZoneFile(zone.name, load_zone_file(zone))
    except ConfigError as error:
        return ZoneFile(zone.name, error=str(error).splitlines()[0])


def zone_files(config: Config) -> Iterable[ZoneFile]:
    """Read every zone's file."""
    return [zone_file(zone) for zone in config.zones.values() if zone.file]


def server(config: Config, zone: Name, which: ServerConfig) -> DnsServer:
    """A connection of its own to one of a zone's servers."""
    return DnsServer(zone, which.address, which.port, config.keys[which.key].key())


def _zones(config: Config) -> Iterable[tuple[ZoneConfig, ZoneRules, Pacer]]:
    """Each zone and each reverse zone, with the zone whose servers it has."""
    for zone in config.zones.values():
        percent = config.guard.deletes_percent
        yield zone, ZoneRules(zone.name, zone.mode, percent), URGENT
        for reverse in zone.reverse:
            if reverse not in config.zones:
                yield zone, ZoneRules(reverse, zone.mode, percent), RELAXED


def _source_name(source: SourceConfig) -> SourceName:
    where = source.uri if isinstance(source, LibvirtSourceConfig) else getattr(source, "path", "")
    return SourceName(f"{source.kind} {where}")


def _source(source: SourceConfig, *, watch_leases: bool) -> Source:
    assert isinstance(source, LibvirtSourceConfig), "check_supported lets no other pass"
    found = LibvirtSource(
        source.uri, name=_source_name(source), agent=bool(source.agent), arp=bool(source.arp)
    )
    if watch_leases:
        found.watch_leases()
    return found


def _settings(config: Config, source: SourceConfig) -> GuestSettings:
    zone = config.zones[source.zone]
    proxy = config.proxy.addresses if config.proxy else ()
    return GuestSettings(
        zone=zone.name,
        ttl=zone.ttl,
        networks=config.networks,
        reverse=zone.reverse,
        publish=config.guests.publish,
        on_stop=config.guests.on_stop,
        grace=config.guests.grace,
        reserved=(*config.policy.reserved, platform.node().partition(".")[0].lower()),
        forbidden=_forbidden(config),
        proxy_addresses=tuple(ip_address(one) for one in proxy),
    )


def _forbidden(config: Config) -> frozenset[IPAddress]:
    """Addresses of name servers and proxies, which no guest may publish."""
    servers = [one.address for zone in config.zones.values() for one in (zone.primary, *zone.secondaries)]
    proxies = config.proxy.addresses if config.proxy else ()
    return frozenset(ip_address(str(address)) for address in (*servers, *proxies))
