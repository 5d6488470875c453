"""Config to live objects: the only place that names concrete classes, reads the clock and draws random numbers."""

import platform
import random
import socket
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

import psutil
from dns.name import Name
from jinja2 import PackageLoader

from skulldns.config import (
    Config,
    IncusSourceConfig,
    LibvirtSourceConfig,
    LxcSourceConfig,
    ServerConfig,
    SourceConfig,
    StaticGuest,
    StaticSourceConfig,
    ZoneConfig,
    load_zone_file,
)
from skulldns.desired.registry import Registry
from skulldns.desired.settings import GuestSettings
from skulldns.errors import ConfigError
from skulldns.loop.alarms import Alarms
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.looker import Looker
from skulldns.loop.mailbox import Worker
from skulldns.loop.names import Names
from skulldns.loop.publisher import Publisher, ZoneRules
from skulldns.loop.report import Reporter
from skulldns.model.assignments import Assignment
from skulldns.model.certificates import shown
from skulldns.model.guests import GuestOptions, IPAddress, SourceName, Trust
from skulldns.model.observations import ZoneFile
from skulldns.plan.cadence import RELAXED, URGENT, Pacer
from skulldns.sources.host.neighbours import HostNetwork
from skulldns.sources.incus.endpoint import LocalSocket, Remote
from skulldns.sources.incus.source import IncusSource
from skulldns.sources.libvirt import LibvirtSource
from skulldns.sources.lxc.source import LxcSource
from skulldns.sources.protocol import Source
from skulldns.sources.static import Machine, StaticSource
from skulldns.store.assignments import AssignmentStore
from skulldns.store.database import open_database, open_for_looking
from skulldns.store.guests import GuestStore
from skulldns.store.ledger import LedgerStore
from skulldns.store.protocol import GuestMemory
from skulldns.store.readonly import ReadOnlyGuests
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.nsconfig import settings as ns
from skulldns.targets.nsconfig.choice import one_server
from skulldns.targets.nsconfig.rendering import render


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
        yield "alarms", self.reporter.alarms

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
        AssignmentStore(database),
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
    names = Names(engine, publishers, followers)
    alarms = Alarms(names, clock)
    engine.tell(alarms.mailbox)
    reporter = Reporter(names, alarms)
    return Installation(config, ledger, engine, lookers, tuple(publishers), followers, reporter, clock)


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


def name_server_files(
    config: Config, software: str, role: str, *, address: str | None, options: Mapping[str, Any]
) -> Mapping[str, str]:
    """The configuration of one of the config's name servers, by file names.

    ``address`` says which where there are several; ``options`` are those of ``nsconfig.settings.Settings``. Raises
    ``ConfigError``.
    """
    zones = [
        _ns_zone(config, name, zone)
        for zone in config.zones.values()
        for name in (zone.name, *(one for one in zone.reverse if one not in config.zones))
    ]
    which, kind = ns.Role(role), ns.Software(software)
    one, served = one_server(zones, which, address)
    places = replace(ns.DEBIAN[kind], **options["places"])
    chosen = ns.Settings(kind, which, one, served, **{**options, "places": places})
    return render(chosen, PackageLoader("skulldns.targets.nsconfig"))


def _ns_zone(config: Config, name: Name, zone: ZoneConfig) -> ns.Zone:
    servers = [
        ns.Server(one.address, one.port, ns.Key(config.keys[one.key].name, config.keys[one.key].algorithm))
        for one in (zone.primary, *zone.secondaries)
    ]
    return ns.Zone(name, servers[0], tuple(servers[1:]), _types(name, zone))


def _types(name: Name, zone: ZoneConfig) -> Collection[str] | None:
    """The types that can come into a zone; any where a file says which."""
    if name != zone.name:
        return {"PTR"}
    if zone.file is not None:
        return None
    return {"A", "AAAA", "TXT", "PTR"} | ({"CNAME"} if zone.claims else set())


