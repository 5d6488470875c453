"""Who gets what: all guests' wishes and static records side by side, and one decision for each name.

Precedence, in this one place:

1. A static record of type A, AAAA, CNAME, DNAME or NS takes its name from guests, and so does any that is marked as
   reserved; other static types stand beside a guest's addresses. A static PTR takes its name.
2. Of several guests that ask for the same name, MAC or address, one holds it (``rivals``): the first one.
3. The loser is refused, with the winner in the reason.

A change of one guest touches its names, its addresses, and the guests that ask for the same ones; nothing else
is looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import dns.exception
import dns.rdatatype
import dns.reversename
from dns.name import Name
from dns.rdatatype import RdataType

from skulldns.desired.options import Options, options
from skulldns.desired.rivals import Rivals
from skulldns.desired.settings import GuestSettings
from skulldns.desired.wishes import Wishes, reverse_name, wishes
from skulldns.model.assignments import Assignment
from skulldns.model.desired import ZONE_FILE, Decision, Evidence, Farewell, Refusal, Wanted
from skulldns.model.guests import Address, GuestId, IPAddress, SourceName, said
from skulldns.model.policy import Publish
from skulldns.model.presence import Known
from skulldns.model.records import RRset, rrset
from skulldns.model.statics import StaticRecord

_TAKES_NAME = frozenset({RdataType.A, RdataType.AAAA, RdataType.CNAME, RdataType.DNAME, RdataType.NS})


def _takes_name(record: StaticRecord) -> bool:
    return record.reserved or record.rrset.type in _TAKES_NAME


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one guest's wishes: names it holds, addresses it publishes, and what was refused."""

    known: Known
    names: tuple[Name, ...]
    addresses: tuple[Address, ...]
    refusals: tuple[Refusal, ...]
    options: Options = field(default_factory=Options)


