"""Who looks at our zones from outside."""

from collections.abc import Iterable
from functools import partial

import dns.nameserver
import dns.resolver
from dns.name import Name

from skulldns.config import Config, ViewConfig, ZoneConfig
from skulldns.config.zonesections import PlainServer
from skulldns.model.zones import ZoneId
from skulldns.targets.outlook import Observer, Place
from skulldns.targets.resolving import Resolving
from skulldns.wiring.nameservers import zones


def observers(config: Config, name: Name | None = None) -> tuple[Observer, ...]:
    """An observer for each zone and each view, or for those of the zone ``name`` only."""
    return tuple(
        _observer(config, rules.zone, view)
        for view, rules, _ in zones(config)
        if name in {None, rules.zone.name}
    )


def _observer(config: Config, zone: ZoneId, view: ViewConfig) -> Observer:
    places = [Place(one.address, one.port, config.keys[one.key].key()) for one in view.servers]
    home = _home(config, zone.name)
    # Its servers are those of the zone, but a reverse zone has another parent, if any.
    parent = home.parent if zone.name == home.name or home.parent == () else None
    return Observer(
        zone,
        places,
        None if parent is None else [Place(one.address, one.port) for one in parent],
        Resolving(partial(_resolver, config.resolver), own=bool(config.resolver)),
        world=view in home.public,
    )


def _home(config: Config, name: Name) -> ZoneConfig:
    """The section of the config that has a zone or reverse zone."""
    found = config.zones.get(name)
    return found or next(zone for zone in config.zones.values() if name in zone.reverse)


def _resolver(servers: Iterable[PlainServer]) -> dns.resolver.Resolver:
    """One that asks ``servers``; the system's if there are none."""
    places = [dns.nameserver.Do53Nameserver(one.address, one.port) for one in servers]
    resolver = dns.resolver.Resolver(configure=not places)
    if places:
        resolver.nameservers = places
    return resolver
