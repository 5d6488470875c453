"""What a name server's configuration is made from."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from dns.name import Name


class Software(StrEnum):
    """Name servers whose configuration we know."""

    BIND = "bind"
    KNOT = "knot"
    NSD = "nsd"
    POWERDNS = "powerdns"


class Role(StrEnum):
    """What the server is for the zones."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


@dataclass(frozen=True, slots=True)
class Key:
    """A TSIG key by its name; ``algorithm`` such as ``hmac-sha256``."""

    name: Name
    algorithm: str


@dataclass(frozen=True, slots=True)
class Server:
    """Where one server of a zone answers, and the key for all that concerns it.

    The key of a primary signs SkullDNS's updates and questions; that of a secondary also signs NOTIFY and transfers
    between the two servers.
    """

    address: str
    port: int
    key: Key


@dataclass(frozen=True, slots=True)
class View:
    """One of several answers of a primary to the same question (BIND).

    Who signs with one of ``keys`` gets it, and who asks from one of the networks ``clients``.
    """

    name: str
    keys: tuple[Key, ...]
    clients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone and its servers.

    ``types`` are the only types that are ever published into it; None where a zone file may hold any.
    ``view`` is the name of the view that holds it, if it is in one.
    """

    name: Name
    primary: Server
    secondaries: tuple[Server, ...] = ()
    types: Collection[str] | None = None
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Directories on the server: zone files and journals, files of the running process, files of the keys.

    ``user`` is for a server that starts as root and then becomes that user; None where another cares for it.
    """

    data: str
    run: str
    keys: str
    user: str | None = None


DEBIAN = {
    Software.BIND: Places("/var/lib/bind", "/run/named", "/etc/bind"),
    Software.KNOT: Places("/var/lib/knot", "/run/knot", "/etc/knot"),
    Software.NSD: Places("/var/lib/nsd", "/run/nsd", "/etc/nsd", "nsd"),
    Software.POWERDNS: Places("/var/lib/powerdns", "/run/pdns", "/etc/powerdns"),
}
"""Where Debian's packages keep these."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One server's part: ``server`` is itself, and ``zones`` are those that it serves in this role.

    ``managers`` are the addresses from which SkullDNS writes, for servers that look at addresses beside keys.
    ``dnssec`` lets a primary sign; ``catalog`` is the name of a catalog zone (RFC 9432) that lists the zones.
    """

    software: Software
    role: Role
    server: Server
    zones: tuple[Zone, ...]
    places: Places
    managers: tuple[str, ...] = ()
    views: tuple[View, ...] = ()
    dnssec: bool = False
    catalog: Name | None = None
