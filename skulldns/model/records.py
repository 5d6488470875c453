"""DNS data as frozen values."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, cast

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.name import Name
from dns.rdata import Rdata
from dns.rdatatype import RdataType

from skulldns.model.interned import Data, InternedName, data_of, held, ipv4

type_text = cache(dns.rdatatype.to_text)
"""A type as people write it."""


def _folded(name: Name) -> tuple[bytes, ...]:
    return tuple([label.lower() for label in name.labels])


def order(name: Name) -> tuple[bytes, ...]:
    """What sorts names as they compare (RFC 4034 section 6.1), many times faster."""
    if isinstance(name, InternedName):
        return name.order
    return _folded(name)[::-1]


class Key(NamedTuple):
    """What an RRset is known by: its absolute owner name and its type."""

    name: Name
    type: RdataType

    @property
    def order(self) -> tuple[tuple[bytes, ...], int]:
        """What sorts keys as they compare, many times faster."""
        return order(self.name), self.type

    def __hash__(self) -> int:
        # Asked for often. dnspython's hash is the same for names such as host19 and host20, that of an enumeration's
        # member is Python, and one name has few types.
        name = self[0]
        return hash(name.folded if isinstance(name, InternedName) else _folded(name))

    def __str__(self) -> str:
        return f"{self.name.to_text(omit_final_dot=True)} {type_text(self.type)}"


@dataclass(frozen=True, slots=True)
class RRset:
    """All data of one name and type, with one TTL in seconds (RFC 2181 section 5). Order does not matter."""

    name: Name
    type: RdataType
    ttl: int
    data: AbstractSet[Rdata]
    key: Key = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", Key(self.name, self.type))
        if not isinstance(self.data, Data):
            object.__setattr__(self, "data", held(self.type, self.data))

    def same_data(self, other: "RRset | None") -> bool:
        """Whether both hold the same data; TTLs are not compared (as RFC 2136 section 3.2.3 does not)."""
        return self is other or (
            other is not None
            and self.type == other.type
            and self.data == other.data
            and self.name == other.name
        )

    def values(self) -> list[str]:
        """The data in presentation format, sorted."""
        return cast("Data", self.data).values()

    def __str__(self) -> str:
        return f"{self.key} {' '.join(self.values())} (TTL {self.ttl})"


def rrset(name: Name, rdtype: RdataType, ttl: int, values: Iterable[str]) -> RRset:
    """Build an RRset from presentation-format ``values``; raises ``dns.exception.DNSException`` on bad text."""
    texts = list(values)
    if rdtype is RdataType.A and len(texts) == 1 and (address := ipv4(texts[0])):
        return RRset(name, rdtype, ttl, data_of(rdtype, [address]))
    data = [
        dns.rdata.from_text(dns.rdataclass.IN, rdtype, value, origin=dns.name.root, relativize=False)
        for value in texts
    ]
    return RRset(name, rdtype, ttl, held(rdtype, data))
