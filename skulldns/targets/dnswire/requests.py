"""RFC 2136 updates and the few other DNS requests we make, compiled to unsigned bytes with id 0.

We write records ourselves rather than through ``dns.update``: the size of a message is then a sum, known
before the message is put together, and 1,000 records cost a few milliseconds. Every owner name ends in a
pointer to the zone's name, which always stands at offset 12 (RFC 1035 section 4.1.4).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import cast

import dns.flags
import dns.opcode
from dns.name import Name
from dns.rdata import Rdata
from dns.rdataclass import ANY, IN, NONE
from dns.rdatatype import ANY as ANY_TYPE
from dns.rdatatype import NS, SOA, RdataType

from skulldns.errors import Refused
from skulldns.model.byvalue import is_by_value
from skulldns.model.changes import LARGE, Change, are_large
from skulldns.model.interned import wires_of
from skulldns.model.records import Key, RRset

UPDATE_LIMIT = 65_535 - 512
"""Bytes of an unsigned UPDATE: a message over TCP (RFC 1035 section 4.2.2) less room for any TSIG."""

_HEADER_SIZE = 12
_FIXED_SIZE = 10
"""Bytes of a record besides its owner's name and its data (RFC 1035 section 3.2.1)."""

_ZONE_POINTER = b"\xc0\x0c"


@dataclass(slots=True)
class _Records:
    """The records of an UPDATE, by section; deletions stand before additions."""

    prerequisites: list[bytes] = field(default_factory=list)
    deletions: list[bytes] = field(default_factory=list)
    additions: list[bytes] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(map(len, self.prerequisites + self.deletions + self.additions))


def batches(zone: Name, changes: Iterable[Change], limit: int = UPDATE_LIMIT) -> list[tuple[Change, ...]]:
    """Cut ``changes`` into as few messages of at most ``limit`` bytes as their order allows.

    All changes of one name stay together. Names with deletions come first, else the order is as given. A name
    for which a server may need long, or that ``update`` will refuse, has a batch of its own, at the end, so that
    it stops no other.
    """
    room = limit - _HEADER_SIZE - len(_zone_section(zone))
    sized: list[tuple[Sequence[Change], int, bool]] = []
    alone: list[tuple[Change, ...]] = []
    for same_name in _by_name(changes):
        try:
            size, deletes = _measured(zone, same_name)
        except Refused:
            alone.append(tuple(same_name))
            continue
        if size > room or (size > LARGE and are_large(same_name)):
            alone.append(tuple(same_name))
        else:
            sized.append((same_name, size, deletes))
    sized.sort(key=lambda entry: not entry[2])
    parts: list[list[Change]] = []
    left = 0
    for same_name, size, _ in sized:
        if size > left:
            parts.append([])
            left = room
        parts[-1] += same_name
        left -= size
    return [*map(tuple, parts), *alone]


def update(zone: Name, batch: Iterable[Change], limit: int = UPDATE_LIMIT) -> bytes:
    """Compile the changes of one batch into an UPDATE of at most ``limit`` bytes, deletions first.

    Each change carries what it expects to find as prerequisites (RFC 2136 section 2.4):

    * an ADD: that no such RRset exists, or, with ``alone``, that its name is not in use; where another change
      expects an RRset at the name, that cannot hold, and ``alone`` asks for no more than the rest;
    * a REPLACE or DELETE: that the RRset holds exactly the data of ``before`` (TTLs are not compared);
    * what several writers fill (``is_by_value``): nothing, since others' values may come and go there.

    Data are deleted by value (section 2.5.4), so that nothing is removed that was not expected; more than ``LARGE``
    at once as an RRset (section 2.5.2), since the message would not hold them twice. An empty
    batch makes an UPDATE that asks for nothing.

    Raises ``Refused`` for a name outside ``zone``, for what servers ignore (changing the SOA, deleting all
    apex NS), and for more than one message holds.
    """
    names = list(_by_name(batch))
    compiled = [_compile(zone, same_name) for same_name in names]
    wire = _message(
        dns.opcode.UPDATE,
        0,
        [_zone_section(zone)],
        [rr for records in compiled for rr in records.prerequisites],
        [rr for records in compiled for rr in records.deletions]
        + [rr for records in compiled for rr in records.additions],
        [],
    )
    if len(wire) > limit:
        shown = _text(names[0][0].name) + f" and {len(names) - 1} more" * (len(names) > 1)
        raise Refused(
            f"the changes of {shown} take {len(wire):,} bytes, but one update holds {limit:,}",
            cure="give the name fewer or shorter records",
        )
    return wire


