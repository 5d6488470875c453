"""Names that are held once while anybody holds them, and data as they are on the wire.

One name stands in the zone file, in what a server serves, in the ledger and in many indexes. dnspython computes the
hash of a name anew each time, in Python; objects that are the same need no comparison, and these remember what is
asked of them most. What nobody holds any more is forgotten. Data are compared and sent far more often than looked
into, so dnspython's objects, several times as large, are made only when they are asked for.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Self, cast
from weakref import WeakValueDictionary

import dns.rdata
from dns.name import Name, NameStyle
from dns.rdata import Rdata
from dns.rdataclass import IN
from dns.rdatatype import RdataType

WITHOUT_NAMES = frozenset(
    {
        RdataType.A,
        RdataType.AAAA,
        RdataType.CAA,
        RdataType.DS,
        RdataType.HINFO,
        RdataType.SPF,
        RdataType.SSHFP,
        RdataType.TLSA,
        RdataType.TXT,
        RdataType.URI,
    }
)
"""Common types whose data hold no names: on the wire nothing is compressed and no case is to be ignored."""

ONE_NAME = frozenset({RdataType.CNAME, RdataType.DNAME, RdataType.NS, RdataType.PTR})
"""Types whose data are one name."""

_PLAIN = re.compile(rb"[A-Za-z0-9_*/.-]+")
_LABEL, _NAME = 63, 255
_OCTETS = 4
_SIZES = {RdataType.A: 4, RdataType.AAAA: 16}
"""Bytes of data that are nothing but an address: all such bytes are right."""


class InternedName(Name):
    """An absolute ``dns.name.Name`` that knows its hash and its parent. Only ``name_of`` makes it."""

    __slots__ = ("__weakref__", "_hash", "_parent", "folded")
    folded: tuple[bytes, ...]
    """Its labels in lower case."""

    _hash: int
    _parent: Name | None

    @property
    def order(self) -> tuple[bytes, ...]:
        """What sorts names as they compare (RFC 4034 section 6.1)."""
        return self.folded[::-1]

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        # Told apart often: dnspython's hash is the same for names such as host19 and host20.
        if self is other:
            return True
        if isinstance(other, InternedName):
            return self.folded == other.folded
        if not isinstance(other, Name) or len(self.labels) != len(other.labels):
            return False
        return self.folded == _fold(other.labels)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def parent(self) -> Name:
        if self._parent is None:
            if len(self.labels) <= 1:
                return super().parent()  # which raises
            object.__setattr__(self, "_parent", name_of(self.labels[1:]))
        return cast("Name", self._parent)

    def to_text(self, omit_final_dot: bool = False, style: NameStyle | None = None) -> str:  # noqa: FBT001, FBT002
        joined = b".".join(self.labels)
        if style is not None or joined.count(b".") >= len(self.labels) or not _PLAIN.fullmatch(joined):
            return super().to_text(omit_final_dot, style)
        text = joined.decode()
        return text[:-1] if omit_final_dot else text

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return name_of, (self.labels,)


class Data(AbstractSet[Rdata]):
    """All data of an RRset; ``wires`` are their wire formats without compression, sorted. Only ``data_of`` makes it."""

    __slots__ = ("type", "wires")
    type: RdataType
    wires: tuple[bytes, ...]

    def __contains__(self, rdata: object) -> bool:
        return rdata in frozenset(self)

    def __iter__(self) -> Iterator[Rdata]:
        return (_rdata(self.type, wire) for wire in self.wires)

    def __len__(self) -> int:
        return len(self.wires)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Data):
            return isinstance(other, AbstractSet) and frozenset(self) == other
        if self.type != other.type:
            return not self.wires and not other.wires
        return self.wires == other.wires or self.canonical() == other.canonical()

    def __hash__(self) -> int:
        return hash(frozenset(self))

    def __repr__(self) -> str:
        return f"{{{', '.join(self.values())}}}"

    def canonical(self) -> Sequence[bytes]:
        """What equal data have in common: their canonical forms, sorted."""
        if self.type in WITHOUT_NAMES:
            return self.wires
        return sorted(canonical(self.type, wire) for wire in self.wires)

    def values(self) -> list[str]:
        """The data in presentation format, sorted."""
        if self.type is RdataType.A:
            return sorted([f"{a}.{b}.{c}.{d}" for a, b, c, d in self.wires])
        return sorted(rdata.to_text() for rdata in self)

    @classmethod
    def _from_iterable(cls, rdatas: Iterable[Any]) -> frozenset[Any]:
        return frozenset(rdatas)


_names: WeakValueDictionary[tuple[bytes, ...], InternedName] = WeakValueDictionary()


def name_of(labels: tuple[bytes, ...]) -> Name:
    """The absolute name of these labels, in this spelling.

    Raises what ``dns.name.Name`` raises for labels that make no name.
    """
    found = _names.get(labels)
    if found is None:
        sizes = list(map(len, labels))
        if max(sizes) > _LABEL or sum(sizes) + len(sizes) > _NAME or 0 in sizes[:-1]:
            return Name(labels)  # which raises
        found = InternedName.__new__(InternedName)
        put, folded = object.__setattr__, _fold(labels)
        put(found, "labels", labels)
        put(found, "folded", labels if folded == labels else folded)
        put(found, "_hash", Name.__hash__(found))
        put(found, "_parent", None)
        _names[labels] = found
    return found


def data_of(rdtype: RdataType, wires: Iterable[bytes], *, checked: bool = False) -> Data:
    """The data that these uncompressed wire formats say.

    Raises ``dns.exception.DNSException`` for what is no data of the type, unless somebody has ``checked`` them.
    """
    found = _data(rdtype, wires)
    if checked:
        return found
    size = _SIZES.get(rdtype)
    for wire in found.wires:
        if len(wire) != size:
            _rdata(rdtype, wire)  # which raises
    return found


def held(rdtype: RdataType, data: Iterable[Rdata]) -> Data:
    """These data as they are on the wire."""
    wires = [rdata.to_wire() for rdata in frozenset(data)]
    return _data(rdtype, [wire for wire in wires if wire is not None])


def wires_of(rdtype: RdataType, data: AbstractSet[Rdata]) -> Sequence[bytes]:
    """The wire formats of the data, sorted."""
    return data.wires if isinstance(data, Data) else held(rdtype, data).wires


def canonicals(rdtype: RdataType, data: AbstractSet[Rdata]) -> Sequence[bytes]:
    """What equal data have in common: their canonical forms, sorted."""
    return (data if isinstance(data, Data) else held(rdtype, data)).canonical()


def canonical(rdtype: RdataType, wire: bytes) -> bytes:
    """What equal data have in common (RFC 4034 section 6.2): names in them are the same in any case."""
    if rdtype in WITHOUT_NAMES:
        return wire
    if rdtype in ONE_NAME:
        return wire.lower()  # no length of a label is a letter
    return dns.rdata.from_wire(IN, rdtype, wire, 0, len(wire)).to_digestable()


def ipv4(text: str) -> bytes | None:
    """The four bytes of an IPv4 address in its one spelling; None for all else."""
    try:
        packed = bytes(map(int, text.split(".")))
    except ValueError:
        return None
    return packed if len(packed) == _OCTETS and ".".join(map(str, packed)) == text else None


def _data(rdtype: RdataType, wires: Iterable[bytes]) -> Data:
    found = Data()
    found.type, found.wires = rdtype, tuple(sorted(wires))
    return found


def _rdata(rdtype: RdataType, wire: bytes) -> Rdata:
    return dns.rdata.from_wire(IN, rdtype, wire, 0, len(wire))


def _fold(labels: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple([label.lower() for label in labels])