def _zones(config: Config) -> Iterable[tuple[ZoneConfig, ZoneRules, Pacer]]:
    """Each zone and each reverse zone, with the zone whose servers it has."""
    for zone in config.zones.values():
        percent = config.guard.deletes_percent
        yield zone, ZoneRules(zone.name, zone.mode, percent), URGENT
        for reverse in zone.reverse:
            if reverse not in config.zones:
                yield zone, ZoneRules(reverse, zone.mode, percent), RELAXED


def _source_name(source: SourceConfig) -> SourceName:
    if isinstance(source, LibvirtSourceConfig):
        return SourceName(f"{source.kind} {source.uri}")
    if isinstance(source, LxcSourceConfig):
        return SourceName(f"{source.kind} {source.path}")
    if isinstance(source, IncusSourceConfig):
        return SourceName(f"{source.kind} {source.socket or source.url}")
    return SourceName(f"{source.kind} {shown(source.zone)}")


def _source(source: SourceConfig, *, watch_leases: bool) -> Source:
    name = _source_name(source)
    if isinstance(source, StaticSourceConfig):
        return StaticSource(name, {own: _machine(one) for own, one in source.guests.items()})
    trust = Trust(agent=source.agent, arp=source.arp)
    if isinstance(source, LxcSourceConfig):
        return LxcSource(source.path, name=name, leases=source.leases, trust=trust)
    found: LibvirtSource | IncusSource
    if isinstance(source, IncusSourceConfig):
        endpoint = _endpoint(source)
        found = IncusSource(endpoint, name=name, projects=source.projects, leases=source.leases, trust=trust)
    else:
        found = LibvirtSource(source.uri, name=name, trust=trust, neighbours=HostNetwork().neighbours)
    if watch_leases:
        found.watch_leases()
    return found


def _endpoint(source: IncusSourceConfig) -> LocalSocket | Remote:
    if source.socket is not None:
        return LocalSocket(source.socket)
    assert source.url is not None, "loading lets no other pass"
    assert source.certificate is not None, "loading lets no other pass"
    assert source.key is not None, "loading lets no other pass"
    return Remote(source.url, source.certificate, source.key, source.server_certificate)


def _machine(guest: StaticGuest) -> Machine:
    options = GuestOptions(
        owner=guest.owner,
        port=guest.port,
        names=guest.names,
        publish=guest.publish,
        https=guest.https,
    )
    return Machine(tuple(map(ip_address, guest.addresses)), options)


def _settings(config: Config, source: SourceConfig) -> GuestSettings:
    zone = config.zones[source.zone]
    proxy = config.proxy.addresses if config.proxy else ()
    return GuestSettings(
        zone=zone.name,
        ttl=zone.ttl,
        networks=config.networks,
        reverse=zone.reverse,
        publish=config.guests.publish,
        https=config.guests.https,
        on_stop=config.guests.on_stop,
        grace=config.guests.grace,
        reserved=(*config.policy.reserved, platform.node().partition(".")[0].lower()),
        forbidden=_forbidden(config),
        excluded=config.excluded,
        proxy_addresses=tuple(ip_address(one) for one in proxy),
        assigned={guest: Assignment(**dict(one)) for guest, one in config.guests.assign.items()},
    )


def _forbidden(config: Config) -> frozenset[IPAddress]:
    """Addresses of name servers, proxies and of this host, which no guest may publish."""
    servers = [one.address for zone in config.zones.values() for one in (zone.primary, *zone.secondaries)]
    proxies = config.proxy.addresses if config.proxy else ()
    return frozenset(ip_address(address) for address in (*servers, *proxies, *_own_addresses()))


def _own_addresses() -> Iterable[str]:
    """The addresses of this host's interfaces, without their scopes."""
    for found in psutil.net_if_addrs().values():
        for one in found:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                yield one.address.partition("%")[0]
