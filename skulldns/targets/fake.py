"""A name server in memory that keeps the contract of ``NameServer``, with faults on command.

It reads the very UPDATE messages that a real server gets, and treats them as RFC 2136 section 3 and BIND do.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.update
from dns.name import Name
from dns.rcode import Rcode
from dns.rdataclass import ANY, NONE
from dns.rdatatype import CNAME, NS, RdataType

from skulldns.errors import OutcomeUnknown, Unavailable
from skulldns.model.changes import Change
from skulldns.model.records import Key, RRset
from skulldns.targets.dnswire import refusals, requests
from skulldns.targets.dnswire.refusals import Purpose
from skulldns.targets.dnswire.transfer import difference
from skulldns.targets.protocol import ZoneDelta, ZoneImage


class FakeZone:
    """A zone's data as its primary has them."""

    def __init__(self, name: Name, rrsets: Iterable[RRset] = (), serial: int = 1) -> None:
        self.name = name
        self.serial = serial
        self._nodes: dict[Name, dict[RdataType, RRset]] = {}
        for rrset in rrsets:
            self._set(rrset)

    @property
    def rrsets(self) -> dict[Key, RRset]:
        """All RRsets as they are now."""
        return {rrset.key: rrset for node in self._nodes.values() for rrset in node.values()}

    def put(self, *rrsets: RRset) -> None:
        """Set RRsets as somebody else would."""
        for rrset in rrsets:
            self._set(rrset)
        self.serial += 1

    def drop(self, *keys: Key) -> None:
        """Delete RRsets as somebody else would."""
        for key in keys:
            self._remove(key)
        self.serial += 1

    def image(self) -> ZoneImage:
        """The zone as it is now."""
        return ZoneImage(self.serial, self.rrsets)

    def apply(self, message: dns.update.UpdateMessage) -> Rcode:
        """Make an UPDATE as a whole, or answer which prerequisite is not met."""
        failed = self._check(message.prerequisite)
        if failed != dns.rcode.NOERROR:
            return failed
        changed = [
            self._delete(record) if record.deleting is not None else self._add(record)
            for record in message.update
        ]
        self.serial += any(changed)
        return dns.rcode.NOERROR

    def _check(self, prerequisites: Iterable[dns.rrset.RRset]) -> Rcode:
        """Sections 2.4 and 3.2; only the kinds that we send."""
        expected: dict[Key, set[dns.rdata.Rdata]] = {}
        for record in prerequisites:
            key = Key(record.name, record.rdtype)
            if record.deleting == NONE and record.rdtype == dns.rdatatype.ANY:
                if record.name in self._nodes:
                    return dns.rcode.YXDOMAIN
            elif record.deleting == NONE:
                if self._get(key):
                    return dns.rcode.YXRRSET
            else:
                expected.setdefault(key, set()).update(record)
        for key, data in expected.items():
            found = self._get(key)
            if found is None or found.data != data:
                return dns.rcode.NXRRSET
        return dns.rcode.NOERROR

    def _add(self, record: dns.rrset.RRset) -> bool:
        key = Key(record.name, record.rdtype)
        others = self._nodes.get(key.name, {}).keys() - {key.type}
        if CNAME in others or (key.type == CNAME and others):
            return False  # ignored, with NOERROR (section 3.4.2.2)
        old = self._get(key)
        kept = old.data if old and key.type != CNAME else frozenset()
        # BIND gives the whole RRset the new TTL.
        new = RRset(key.name, key.type, record.ttl, kept | frozenset(record))
        self._set(new)
        return new != old

    def _delete(self, record: dns.rrset.RRset) -> bool:
        key = Key(record.name, record.rdtype)
        old = self._get(key)
        whole = record.deleting == ANY  # section 2.5.2
        if old is None or (not whole and old.data.isdisjoint(record)):
            return False
        left = frozenset() if whole else old.data - frozenset(record)
        if left:
            self._set(RRset(key.name, key.type, old.ttl, left))
            return True
        if key == Key(self.name, NS):
            return False  # the last apex NS stays (section 3.4.2.4)
        self._remove(key)
        return True

    def _get(self, key: Key) -> RRset | None:
        return self._nodes.get(key.name, {}).get(key.type)

    def _set(self, rrset: RRset) -> None:
        self._nodes.setdefault(rrset.name, {})[rrset.type] = rrset

    def _remove(self, key: Key) -> None:
        node = self._nodes[key.name]
        del node[key.type]
        if not node:
            del self._nodes[key.name]


