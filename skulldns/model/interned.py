"""Equal names and data, held once while anybody holds them.

One name stands in the zone file, in what a server serves, in the ledger and in many indexes. dnspython computes the
hash of a name and of data anew each time, in Python; objects that are the same need no comparison, and these remember
what is asked of them most. What nobody holds any more is forgotten.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self, cast
from weakref import WeakValueDictionary

import dns.rdata
from dns.name import Name, NameStyle
from dns.rdata import Rdata
from dns.rdataclass import IN
from dns.rdatatype import RdataType
from dns.rdtypes.IN.A import A

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


class InternedName(Name):
    """An absolute ``dns.name.Name`` that knows its hash and its parent. Only ``name_of`` makes it."""

    __slots__ = ("__weakref__", "_folded", "_hash", "_parent")
    _folded: tuple[bytes, ...]
    _hash: int
    _parent: Name | None

    @property
    def order(self) -> tuple[bytes, ...]:
        """What sorts names as they compare (RFC 4034 section 6.1)."""
        return self._folded[::-1]

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        # Told apart often: dnspython's hash is the same for names such as host19 and host20.
        if isinstance(other, InternedName):
            return self._folded == other._folded
        if not isinstance(other, Name) or len(self.labels) != len(other.labels):
            return False
        return self._folded == _fold(other.labels)

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


class Data(frozenset[Rdata]):
    """All data of an RRset; ``wires`` are their wire formats without compression, sorted. Only ``data_of`` makes it."""

    __slots__ = ("wires",)
    wires: tuple[bytes, ...]


class _Address(A):
    """An A that knows its hash; its text is its address."""

    __slots__ = ("_hash",)
    _hash: int

    def __hash__(self) -> int:
        return self._hash

    def to_text(self, *_arguments: Any, **_style: Any) -> str:
        return cast("str", self.address)


_names: WeakValueDictionary[tuple[bytes, ...], InternedName] = WeakValueDictionary()
_data: WeakValueDictionary[tuple[RdataType, tuple[bytes, ...]], Data] = WeakValueDictionary()


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
        put(found, "_folded", labels if folded == labels else folded)
        put(found, "_hash", Name.__hash__(found))
        put(found, "_parent", None)
        _names[labels] = found
    return found


def data_of(rdtype: RdataType, wires: Iterable[bytes]) -> Data:
    """The data that these uncompressed wire formats say.

    Raises ``dns.exception.DNSException`` for what is no data of the type.
    """
    key = rdtype, tuple(sorted(wires))
    return _data.get(key) or _put(key, [_rdata(rdtype, wire) for wire in key[1]])


def held(rdtype: RdataType, data: Iterable[Rdata]) -> Data:
    """These data, or equal ones that are held already."""
    pairs = {wire: rdata for rdata in frozenset(data) if (wire := rdata.to_wire()) is not None}
    key = rdtype, tuple(sorted(pairs))
    return _data.get(key) or _put(key, [pairs[wire] for wire in key[1]])


def wires_of(rdtype: RdataType, data: frozenset[Rdata]) -> Sequence[bytes]:
    """The wire formats of the data, sorted."""
    return data.wires if isinstance(data, Data) else held(rdtype, data).wires


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


def _put(key: tuple[RdataType, tuple[bytes, ...]], rdatas: Iterable[Rdata]) -> Data:
    found = Data(rdatas)
    found.wires = key[1]
    if found:
        _data[key] = found
    return found


def _rdata(rdtype: RdataType, wire: bytes) -> Rdata:
    if rdtype is not RdataType.A or len(wire) != _OCTETS:
        return dns.rdata.from_wire(IN, rdtype, wire, 0, len(wire))
    # Most of a zone, and dnspython checks for long what cannot be wrong here.
    found = _Address.__new__(_Address)
    fields: dict[str, Any] = {
        "rdclass": IN,
        "rdtype": rdtype,
        "rdcomment": None,
        "address": ".".join(map(str, wire)),
        "_hash": hash(wire),
    }
    for field, value in fields.items():
        object.__setattr__(found, field, value)
    return found


def _fold(labels: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple([label.lower() for label in labels])
