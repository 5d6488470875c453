"""Which of the servers of several zones is meant, and what it serves."""

from collections.abc import Sequence

from skulldns.errors import ConfigError
from skulldns.targets.nsconfig.settings import Role, Server, Zone


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
