"""Which of the servers of several zones is meant, what it serves, and with which keys and views."""

from collections.abc import Mapping, Sequence

from skulldns.errors import ConfigError
from skulldns.targets.nsconfig.settings import Key, Role, Server, View, Zone


def one_server(zones: Sequence[Zone], role: Role, address: str | None) -> tuple[Server, tuple[Zone, ...]]:
    """The server in this role, at ``address`` where the zones have several, and the zones that it serves.

    Raises ``ConfigError`` when that names none or several.
    """
    found: dict[tuple[str, int], list[tuple[Server, Zone]]] = {}
    for zone in zones:
        for server in (zone.primary,) if role is Role.PRIMARY else zone.secondaries:
            if address in {None, server.address}:
                found.setdefault((server.address, server.port), []).append((server, zone))
    if not found:
        at = f" at {address}" if address else ""
        raise ConfigError(f"no zone has a {role}{at}", cure="correct --address or the servers of the zones")
    if len(found) > 1:
        shown = ", ".join(f"{host} port {port}" for host, port in found)
        raise ConfigError(f"there are several servers of this role: {shown}", cure="name one with --address")
    [served] = found.values()
    return served[0][0], tuple(zone for _, zone in served)


def own_key(zone: Zone, role: Role, server: Server) -> Key:
    """The key that the config gives to ``server`` for ``zone``."""
    if role is Role.PRIMARY:
        return zone.primary.key
    here = (server.address, server.port)
    return next((one.key for one in zone.secondaries if (one.address, one.port) == here), server.key)


def keys(zone: Zone, role: Role, server: Server) -> Sequence[Key]:
    """The keys that ``server`` needs for ``zone``: a primary knows those of its secondaries."""
    others = zone.secondaries if role is Role.PRIMARY else ()
    return [own_key(zone, role, server), *(one.key for one in others)]


def views(
    zones: Sequence[Zone], role: Role, server: Server, clients: Mapping[str, tuple[str, ...]]
) -> tuple[View, ...]:
    """The views of ``server``, in the order of ``clients``, who is answered from each; those for everybody come last.

    None where all ``zones`` are in one view or none is in any: then the server needs no views. Zones without a view are
    in all of them, and their keys lead to the first.
    """
    here = [name for name in clients if any(zone.view == name for zone in zones)]
    names = sorted(here, key=lambda name: "any" in clients[name])
    if len({zone.view for zone in zones}) == 1:
        return ()
    found = []
    for name in names:
        own = [zone for zone in zones if zone.view == name or (zone.view is None and name == names[0])]
        known = dict.fromkeys(key for zone in own for key in keys(zone, role, server))
        found.append(View(name, tuple(known), clients[name]))
    return tuple(found)
