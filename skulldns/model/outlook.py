"""How a zone looks from outside: what its servers, its parent and the servers named there answered. Raw facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dns.name import Name
from dns.rdata import Rdata
from dns.rdatatype import RdataType

from skulldns.model.guests import IPAddress
from skulldns.model.records import RRset
from skulldns.model.zones import ZoneId

Addresses = Mapping[Name, frozenset[IPAddress]]


@dataclass(frozen=True, slots=True)
class Apex:
    """The top of a zone as one server serves it to who has the key.

    ``rrsets`` holds SOA, NS, DNSKEY, CDS and CDNSKEY as far as there are any, ``signatures`` the RRSIG of each;
    ``addresses`` are those of its name servers whose names lie in the zone.
    """

    serial: int
    rrsets: Mapping[RdataType, RRset]
    signatures: Mapping[RdataType, frozenset[Rdata]] = field(default_factory=dict)
    addresses: Addresses = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Public:
    """What one server does for a stranger, who has no key.

    ``offers`` recursion by its RA flag (RFC 1035 section 4.1.1); ``recursed``: it answered for a foreign name;
    ``transferred``: it began to give the whole zone.
    """

    offers: bool
    recursed: bool
    transferred: bool


@dataclass(frozen=True, slots=True)
class ServerLook:
    """One of the zone's own servers. ``trouble`` says why there is no ``apex``, ``unasked`` why no ``public``."""

    where: str
    primary: bool
    apex: Apex | None
    public: Public | None
    trouble: str = ""
    unasked: str = ""


class Delegates(StrEnum):
    """What a server of the parent says of the zone. One that serves both answers from the zone itself."""

    YES = "yes"
    NO = "no"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Parent:
    """What a server of the parent answers; ``ds`` counts where ``ds_known``."""

    where: str
    delegates: Delegates
    nameservers: frozenset[Name] = frozenset()
    glue: Addresses = field(default_factory=dict)
    ds: RRset | None = None
    ds_known: bool = False


class Says(StrEnum):
    """What a name server says, of those that the zone or its parent names."""

    SERVES = "serves"
    LAME = "lame"
    SILENT = "silent"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Delegate:
    """One address of a name server that the zone or its parent names, asked as the world does.

    One in another zone without any ``address`` has none there, or ``unasked`` says why that cannot be told.
    """

    name: Name
    address: IPAddress | None
    says: Says
    unasked: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Everything that was asked of one zone; ``unasked`` says why there is no ``parent``; an ``orphan`` has none.

    ``world``: whether everybody gets this view of the zone, so that the parent's NS and glue must fit it.
    """

    zone: ZoneId
    servers: tuple[ServerLook, ...]
    parent: Parent | None
    unasked: str = ""
    delegates: tuple[Delegate, ...] = ()
    world: bool = True
    orphan: bool = False

    @property
    def primary(self) -> ServerLook | None:
        """The primary, or else a server that answered."""
        return next(
            (one for one in sorted(self.servers, key=lambda one: not one.primary) if one.apex is not None),
            None,
        )


class Standing(StrEnum):
    """How something stands: well, ill, or not to be told from here."""

    WELL = "well"
    ILL = "ill"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: a word for what it is about, its name, a sentence, and the cure if there is one."""

    kind: str
    name: str
    standing: Standing
    what: str
    cure: str = ""

    @property
    def sentence(self) -> str:
        """What, where, and the cure."""
        return f"{self.name}: {self.what}" + (f"; {self.cure}" if self.cure else "")
