"""Settings -> the files of one name server."""

import re
from collections.abc import Mapping
from typing import Any

import dns.name
from dns.name import Name
from jinja2 import BaseLoader, Environment, StrictUndefined

from skulldns.errors import ConfigError
from skulldns.targets.nsconfig.choice import keys, own_key
from skulldns.targets.nsconfig.settings import Key, Role, Server, Settings, Software, Zone

_MAIN = {
    Software.BIND: "named.conf",
    Software.KNOT: "knot.conf",
    Software.NSD: "nsd.conf",
    Software.POWERDNS: "pdns.conf",
}
_COMMANDS = "setup.sh"
_ARPA = dns.name.from_text("arpa.")
# What may stand in a configuration file as it is, in each of the four languages.
_PLAIN = re.compile(r"[A-Za-z0-9_./:@+\[\], -]*")


def render(settings: Settings, templates: BaseLoader) -> Mapping[str, str]:
    """The files by their names, in the order in which a person needs them.

    The server's own configuration comes first, then the commands ``setup.sh`` for PowerDNS, which keeps its
    zones in a database. A primary has a first ``zones/NAME.zone`` for each zone.

    Raises ``ConfigError`` for what the server cannot do.
    """
    _check(settings)
    environment = Environment(  # noqa: S701 - no HTML: `_plain` checks each value
        loader=templates,
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    values = _values(settings)
    main = _MAIN[settings.software]
    files = {main: environment.get_template(f"{main}.j2").render(values)}
    if settings.software is Software.POWERDNS:
        files[_COMMANDS] = environment.get_template(f"{_COMMANDS}.j2").render(values)
    if settings.role is Role.PRIMARY:
        template = environment.get_template("zone.j2")
        for zone in values["zones"]:
            files[f"zones/{zone['file']}"] = template.render(values, zone=zone)
        if settings.catalog and settings.software is Software.BIND:
            files["zones/catalog.zone"] = environment.get_template("catalog.zone.j2").render(values)
    return files


def _check(settings: Settings) -> None:
    software, primary = settings.software, settings.role is Role.PRIMARY
    if software is Software.NSD and primary:
        raise ConfigError(
            "NSD takes no updates", cure="use it as a secondary, with BIND, Knot or PowerDNS as the primary"
        )
    if settings.catalog and (software is Software.NSD or (software is Software.POWERDNS and not primary)):
        why = {
            Software.NSD: "NSD 4.6 knows no catalog zones",
            Software.POWERDNS: "PowerDNS 4.7 transfers the zones of a catalog without a key",
        }
        raise ConfigError(why[software], cure="leave the catalog out")
    if settings.catalog and settings.views:
        raise ConfigError("a catalog lists a zone once, not in each view", cure="leave the catalog out")
    if settings.views and software is not Software.BIND:
        raise ConfigError(f"{software} has no views", cure="use BIND, or a server for each view")


def _values(settings: Settings) -> dict[str, Any]:
    """The values of all templates."""
    zones = [_zone(zone, settings) for zone in settings.zones]
    known = {key.name: key for zone in settings.zones for key in keys(zone, settings.role, settings.server)}
    return {
        "role": settings.role,
        "server": _server(settings.server),
        "zones": zones,
        "names": list(dict.fromkeys(zone["name"] for zone in zones)),
        "keys": [_key(known[name]) for name in sorted(known)],
        "peers": list({peer["id"]: peer for zone in zones for peer in zone["peers"]}.values()),
        "places": settings.places,
        "managers": settings.managers,
        "views": [_view(settings, view.name) for view in settings.views] or [_view(settings, None)],
        "dnssec": settings.dnssec,
        "catalog": _text(settings.catalog) if settings.catalog else None,
    }


def _view(settings: Settings, name: str | None) -> dict[str, Any]:
    found = next((view for view in settings.views if view.name == name), None)
    others = [key for view in settings.views if view.name != name for key in view.keys]
    first = name is None or name == settings.views[0].name
    return {
        "name": name,
        "keys": [_key(key) for key in found.keys] if found else [],
        "others": [_key(key) for key in others],
        "clients": found.clients if found else (),
        "zones": [
            _zone(zone, settings) for zone in settings.zones if zone.view == name or (first and not zone.view)
        ],
        "shared": [_text(zone.name) for zone in settings.zones if not first and not zone.view],
        "first": settings.views[0].name if settings.views else None,
    }


def _zone(zone: Zone, settings: Settings) -> dict[str, Any]:
    """A zone with its own servers' names, and its peers: the servers to which this one transfers, or from which."""
    name = _text(zone.name)
    # A reverse zone's servers have their names in the first zone that is none.
    forward = (other.name for other in settings.zones if not other.name.is_subdomain(_ARPA))
    home = _text(zone.name if not zone.name.is_subdomain(_ARPA) else next(forward, zone.name))
    servers = {f"ns{number}.{home}": one for number, one in enumerate((zone.primary, *zone.secondaries), 1)}
    glue = [(owner, "AAAA" if ":" in one.address else "A", one.address) for owner, one in servers.items()]
    primary = Server(zone.primary.address, zone.primary.port, own_key(zone, settings.role, settings.server))
    peers = zone.secondaries if settings.role is Role.PRIMARY else (primary,)
    stem = name.replace("/", "-") + (f"@{zone.view}" if zone.view else "")  # RFC 2317 has names with a slash
    return {
        "name": name,
        "file": f"{stem}.zone",
        "key": _key(own_key(zone, settings.role, settings.server)),
        "peers": [_server(peer) for peer in peers],
        "readers": list(dict.fromkeys(_text(one.key.name) for one in (*zone.secondaries, zone.primary))),
        "home": home,  # also of the SOA's mailbox, which must be a host name: a zone of RFC 2317 is none
        "nameservers": list(servers),
        "glue": glue if home == name else [],
        "types": sorted(zone.types) if zone.types is not None else None,
    }


def _server(server: Server) -> dict[str, Any]:
    six = ":" in server.address
    key = _key(server.key)
    return {
        "id": re.sub(r"[.:]", "-", f"{server.address}-{server.port}-{key['name']}"),
        "address": server.address,
        "port": server.port,
        "six": six,
        "hostport": f"[{server.address}]:{server.port}" if six else f"{server.address}:{server.port}",
        "key": key,
    }


def _key(key: Key) -> dict[str, str]:
    return {"name": _text(key.name), "algorithm": key.algorithm}


def _text(name: Name) -> str:
    return name.to_text(omit_final_dot=True)


def _plain(value: object) -> object:
    """A value that changes nothing but itself in the text around it; raises ``ConfigError`` for others."""
    if isinstance(value, StrictUndefined) or _PLAIN.fullmatch(str(value)):
        return value
    raise ConfigError(
        f"{str(value)!r} cannot stand in a name server's configuration", cure="use another name"
    )
