"""Answers of name servers, read no further than they are asked about.

A transfer is tens of thousands of records, and of a look-up's answer one matters; ``dns.message`` would build
objects for all. Data stay as they are on the wire, less their compression (RFC 1035 section 4.1.4); what holds names
in a way of its own is read by dnspython.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, cast

import dns.exception
import dns.flags
import dns.name
import dns.rdata
import dns.rdtypes.ANY.TSIG
from dns.name import Name
from dns.rcode import Rcode
from dns.rdata import Rdata
from dns.rdataclass import IN
from dns.rdatatype import NS, TSIG, RdataType

from skulldns.model.interned import ONE_NAME, WITHOUT_NAMES, canonical, data_of, name_of
from skulldns.model.records import Key, RRset
from skulldns.targets.dnswire.faults import BadAnswer
from skulldns.targets.dnswire.signing import Tsig

_HEADER = 12
_TYPE_AND_CLASS = 4
_OPCODE = 0x7800
_POINTER = 0xC0
_LONGEST_LABEL, _MOST_LABELS = 63, 127
_OFFSET = 0x3FFF
_OWNER_TO_DATA = 10
_MAX_TTL = 0x7FFF_FFFF


class Record(NamedTuple):
    """One record of a message; ``wire`` are its data without compression."""

    name: Name
    type: RdataType
    ttl: int
    wire: bytes

    @property
    def rdata(self) -> Rdata:
        """The data as an object; raises ``dns.exception.DNSException``."""
        return dns.rdata.from_wire(IN, self.type, self.wire, 0, len(self.wire))


@dataclass(frozen=True, slots=True)
class Answer:
    """A message from a server; its records are read when asked for.

    ``starts`` are the offsets of the answer, authority and additional sections, ``counts`` the numbers of
    their records without TSIG.
    """

    wire: bytes
    flags: int
    question: bytes
    starts: tuple[int, int, int]
    counts: tuple[int, int, int]
    tsig: Tsig | None

    @property
    def rcode(self) -> Rcode:
        return Rcode(self.flags & 0xF)

    @property
    def authoritative(self) -> bool:
        return bool(self.flags & dns.flags.AA)

    def fits(self, request: bytes) -> bool:
        """Whether this answers ``request``; later messages of a transfer may leave the question out."""
        opcode = int.from_bytes(request[2:4]) & _OPCODE
        return (
            self.wire[:2] == request[:2]
            and self.flags & (dns.flags.QR | _OPCODE) == dns.flags.QR | opcode
            and self.question in {_question(request), b""}
        )

    def answers(self) -> Iterator[Record]:
        """The records of the answer section; raises ``dns.exception.DNSException``."""
        return _records(self.wire, self.starts[0], self.counts[0])

    def rrset(self, key: Key) -> RRset | None:
        """What the answer says of ``key``: its RRset, None if there is none.

        A referral tells of a delegation's own names in its other sections (RFC 1034 section 4.2.1).
        """
        names = {_HEADER: key.name.labels} if self.question else {}
        records = list(_records(self.wire, self.starts[0], self.counts[0], names))
        if not self.authoritative:
            records += _records(self.wire, self.starts[1], self.counts[1])
            records += _records(self.wire, self.starts[2], self.counts[2])
        found = [record for record in records if record.type == key.type and record.name == key.name]
        if not found:
            return None
        wires = {canonical(key.type, record.wire): record.wire for record in found}
        return RRset(key.name, key.type, found[0].ttl, data_of(key.type, wires.values()))

    def refers_below(self, zone: Name) -> bool:
        """Whether this is a referral from ``zone`` to a zone below it."""
        return not self.counts[0] and any(
            record.type == NS and record.name != zone and record.name.is_subdomain(zone)
            for record in _records(self.wire, self.starts[1], self.counts[1])
        )


def read_answer(wire: bytes) -> Answer:
    """Read a message's header and question, and find its sections and its TSIG.

    Raises ``BadAnswer`` or ``dns.exception.DNSException``.
    """
    try:
        _, flags, questions, *counts = struct.unpack_from("!6H", wire)
        question = _question(wire) if questions else b""
        starts = [_HEADER + len(question)]
        for count in counts[:2]:
            starts.append(_skip(wire, starts[-1], count))
        tsig = None
        if counts[2]:
            last = _skip(wire, starts[2], counts[2] - 1)
            tsig = _tsig(wire, last)
            counts[2] -= tsig is not None
    except (IndexError, struct.error) as error:
        raise BadAnswer("it is cut off") from error
    return Answer(
        wire,
        flags,
        question,
        (starts[0], starts[1], starts[2]),
        (counts[0], counts[1], counts[2]),
        tsig,
    )


def _question(wire: bytes) -> bytes:
    """The question in a form that can be compared: its name in lower case."""
    end = _skip_name(wire, _HEADER)
    return wire[_HEADER:end].lower() + wire[end : end + _TYPE_AND_CLASS]


def _skip(wire: bytes, at: int, count: int) -> int:
    """The offset after ``count`` records from ``at``."""
    for _ in range(count):
        at = _skip_name(wire, at)
        at += _OWNER_TO_DATA + int.from_bytes(wire[at + 8 : at + 10])
    return at


def _skip_name(wire: bytes, at: int) -> int:
    while length := wire[at]:
        if length >= _POINTER:
            return at + 2
        at += length + 1
    return at + 1


def _tsig(wire: bytes, at: int) -> Tsig | None:
    header = _skip_name(wire, at)
    rdtype, rdclass, _, size = struct.unpack_from("!HHIH", wire, header)
    if rdtype != TSIG:
        return None
    owner, _ = dns.name.from_wire(wire, at)
    rdata = dns.rdata.from_wire(rdclass, rdtype, wire, header + _OWNER_TO_DATA, size)
    if not isinstance(rdata, dns.rdtypes.ANY.TSIG.TSIG):
        raise BadAnswer("its TSIG is of an unknown class")
    return Tsig(at, owner, rdata)


_Tails = dict[int, tuple[bytes, ...]]
"""Names by the offset where they, or their ends that others point to, stand."""


def _records(
    wire: bytes, at: int, count: int, known: Mapping[int, tuple[bytes, ...]] | None = None
) -> Iterator[Record]:
    """Read ``count`` records from offset ``at``; ``known`` are names by their offsets. Raises ``DNSException``."""
    tails: _Tails = dict(known or {})
    try:
        for _ in range(count):
            labels, at = _labels(wire, at, tails)
            rdtype, rdclass, ttl, size = _FIXED.unpack_from(wire, at)
            at += _OWNER_TO_DATA
            if rdclass == IN:
                # RFC 2181 section 8: a TTL with the highest bit set is taken as 0.
                yield Record(
                    name_of(labels),
                    _type(rdtype),
                    ttl if ttl <= _MAX_TTL else 0,
                    _data(wire, at, size, rdtype, tails),
                )
            at += size
    except (IndexError, struct.error) as error:
        raise _cut_off() from error


def _data(wire: bytes, at: int, size: int, rdtype: int, tails: _Tails) -> bytes:
    """A record's data without compression."""
    end = at + size
    if end > len(wire):
        raise _cut_off()
    if rdtype in WITHOUT_NAMES:
        return wire[at:end]
    if rdtype in ONE_NAME:
        labels, after = _labels(wire, at, tails)
        if after != end:
            raise _cut_off()
        return b"".join([bytes((len(label),)) + label for label in labels])
    return cast("bytes", dns.rdata.from_wire(IN, _type(rdtype), wire, at, size).to_wire())


