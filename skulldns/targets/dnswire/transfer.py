"""Zone transfers (AXFR, RFC 5936; IXFR, RFC 1995), taken record by record."""

from collections.abc import Iterable, Mapping
from typing import cast

from dns.name import Name
from dns.rdatatype import RdataType
from dns.serial import Serial

from skulldns.model.interned import canonical, data_of, wires_of
from skulldns.model.records import Key, RRset
from skulldns.targets.dnswire.answers import Record
from skulldns.targets.dnswire.faults import BadAnswer

DNSSEC_OWN = frozenset(
    {
        RdataType.RRSIG,
        RdataType.NSEC,
        RdataType.NSEC3,
        RdataType.NSEC3PARAM,
        RdataType.DNSKEY,
        RdataType.CDS,
        RdataType.CDNSKEY,
        RdataType.make(65534),
    }
)
"""What a signing server makes by itself (RFC 4034, 5155, 7344; 65534 is BIND's note of its progress).

They change without anybody's request and nobody publishes them through us, so they are no part of what is
compared. DS is not among them: a parent's operator writes it.
"""

_Data = dict[bytes, tuple[bytes, int]]
"""By canonical form: the data on the wire, and their TTL."""

_SERIAL = slice(-20, -16)
"""Where an SOA's data have the serial (RFC 1035 section 3.3.13)."""


class Transfer:
    """One transfer of ``zone`` from a server, all of it or what changed since a base.

    After the last record ``serial`` is the zone's, and one of these holds: ``current`` (the server has
    nothing newer than the base), ``incremental`` (``changed`` has the RRsets) or neither (``rrsets`` is the
    whole zone).
    """

    def __init__(self, zone: Name, base: tuple[int, Mapping[Key, RRset]] | None = None) -> None:
        self._zone = zone
        self._base_serial = base[0] if base else None
        self._base = base[1] if base else {}
        self._at = self._base_serial
        self._started = False
        self._deleting = False
        self._rrsets: dict[Key, RRset | None] = {}
        self._key: Key | None = None
        self._data: _Data = {}
        self.serial = 0
        self.done = False
        self.incremental: bool | None = None if base else False
        self.exact = True
        """False when something was deleted that the base lacks: the base is not what the server had."""

    @property
    def current(self) -> bool:
        return self.done and self.incremental is None

    def take(self, records: Iterable[Record]) -> None:
        """Take the records of the next message; raises ``BadAnswer`` when they make no transfer."""
        for record in records:
            if self.done:
                raise BadAnswer("records after the end of the transfer")
            soa = self._soa(record)
            if not self._started:
                self._start(soa)
                continue
            if self.incremental is None:
                self.incremental = soa == self._base_serial
            if soa is None:
                self._put(record)
            elif self.incremental:
                self._step(soa)
            elif soa == self.serial:
                self.done = True
            else:
                raise BadAnswer("the serial changed during the transfer")

    @property
    def rrsets(self) -> dict[Key, RRset]:
        """The whole zone, once it has been transferred."""
        self._close()
        return cast("dict[Key, RRset]", self._rrsets)  # nothing is deleted in a whole zone

    @property
    def changed(self) -> dict[Key, RRset | None]:
        """The new RRset of each key that an incremental transfer touched, None where nothing is left."""
        self._close()
        return self._rrsets

    def _soa(self, record: Record) -> int | None:
        if record.type == RdataType.SOA and record.name == self._zone:
            return int.from_bytes(record.wire[_SERIAL])
        return None

    def _start(self, soa: int | None) -> None:
        if soa is None:
            raise BadAnswer("a transfer starts with the zone's SOA")
        self._started = True
        self.serial = soa
        if self._base_serial is not None:
            self.done = not Serial(soa) > Serial(self._base_serial)

    def _step(self, soa: int) -> None:
        """Take an SOA between deletions from the serial we are at and additions up to the next."""
        if self._deleting:
            self._deleting = False
            self._at = soa
        elif soa == self._at == self.serial:
            self.done = True
        elif soa == self._at:
            self._deleting = True
        else:
            raise BadAnswer("an incremental transfer leaves out a serial")

    def _holds(self, name: Name) -> bool:
        """Whether ``name`` is in the zone; names in the zone's own spelling, nearly all, are told quickly."""
        labels = self._zone.labels
        return name.labels[-len(labels) :] == labels or name.is_subdomain(self._zone)

    def _put(self, record: Record) -> None:
        if record.type in DNSSEC_OWN or not self._holds(record.name):
            return
        if self._key is None or record.type != self._key.type or record.name != self._key.name:
            self._close()
            self._open(Key(record.name, record.type))
        same = canonical(record.type, record.wire)
        if self._deleting:
            self.exact = self._data.pop(same, None) is not None and self.exact
        else:
            self._data[same] = record.wire, record.ttl

    def _open(self, key: Key) -> None:
        """Begin with the records of an RRset, or go on with them."""
        base = self._base if self.incremental else {}
        old = self._rrsets[key] if key in self._rrsets else base.get(key)
        self._key, self._data = key, {}
        if old is not None:
            wires = wires_of(old.type, old.data)
            self._data = {canonical(key.type, wire): (wire, old.ttl) for wire in wires}

    def _close(self) -> None:
        """Make an RRset of the records at hand: servers send those of one together, and loose ones take much memory."""
        if self._key is not None:
            found = _rrset(self._key, self._data) if self._data else None
            self._rrsets[found.key if found else self._key] = found
            self._key = None


def difference(old: Mapping[Key, RRset], new: Mapping[Key, RRset]) -> dict[Key, RRset | None]:
    """The new RRset of each key that differs, None where it is gone."""
    changed: dict[Key, RRset | None] = {key: rrset for key, rrset in new.items() if old.get(key) != rrset}
    changed.update((key, None) for key in old if key not in new)
    return changed


def _rrset(key: Key, data: Mapping[bytes, tuple[bytes, int]]) -> RRset:
    pairs = data.values()
    return RRset(
        key.name, key.type, min(ttl for _, ttl in pairs), data_of(key.type, [wire for wire, _ in pairs])
    )