class FakeNameServer:
    """A primary of ``zone``, or with ``secondary`` a server that copies it when it is notified.

    Faults, all of which can be changed at any time:

    * ``down``: no answer to anything;
    * ``frozen``: every update is refused;
    * ``lagging``: a secondary takes note of NOTIFY but transfers nothing until ``transfer``;
    * ``lost_answers``: how many of the next updates are made without an answer;
    * ``unanswered``: names whose updates are neither made nor answered, as by a server that needs too long;
    * ``refused``: names whose changes the policy denies; ``failing``: names that get SERVFAIL.

    ``messages`` counts what was asked: ``query``, ``transfer``, ``update``, ``notify``.
    """

    def __init__(self, zone: FakeZone, where: str = "192.0.2.53:53", *, secondary: bool = False) -> None:
        self._zone = zone
        self._where = where
        self._copy = zone.image() if secondary else None
        self.down = False
        self.frozen = False
        self.lagging = False
        self.lost_answers = 0
        self.unanswered: set[Name] = set()
        self.refused: set[Name] = set()
        self.failing: set[Name] = set()
        self.messages: Counter[str] = Counter()

    @property
    def where(self) -> str:
        return self._where

    def serial(self) -> int:
        self._asked("query")
        return self._image().serial

    def read(self) -> ZoneImage:
        self._asked("transfer")
        return self._image()

    def read_since(self, base: ZoneImage) -> ZoneDelta:
        self._asked("transfer")
        image = self._image()
        if image.serial == base.serial:
            return ZoneDelta(base.serial, {})
        return ZoneDelta(image.serial, difference(base.rrsets, image.rrsets))

    def lookup(self, keys: Iterable[Key]) -> Mapping[Key, RRset | None]:
        rrsets = self._image().rrsets
        found: dict[Key, RRset | None] = {}
        asked = list(dict.fromkeys(keys))
        for key in asked:
            self._asked("query")
            if key.name in self.failing:
                continue
            found[key] = _answer(key, rrsets, self._zone.name)
        if asked and not found:
            raise refusals.refusal(Purpose.QUERY, dns.rcode.SERVFAIL, self._zone.name, self._where)
        return found

    def batches(self, changes: Sequence[Change]) -> Sequence[Sequence[Change]]:
        return requests.batches(self._zone.name, changes)

    def update(self, batch: Sequence[Change], following: Sequence[Change] = ()) -> None:  # noqa: ARG002 - it is quick
        self._take_update(requests.update(self._zone.name, batch), [change.name for change in batch])

    def add(self, values: RRset) -> None:
        self._take_update(requests.add_values(self._zone.name, values), [values.name])

    def remove(self, values: RRset) -> None:
        self._take_update(requests.delete_values(self._zone.name, values), [values.name])

    def notify(self, serial: int | None = None) -> None:  # noqa: ARG002 - only a hint
        self._asked("notify")
        if not self.lagging:
            self.transfer()

    def transfer(self) -> None:
        """Bring a secondary up to date; like a real one, it takes no serial that went backwards."""
        if self._copy and self._zone.serial > self._copy.serial:
            self._copy = self._zone.image()

    def twin(self) -> "FakeNameServer":
        return self

    def close(self) -> None:
        """Nothing is open."""

    def _take_update(self, wire: bytes, names: Sequence[Name]) -> None:
        message = cast("dns.update.UpdateMessage", dns.message.from_wire(wire))  # its opcode says so
        self._asked("update")
        refused = [name.to_text(omit_final_dot=True) for name in names if name in self.refused]
        if refused:
            raise refusals.changes_refused(refused, self._zone.name, self._where)
        silent = not self.unanswered.isdisjoint(names)
        rcode = dns.rcode.NOERROR if silent else self._apply(message)
        if self.lost_answers or silent:
            self.lost_answers -= not silent
            raise OutcomeUnknown(
                "an update was sent, but its answer was lost", where=self._where, cure="read back"
            )
        if rcode != dns.rcode.NOERROR:
            raise refusals.refusal(Purpose.UPDATE, rcode, self._zone.name, self._where)

    def _apply(self, message: dns.update.UpdateMessage) -> Rcode:
        if self._copy:
            return dns.rcode.REFUSED  # as BIND does, which could forward it
        return dns.rcode.REFUSED if self.frozen else self._zone.apply(message)

    def _image(self) -> ZoneImage:
        return self._copy or self._zone.image()

    def _asked(self, kind: str) -> None:
        self.messages[kind] += 1
        if self.down:
            raise Unavailable("nothing listens there", where=self._where, cure="start the name server")


def _answer(key: Key, rrsets: Mapping[Key, RRset], zone: Name) -> RRset | None:
    """What a client gets; a wildcard stands below the closest name that exists (RFC 4592 section 3.3)."""
    found = rrsets.get(key)
    if found or not any(there.name.is_wild() for there in rrsets) or _exists(key.name, rrsets):
        return found
    above = key.name
    while above != zone:
        above = above.parent()
        if _exists(above, rrsets):
            break
    found = rrsets.get(Key(Name((b"*", *above.labels)), key.type))
    return RRset(key.name, key.type, found.ttl, found.data) if found else None


def _exists(name: Name, rrsets: Mapping[Key, RRset]) -> bool:
    """Whether there is data at the name or below it."""
    return any(key.name.is_subdomain(name) for key in rrsets)
