"""The name servers of the config: connections to them, the zones they have, and their own configuration."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from dns.name import Name
from dns.resolver import Resolver

from skulldns.config import Config, ServerConfig, ViewConfig, ZoneConfig
from skulldns.desired.policy.records import TYPES
from skulldns.desired.reverse import classless
from skulldns.loop.publisher import ZoneRules
from skulldns.model.zones import ZoneId
from skulldns.plan.cadence import RELAXED, URGENT, Pacer
from skulldns.targets.challenges.dns01 import ZoneServers
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.nsconfig import settings as ns
from skulldns.targets.nsconfig.choice import one_server, views


def server(config: Config, zone: Name, which: ServerConfig) -> DnsServer:
    """A connection of its own to one of a zone's servers."""
    return DnsServer(zone, which.address, which.port, config.keys[which.key].key())


def zones(config: Config) -> Iterable[tuple[ViewConfig, ZoneRules, Pacer]]:
    """Each zone and each reverse zone in each of its views, with the servers that it has there."""
    percent = config.guard.deletes_percent
    for zone in config.zones.values():
        for view in zone.views:
            yield view, ZoneRules(ZoneId(zone.name, view.view), zone.mode, percent), URGENT
            for reverse in view.reverse:
                if reverse not in config.zones:
                    yield view, ZoneRules(ZoneId(reverse, view.view), zone.mode, percent), RELAXED


def name_server_files(
    config: Config, software: str, role: str, *, address: str | None, options: Mapping[str, Any]
) -> Mapping[str, str]:
    """The configuration of one of the config's name servers, by file names; as ``name_server_settings``."""
    # Templates take long to load, and few ask for them.
    from jinja2 import PackageLoader  # noqa: PLC0415

    from skulldns.targets.nsconfig.rendering import render  # noqa: PLC0415

    chosen = name_server_settings(config, software, role, address=address, options=options)
    return render(chosen, PackageLoader("skulldns.targets.nsconfig"))


def name_server_settings(
    config: Config, software: str, role: str, *, address: str | None = None, options: Mapping[str, Any]
) -> ns.Settings:
    """What one of the config's name servers is to be.

    ``address`` says which where there are several; ``options`` are those of ``nsconfig.settings.Settings``. Raises
    ``ConfigError``.
    """
    zones = [
        _ns_zone(config, name, zone, view)
        for zone in config.zones.values()
        for view in zone.views
        for name in (zone.name, *(one for one in view.reverse if one not in config.zones))
    ]
    which, kind = ns.Role(role), ns.Software(software)
    one, served = one_server(zones, which, address)
    places = replace(ns.DEBIAN[kind], **options["places"])
    found = views(served, which, one, _clients(config))
    return ns.Settings(kind, which, one, served, **{**options, "places": places, "views": found})


def _clients(config: Config) -> Mapping[str, tuple[str, ...]]:
    """Who is answered from each view of the config; views of one name in several zones are one on the server."""
    found: dict[str, tuple[str, ...]] = {}
    for zone in config.zones.values():
        for view in zone.views:
            if view.view is not None:
                networks = tuple(str(network) for network in view.clients) or ("any",)
                found[view.view] = tuple(dict.fromkeys((*found.get(view.view, ()), *networks)))
    return found


def _ns_zone(config: Config, name: Name, zone: ZoneConfig, view: ViewConfig) -> ns.Zone:
    servers = [
        ns.Server(one.address, one.port, ns.Key(config.keys[one.key].name, config.keys[one.key].algorithm))
        for one in view.servers
    ]
    return ns.Zone(name, servers[0], tuple(servers[1:]), _types(name, zone, view), view.view)


def _types(name: Name, zone: ZoneConfig, view: ViewConfig) -> Collection[str] | None:
    """The types that can come into a zone; any where a file says which."""
    if name != zone.name:
        blocks = (one for one in view.reverse if classless(one))
        return {"PTR", "CNAME"} if any(one.parent().is_subdomain(name) for one in blocks) else {"PTR"}
    if zone.file is not None:
        return None
    return {"A", "AAAA", "TXT", "PTR"} | ({"CNAME", *TYPES} if zone.claims else set())


def connections(config: Config) -> dict[Name, tuple[ZoneServers, ...]]:
    """Connections of their own to the servers of all zones, for who asks or adds single values beside publishers."""
    return {
        zone.name: tuple(
            ZoneServers(
                server(config, zone.name, view.primary),
                [server(config, zone.name, one) for one in view.secondaries],
                public=view in zone.public,
            )
            for view in zone.views
        )
        for zone in config.zones.values()
    }


def resolver(config: Config) -> Resolver:
    """Who is asked about names outside of our zones: the resolver of the config, or the system's."""
    place = config.acme.resolver if config.acme else None
    if place is None:
        return Resolver()
    found = Resolver(configure=False)
    found.nameservers = [place.address]
    found.port = place.port
    return found