def add_values(zone: Name, values: RRset) -> bytes:
    """An UPDATE that adds data to whatever the RRset holds (RFC 2136 section 2.5.1); raises like ``update``."""
    owner = _owner(zone, values.name)
    records = [_rr(owner, values.type, IN, values.ttl, rdata) for rdata in _wires(values)]
    return _message(dns.opcode.UPDATE, 0, [_zone_section(zone)], [], records, [])


def delete_values(zone: Name, values: RRset) -> bytes:
    """An UPDATE that deletes these data and no others (RFC 2136 section 2.5.4); raises like ``update``."""
    owner = _owner(zone, values.name)
    records = [_rr(owner, values.type, NONE, 0, rdata) for rdata in _wires(values)]
    return _message(dns.opcode.UPDATE, 0, [_zone_section(zone)], [], records, [])


def query(key: Key) -> bytes:
    """An iterative query for one RRset."""
    return _message(dns.opcode.QUERY, 0, [_wire(key.name) + pack("!HH", key.type, IN)], [], [], [])


def transfer_query(zone: Name, since: int | None = None) -> bytes:
    """An AXFR query (RFC 5936), or an IXFR query (RFC 1995) from serial ``since``."""
    if since is None:
        return query(Key(zone, RdataType.AXFR))
    question = _wire(zone) + pack("!HH", RdataType.IXFR, IN)
    return _message(dns.opcode.QUERY, 0, [question], [], [_soa(since)], [])


def notify(zone: Name, serial: int | None = None) -> bytes:
    """A NOTIFY (RFC 1996) of the zone's SOA, with ``serial`` as a hint when it is known (section 3.7)."""
    hint = [_soa(serial)] if serial is not None else []
    return _message(dns.opcode.NOTIFY, dns.flags.AA, [_zone_section(zone)], hint, [], [])


def _by_name(changes: Iterable[Change]) -> Iterable[Sequence[Change]]:
    names: dict[Name, list[Change]] = {}
    for change in changes:
        names.setdefault(change.name, []).append(change)
    return names.values()


def _measured(zone: Name, changes: Sequence[Change]) -> tuple[int, bool]:
    """How many bytes the records of the changes of one name take, and whether there are deletions among them."""
    if len(changes) == 1 and _is_new(zone, changes[0]):
        added = wires_of(changes[0].key.type, cast("RRset", changes[0].after).data)
        fixed = len(_owner(zone, changes[0].name)) + _FIXED_SIZE
        return fixed * (1 + len(added)) + sum(map(len, added)), False
    records = _compile(zone, changes)
    return records.size, bool(records.deletions)


def _is_new(zone: Name, change: Change) -> bool:
    """Whether it makes an RRset that nothing of is there, as most changes of a new zone do."""
    return (
        change.before is None
        and change.after is not None
        and change.name != zone
        and not is_by_value(change.key)
    )