def _cut_off() -> dns.exception.DNSException:
    return dns.exception.FormError("a record does not end where it should")  # type: ignore[no-untyped-call]


def _labels(wire: bytes, at: int, tails: _Tails) -> tuple[tuple[bytes, ...], int]:
    """The labels of the name at offset ``at``, and the offset after it. Pointers lead back only, so that they end."""
    labels: list[bytes] = []
    ends: list[tuple[int, int]] = []
    first, after = at, 0
    while length := wire[at]:
        if length <= _LONGEST_LABEL:
            labels.append(wire[at + 1 : at + 1 + length])
            at += length + 1
            if len(labels) > _MOST_LABELS:
                raise dns.name.NameTooLong
        elif length >= _POINTER:
            target = int.from_bytes(wire[at : at + 2]) & _OFFSET
            after = after or at + 2
            if (found := tails.get(target)) is not None:
                labels += found
                break
            if target >= first:
                raise dns.name.BadPointer
            ends.append((target, len(labels)))
            first = at = target
        else:
            raise dns.name.BadLabelType
    else:
        labels.append(b"")
        after = after or at + 1
    for target, begin in ends:
        tails[target] = tuple(labels[begin:])
    return tuple(labels), after


_FIXED = struct.Struct("!HHIH")


@cache
def _type(value: int) -> RdataType:
    return RdataType.make(value)