class Registry:
    """All wishes and their rivals. Values go in and come out; nothing else happens here.

    ``revision`` counts the changes that went in.
    """

    def __init__(self, settings: Mapping[SourceName, GuestSettings]) -> None:
        self._settings = settings
        self._known: dict[GuestId, Known] = {}
        self._wishes: dict[GuestId, Wishes] = {}
        self._assigned: dict[GuestId, Assignment] = {}
        self._statics: dict[Name, dict[Name, list[StaticRecord]]] = {}
        self.asking = Rivals(self._known, self._wishes)
        self.revision = 0

    def known(self, identity: GuestId) -> Known | None:
        return self._known.get(identity)

    def all_known(self) -> Iterable[Known]:
        return list(self._known.values())

    def settings(self, known: Known) -> GuestSettings | None:
        """The settings of the guest's source; None when the config has no such source any more."""
        return self._settings.get(known.guest.source)

    def put(self, known: Known, now: float) -> tuple[Known, frozenset[Name]]:
        """Take in what is known of a guest; returns it with its ``since`` kept, and the names to decide again."""
        settings = self._settings.get(known.guest.source)
        before = self._wishes.get(known.id, Wishes())
        after = before
        if settings:
            after = wishes(known, settings, options(known.guest, self.assignment(known.id), settings), now)
        previous = self._known.get(known.id, known)
        asked = [
            *(str(name) for name in after.names),
            *(str(address.ip) for address in after.addresses),
            *after.macs,
        ]
        since = {text: known.since.get(text, previous.since.get(text, now)) for text in asked}
        known = replace(known, since=since)
        touched = self._touched(before) | self._touched(after)
        self.asking.replace(known.id, before, after)
        self._known[known.id] = known
        self._wishes[known.id] = after
        self.revision += 1
        return known, frozenset(touched | self._touched(before) | self._touched(after))

    def assign(self, identity: GuestId, assignment: Assignment) -> None:
        """Take in what an admin assigned to a guest; it counts from the next ``put`` of that guest."""
        self._assigned[identity] = assignment

    def assignment(self, identity: GuestId) -> Assignment:
        """What an admin assigned to a guest."""
        return self._assigned.get(identity, Assignment())

    def assigned(self) -> list[GuestId]:
        """The guests to which something is assigned, known or not."""
        return [identity for identity, one in self._assigned.items() if one != Assignment()]

    def forget(self, identity: GuestId) -> frozenset[Name]:
        """Drop a guest that has left for good, and what was assigned to it; returns the names to decide again."""
        before = self._wishes.pop(identity, Wishes())
        touched = self._touched(before)
        self.asking.replace(identity, before, Wishes())
        self._known.pop(identity, None)
        self._assigned.pop(identity, None)
        self.revision += 1
        return frozenset(touched)

    def put_statics(self, zone: Name, records: Iterable[StaticRecord]) -> frozenset[Name]:
        """Take in a zone file's records in place of its former ones; returns the names to decide again."""
        before = self._statics.get(zone, {})
        after: dict[Name, list[StaticRecord]] = defaultdict(list)
        for record in records:
            after[record.rrset.name].append(record)
        self._statics[zone] = dict(after)
        self.revision += 1
        touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        for name in list(touched):
            for identity in self.asking.by_name.get(name, ()):
                touched |= self._touched(self._wishes[identity])
        return frozenset(touched)

    def names(self) -> frozenset[Name]:
        """Every name that anybody asks for."""
        found: set[Name] = {name for zone in self._statics.values() for name in zone}
        for identity, wish in self._wishes.items():
            found |= self._own_names(identity, wish)
        return frozenset(found)

    def decide(self, name: Name) -> Decision:
        """What should be at ``name``."""
        statics = [record for zone in self._statics.values() for record in zone.get(name, ())]
        wanted = [
            Wanted(record.rrset, ZONE_FILE, ZONE_FILE, f"{record.file}:{record.line} has it", alone=False)
            for record in statics
        ]
        if not any(map(_takes_name, statics)):
            wanted += self._guest_records(name, alone=not statics)
        return Decision(name, tuple(wanted))

    def rivals(self, name: Name) -> list[GuestId]:
        """The guests that ask for ``name``, the one that holds it first."""
        return list(self.asking.for_name(name))

    def replaced(self, known: Known) -> bool:
        """Whether the source shows another guest under the very name that ``known`` had there.

        A source has each name once, so this is as good as an announcement that the former guest is gone.
        """
        here = self._wishes.get(known.id, Wishes()).names
        rivals = {rival for name in here for rival in self.asking.by_name.get(name, ())} - {known.id}
        guests = [(self._known[rival].guest, self._known[rival].present) for rival in rivals]
        return any(
            present and (guest.source, guest.name) == (known.guest.source, known.guest.name)
            for guest, present in guests
        )

    def askers(self, name: Name) -> list[GuestId]:
        """The guests that ask for ``name``, those included that asked in words that make no name."""
        if found := self.rivals(name):
            return found
        return sorted(
            known.id
            for known in self._known.values()
            if known.gone_since is None
            and (settings := self.settings(known))
            and name.is_subdomain(settings.zone)
            for text in (known.guest.name, *self._wishes[known.id].options.names)
            if text.lower() == _as_typed(name, settings.zone)
        )

    def wishes(self, identity: GuestId) -> Wishes:
        """What a guest asks for. Raises ``KeyError`` for a guest nobody knows."""
        return self._wishes[identity]

    def verdict(self, identity: GuestId) -> Verdict:
        """What became of one guest's wishes. Raises ``KeyError`` for a guest nobody knows."""
        known, wish = self._known[identity], self._wishes[identity]
        refusals = list(wish.refusals)
        names: list[Name] = []
        for name in wish.names:
            if reason := self._name_taken(name, identity):
                refusals.append(Refusal(f"name {name.to_text(omit_final_dot=True)}", reason))
            else:
                names.append(name)
        addresses: list[Address] = []
        for address in wish.addresses:
            if reason := self._address_taken(address.ip, identity):
                refusals.append(Refusal(f"address {address}", reason))
            else:
                addresses.append(address)
        return Verdict(known, tuple(names), tuple(addresses), tuple(refusals), wish.options)

    def farewell(self, owner: str) -> Farewell:
        """Why records of ``owner`` are not wanted any more."""
        if owner == ZONE_FILE:
            return Farewell("the zone file has it no more", Evidence.UNSEEN)
        known = self._known.get(GuestId(owner))
        if known is None:
            return Farewell("nobody asks for it any more", Evidence.UNSEEN)
        title = known.guest.title
        if self.settings(known) is None:
            return Farewell(f"{known.guest.source} is not in the config any more", Evidence.UNSEEN)
        if known.gone_since is not None:
            if known.witnessed:
                return Farewell(f"guest {title} was undefined", Evidence.ANNOUNCED)
            return Farewell(f"guest {title} is not there any more", Evidence.UNSEEN)
        if not known.present:
            return Farewell(f"guest {title} was not seen", Evidence.UNSEEN)
        if self._wishes[known.id].names:
            return Farewell(f"guest {title} asks for something else now", Evidence.MOVED)
        return Farewell(f"guest {title} has been stopped for long", Evidence.ANNOUNCED)

    # What hangs on what

    def _touched(self, wish: Wishes) -> set[Name]:
        """The names whose decision hangs on ``wish``: its own, and those of guests for whom it matters."""
        touched: set[Name] = set(wish.names)
        for address in wish.addresses:
            for settings in self._settings.values():
                if reverse := reverse_name(address.ip, settings.reverse):
                    touched.add(reverse)
        for rival in self.asking.concerned(wish):
            touched |= self._own_names(rival, self._wishes[rival])
        return touched

    def _own_names(self, identity: GuestId, wish: Wishes) -> set[Name]:
        settings = self._settings.get(self._known[identity].guest.source)
        zones = settings.reverse if settings else ()
        reverse = (reverse_name(address.ip, zones) for address in wish.addresses)
        return {*wish.names, *(name for name in reverse if name)}

    # Decisions

    def _name_taken(self, name: Name, identity: GuestId) -> str | None:
        for zone in self._statics.values():
            for record in zone.get(name, ()):
                if _takes_name(record):
                    return (
                        f"the zone file has it ({record.file}:{record.line}); rename the guest or the record"
                    )
        holder = self.asking.for_name(name)[0]
        return None if holder == identity else f"{self.title(holder)} has it; rename one of the two"

    def _address_taken(self, ip: IPAddress, identity: GuestId) -> str | None:
        if other := self.asking.mac_holder(identity, ip):
            mac = self._wishes[identity].mac_of[ip]
            return f"{self.title(other, identity)} has its MAC {mac} too; give one of the two another"
        holder = self.asking.for_address(ip)[0]
        return (
            None
            if holder == identity
            else f"{self.title(holder, identity)} has it; give one of the two another"
        )

    def title(self, identity: GuestId, beside: GuestId | None = None) -> str:
        """A guest as sentences have it, so that it can be found; ``beside`` a guest of another name, that suffices."""
        guest = self._known[identity].guest
        if beside is not None and self._known[beside].guest.name != guest.name:
            return f"guest {guest.title}"
        return f"guest {guest.title} ({said(identity)}, {guest.source})"

    def _guest_records(self, name: Name, *, alone: bool) -> list[Wanted]:
        if name.is_subdomain(dns.reversename.ipv4_reverse_domain) or name.is_subdomain(
            dns.reversename.ipv6_reverse_domain
        ):
            return self._pointer(name, alone=alone)
        rivals = self.asking.for_name(name)
        if not rivals:
            return []
        holder = rivals[0]
        verdict = self.verdict(holder)
        settings = self._settings[verdict.known.guest.source]
        ips: list[IPAddress] = [address.ip for address in verdict.addresses]
        if ips and verdict.options.publish is Publish.PROXY:
            ips = list(settings.proxy_addresses)
        reason = f"guest {verdict.known.guest.title} of {verdict.known.guest.source}"
        return [
            Wanted(records, holder, verdict.known.guest.source, reason, alone=alone)
            for records in _address_records(name, settings.ttl, ips)
        ]

    def _pointer(self, name: Name, *, alone: bool) -> list[Wanted]:
        ip = _address_of(name)
        rivals = self.asking.for_address(ip) if ip else ()
        if not rivals:
            return []
        holder = rivals[0]
        verdict = self.verdict(holder)
        settings = self._settings[verdict.known.guest.source]
        if not verdict.names or not any(name.is_subdomain(zone) for zone in settings.reverse):
            return []
        target = verdict.names[0].to_text()
        reason = f"guest {verdict.known.guest.title} of {verdict.known.guest.source} has {ip}"
        pointer = rrset(name, dns.rdatatype.PTR, settings.ttl, [target])
        return [Wanted(pointer, holder, verdict.known.guest.source, reason, alone=alone)]


def _address_records(name: Name, ttl: int, ips: list[IPAddress]) -> list[RRset]:
    found = []
    for version, rdtype in ((4, dns.rdatatype.A), (6, dns.rdatatype.AAAA)):
        values = [str(ip) for ip in ips if ip.version == version]
        if values:
            found.append(rrset(name, rdtype, ttl, values))
    return found


def _as_typed(name: Name, zone: Name) -> str:
    """The part of ``name`` below ``zone`` as a person would write it."""
    return ".".join(label.decode(errors="replace") for label in name.relativize(zone).labels)


def _address_of(name: Name) -> IPAddress | None:
    """The address a PTR owner name stands for; None for a name that is not one address."""
    try:
        return ip_address(dns.reversename.to_address(name))
    except (ValueError, dns.exception.DNSException):
        return None
