"""DNS data as frozen values."""

from collections.abc import Iterable
from dataclasses import dataclass

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.name import Name
from dns.rdata import Rdata
from dns.rdatatype import RdataType


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What an RRset is known by: its absolute owner name and its type."""

    name: Name
    type: RdataType

    def __str__(self) -> str:
        return f"{self.name.to_text(omit_final_dot=True)} {dns.rdatatype.to_text(self.type)}"


@dataclass(frozen=True, slots=True)
class RRset:
    """All data of one name and type, with one TTL in seconds (RFC 2181 section 5). Order does not matter."""

    name: Name
    type: RdataType
    ttl: int
    data: frozenset[Rdata]

    @property
    def key(self) -> Key:
        return Key(self.name, self.type)

    def same_data(self, other: "RRset | None") -> bool:
        """Whether both hold the same data; TTLs are not compared (as RFC 2136 section 3.2.3 does not)."""
        return other is not None and self.key == other.key and self.data == other.data

    def values(self) -> list[str]:
        """The data in presentation format, sorted."""
        return sorted(rdata.to_text() for rdata in self.data)

    def __str__(self) -> str:
        return f"{self.key} {' '.join(self.values())} (TTL {self.ttl})"


def rrset(name: Name, rdtype: RdataType, ttl: int, values: Iterable[str]) -> RRset:
    """Build an RRset from presentation-format ``values``; raises ``dns.exception.DNSException`` on bad text."""
    data = frozenset(
        dns.rdata.from_text(dns.rdataclass.IN, rdtype, value, origin=dns.name.root, relativize=False)
        for value in values
    )
    return RRset(name, rdtype, ttl, data)
