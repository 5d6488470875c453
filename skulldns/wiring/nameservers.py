"""The name servers of the config: connections to them, the zones they have, and their own configuration."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from dns.name import Name
from jinja2 import PackageLoader

from skulldns.config import Config, ServerConfig, ZoneConfig
from skulldns.loop.publisher import ZoneRules
from skulldns.plan.cadence import RELAXED, URGENT, Pacer
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.nsconfig import settings as ns
from skulldns.targets.nsconfig.choice import one_server
from skulldns.targets.nsconfig.rendering import render


def server(config: Config, zone: Name, which: ServerConfig) -> DnsServer:
    """A connection of its own to one of a zone's servers."""
    return DnsServer(zone, which.address, which.port, config.keys[which.key].key())


def zones(config: Config) -> Iterable[tuple[ZoneConfig, ZoneRules, Pacer]]:
    """Each zone and each reverse zone, with the zone whose servers it has."""
    for zone in config.zones.values():
        percent = config.guard.deletes_percent
        yield zone, ZoneRules(zone.name, zone.mode, percent), URGENT
        for reverse in zone.reverse:
            if reverse not in config.zones:
                yield zone, ZoneRules(reverse, zone.mode, percent), RELAXED


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