def _compile(zone: Name, changes: Sequence[Change]) -> _Records:
    """The records of the changes of one name."""
    name = changes[0].name
    owner = _owner(zone, name)
    records = _Records()
    expected = any(change.before for change in changes)
    unused = not expected and any(change.alone for change in changes)
    if unused:
        records.prerequisites.append(_rr(owner, ANY_TYPE, NONE))
    for change in changes:
        rdtype = change.key.type
        if change.after is not None and _is_new(zone, change):  # what follows gives the same
            if not unused:
                records.prerequisites.append(_rr(owner, rdtype, NONE))
            ttl = change.after.ttl
            records.additions += [_rr(owner, rdtype, IN, ttl, rdata) for rdata in _wires(change.after)]
            continue
        before, after = _wires(change.before), _wires(change.after)
        if is_by_value(change.key):
            pass
        elif change.before:
            records.prerequisites += [_rr(owner, rdtype, IN, 0, rdata) for rdata in before]
        elif not unused:
            records.prerequisites.append(_rr(owner, rdtype, NONE))
        if change.after is None and len(before) > LARGE and not is_by_value(change.key):
            deletions = [_rr(owner, rdtype, ANY)]  # the prerequisites say that these are all
        else:
            deletions = [_rr(owner, rdtype, NONE, 0, rdata) for rdata in before if rdata not in after]
        additions = [_rr(owner, rdtype, IN, ttl, rdata) for ttl, rdata in _fresh(change, before, after)]
        if name == zone and rdtype in {NS, SOA}:
            _check_apex(zone, change)
            # A server keeps the last apex NS (RFC 2136 section 3.4.2.4), so the new ones come before.
            records.deletions += additions + deletions
        else:
            # Knot ignores a record that is there with another TTL (against section 3.4.2.2), but one that is new
            # gives its TTL to the others: so one is made new. Not at the apex, where PowerDNS deletes last.
            kept = [rdata for rdata in before if rdata in after]
            renewed = [_rr(owner, rdtype, NONE, 0, rdata) for rdata in kept[: _retimed(change)]]
            records.deletions += renewed + deletions
            records.additions += additions
    return records


def _fresh(change: Change, before: Sequence[bytes], after: Sequence[bytes]) -> Iterable[tuple[int, bytes]]:
    """What is to be added: with a new TTL everything, since an equal record is replaced (section 3.4.2.2)."""
    if change.after is None:
        return
    kept = () if change.before is None or _retimed(change) else before
    for rdata in after:
        if rdata not in kept:
            yield change.after.ttl, rdata


def _retimed(change: Change) -> bool:
    return bool(change.before and change.after and change.before.ttl != change.after.ttl)


def _check_apex(zone: Name, change: Change) -> None:
    if change.key.type == SOA:
        raise Refused(f"the SOA of {_text(zone)} belongs to its primary", cure="leave it out of the changes")
    if change.after is None:
        raise Refused(f"{_text(zone)} would be left without NS records", cure="keep at least one at the apex")


def _wires(rrset: RRset | None) -> list[bytes]:
    """The data in wire format, sorted so that equal changes give equal messages."""
    return list(wires_of(rrset.type, rrset.data)) if rrset else []


def _wire(part: Name | Rdata) -> bytes:
    return cast("bytes", part.to_wire())  # it answers None only when it is given a file to write to


def _owner(zone: Name, name: Name) -> bytes:
    if name.labels[-len(zone.labels) :] != zone.labels and not name.is_subdomain(zone):
        raise Refused(f"{_text(name)} is not in the zone {_text(zone)}", cure="use a name under the zone's")
    labels = name.labels[: len(name.labels) - len(zone.labels)]
    return b"".join([bytes((len(label),)) + label for label in labels]) + _ZONE_POINTER


def _rr(owner: bytes, rdtype: int, rdclass: int, ttl: int = 0, rdata: bytes = b"") -> bytes:
    return owner + pack("!HHIH", rdtype, rdclass, ttl, len(rdata)) + rdata


def _zone_section(zone: Name) -> bytes:
    return _wire(zone) + pack("!HH", SOA, IN)


def _soa(serial: int) -> bytes:
    """The question's SOA where only the serial counts; its names are the root's."""
    return _rr(_ZONE_POINTER, SOA, IN, 0, b"\0\0" + pack("!5I", serial, 0, 0, 0, 0))


def _message(opcode: int, flags: int, *sections: Sequence[bytes]) -> bytes:
    counts = [len(section) for section in sections]
    header = pack("!6H", 0, dns.opcode.to_flags(dns.opcode.Opcode(opcode)) | flags, *counts)
    return header + b"".join([rr for section in sections for rr in section])


def _text(name: Name) -> str:
    return name.to_text(omit_final_dot=True)
