"""Answers of name servers, read no further than they are asked about.

A transfer is tens of thousands of records, and of a look-up's answer one matters; ``dns.message`` would build
objects for all. Names and data are still read by dnspython.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import dns.flags
import dns.name
import dns.rdata
import dns.rdtypes.ANY.TSIG
import dns.wire
from dns.name import Name
from dns.rcode import Rcode
from dns.rdata import Rdata
from dns.rdataclass import IN
from dns.rdatatype import NS, TSIG, RdataType

from skulldns.model.records import Key, RRset
from skulldns.targets.dnswire.faults import BadAnswer
from skulldns.targets.dnswire.signing import Tsig

_HEADER = 12
_TYPE_AND_CLASS = 4
_OPCODE = 0x7800
_POINTER = 0xC0
_TO_QUESTION = b"\xc0\x0c"
_OWNER_TO_DATA = 10
_MAX_TTL = 0x7FFF_FFFF


class Record(NamedTuple):
    """One record of a message."""

    name: Name
    type: RdataType
    ttl: int
    rdata: Rdata


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
        names = {_TO_QUESTION: key.name} if self.question else {}
        records = list(_records(self.wire, self.starts[0], self.counts[0], names))
        if not self.authoritative:
            records += _records(self.wire, self.starts[1], self.counts[1])
            records += _records(self.wire, self.starts[2], self.counts[2])
        found = [record for record in records if record.type == key.type and record.name == key.name]
        if not found:
            return None
        return RRset(key.name, key.type, found[0].ttl, frozenset(record.rdata for record in found))

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


def _records(
    wire: bytes, start: int, count: int, known: Mapping[bytes, Name] | None = None
) -> Iterator[Record]:
    """Read ``count`` records from offset ``start``; ``known`` are names by the pointers to them."""
    parser = dns.wire.Parser(wire, start)
    names = dict(known or {})
    for _ in range(count):
        pointer = wire[parser.current : parser.current + 2]
        name = names.get(pointer)
        if name is not None:
            parser.seek(parser.current + 2)
        else:
            name = dns.name.from_wire_parser(parser)
            if pointer[0] >= _POINTER:
                names[pointer] = name
        rdtype, rdclass, ttl, size = parser.get_struct("!HHIH")
        if rdclass != IN:
            parser.seek(parser.current + size)
            continue
        with parser.restrict_to(size):
            rdata = dns.rdata.from_wire_parser(IN, rdtype, parser)
        # RFC 2181 section 8: a TTL with the highest bit set is taken as 0.
        yield Record(name, rdata.rdtype, ttl if ttl <= _MAX_TTL else 0, rdata)
