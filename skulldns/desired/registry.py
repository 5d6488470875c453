"""Who gets what: all guests' wishes and static records side by side, and one decision for each name.

Precedence, in this one place:

1. A static record of type A, AAAA, CNAME, DNAME or NS takes its name from guests, and so does any that is marked as
   reserved; other static types stand beside a guest's addresses. A static PTR takes its name. A record for one view
   does so in that view only, a reserved one in all.
2. A member's claim takes its name from guests: it was granted while no guest had the name.
3. Of several guests that ask for the same name, MAC or address, one holds it (``rivals``): the first one.
4. The loser is refused, with the winner in the reason.

A change of one guest touches its names, its addresses, the claims that lead to it, and the guests that ask for the same
ones; nothing else is looked at.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import dns.rdatatype
from dns.name import Name

from skulldns.desired import claimed
from skulldns.desired.claimed import CLAIMS, Claimed
from skulldns.desired.options import Options, options
from skulldns.desired.publishing import address_records, published
from skulldns.desired.reverse import ReverseZones, address_of, is_reverse
from skulldns.desired.rivals import Rivals
from skulldns.desired.settings import ClaimSettings, GuestSettings
from skulldns.desired.statics import Statics
from skulldns.desired.wishes import Wishes, wishes
from skulldns.model.assignments import Assignment
from skulldns.model.claims import Claim, GuestTarget
from skulldns.model.desired import ZONE_FILE, Decision, Refusal, Wanted
from skulldns.model.guests import Address, GuestId, IPAddress, SourceName, said
from skulldns.model.policy import Publish
from skulldns.model.presence import Known
from skulldns.model.records import rrset
from skulldns.model.statics import StaticRecord


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

    def __init__(
        self,
        settings: Mapping[SourceName, GuestSettings],
        claim_settings: ClaimSettings = ClaimSettings(),  # noqa: B008 - a frozen value
    ) -> None:
        self._settings = settings
        self.claim_settings = claim_settings
        self.claims = Claimed()
        self._known: dict[GuestId, Known] = {}
        self._wishes: dict[GuestId, Wishes] = {}
        self._assigned: dict[GuestId, Assignment] = {}
        self._statics = Statics()
        self._reverse = self._reverse_zones()
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
        touched |= self._touched(before) | self._touched(after) | self.claims.leading_to(known.id)
        return known, frozenset(touched)

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
        touched = self._touched(before) | self.claims.leading_to(identity)
        self.asking.replace(identity, before, Wishes())
        self._known.pop(identity, None)
        self._assigned.pop(identity, None)
        self.revision += 1
        return frozenset(touched)

    def put_claim(self, claim: Claim) -> frozenset[Name]:
        """Take in a claim as it is now; returns the names to decide again."""
        touched = self.claims.put(claim)
        self.revision += 1
        for name in list(touched):
            for identity in self.asking.by_name.get(name, ()):
                touched |= self._touched(self._wishes[identity])
        return frozenset(touched)

    def put_statics(self, zone: Name, records: Iterable[StaticRecord]) -> frozenset[Name]:
        """Take in a zone file's records in place of its former ones; returns the names to decide again."""
        touched = self._statics.put(zone, records)
        self._reverse = self._reverse_zones()
        self.revision += 1
        for name in list(touched) if is_reverse(zone) else ():
            if ip := address_of(name):
                touched |= set(self._reverse.names(ip))
        for name in list(touched):
            for identity in self.asking.by_name.get(name, ()):
                touched |= self._touched(self._wishes[identity])
        return frozenset(touched)

    def has_static(self, name: Name) -> bool:
        """Whether a zone file has something at ``name``, in whatever view."""
        return self._statics.has(name)

    def names(self) -> frozenset[Name]:
        """Every name that anybody asks for."""
        found = self._statics.names()
        for name in list(filter(is_reverse, found)):
            if ip := address_of(name):
                found |= set(self._reverse.names(ip))
        for wish in self._wishes.values():
            found |= self._own_names(wish)
        return frozenset(found | self.claims.names())

    def decide(self, name: Name, view: str | None = None) -> Decision:
        """What should be at ``name``, in this view where its zone has views."""
        statics, taking = self._statics.at(name, view)
        wanted = [
            Wanted(record.rrset, ZONE_FILE, ZONE_FILE, f"{record.file}:{record.line} has it", alone=False)
            for record in statics
        ]
        if taking is None:
            wanted += self._other_records(name, view, alone=not statics)
        return Decision(name, tuple(_side_by_side(wanted)))

    def rivals(self, name: Name) -> list[GuestId]:
        """The guests that ask for ``name``, the one that holds it first."""
        return list(self.asking.for_name(name))

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

    def guest_of(self, claim: Claim) -> Verdict | None:
        """The guest that a claim leads to, as long as it is its member's."""
        if not isinstance(claim.target, GuestTarget) or claim.target.guest not in self._known:
            return None
        verdict = self.verdict(claim.target.guest)
        return verdict if verdict.options.owner == claim.member else None

    # What hangs on what

    def _touched(self, wish: Wishes) -> set[Name]:
        """The names whose decision hangs on ``wish``: its own, and those of guests for whom it matters."""
        touched: set[Name] = set(wish.names)
        for address in wish.addresses:
            touched |= set(self._reverse.names(address.ip))
        for rival in self.asking.concerned(wish):
            touched |= self._own_names(self._wishes[rival])
        return touched

    def _own_names(self, wish: Wishes) -> set[Name]:
        reverse = (name for address in wish.addresses for name in self._reverse.names(address.ip))
        return {*wish.names, *reverse}

    def _reverse_zones(self) -> ReverseZones:
        guests = (zone for settings in self._settings.values() for zone in settings.reverse)
        return ReverseZones([*guests, *filter(is_reverse, self._statics.zones())])

    # Decisions

    def _name_taken(self, name: Name, identity: GuestId) -> str | None:
        settings = self._settings.get(self._known[identity].guest.source)
        views = list(settings.views) if settings else []
        taking = [self._statics.at(name, view).taking for view in views or (None,)]
        if all(taking) and (record := taking[0]):
            return f"the zone file has it ({record.file}:{record.line}); rename the guest or the record"
        if claim := next(self.claims.near(name), None):
            return f"it is {claim.member}'s claim; rename the guest, or release the claim"
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

    def _other_records(self, name: Name, view: str | None, *, alone: bool) -> list[Wanted]:
        """What others than zone files want at ``name``."""
        if not is_reverse(name):
            claims = list(self.claims.near(name))
            if claims:
                return [
                    want for claim in claims for want in self._claim_records(claim, name, view, alone=alone)
                ]
            return self._guest_records(name, view, alone=alone)
        ip = address_of(name)
        if ip is None:
            return []
        if name == self._reverse.alias(ip):
            return self._alias(name, self._reverse.pointer(ip), view, alone=alone)
        return self._pointer(name, ip, view, alone=alone)

    def _claim_records(self, claim: Claim, name: Name, view: str | None, *, alone: bool) -> list[Wanted]:
        verdict = self.guest_of(claim)
        guest = None if verdict is None else [address.ip for address in verdict.addresses]
        owner, reason = claimed.owner_of(claim), claimed.title(claim)
        return [
            Wanted(records, owner, CLAIMS, reason, alone=alone)
            for records in claimed.claim_records(claim, name, view, self.claim_settings, guest)
        ]

    def _guest_records(self, name: Name, view: str | None, *, alone: bool) -> list[Wanted]:
        rivals = self.asking.for_name(name)
        if not rivals:
            return []
        holder = rivals[0]
        verdict = self.verdict(holder)
        settings = self._settings[verdict.known.guest.source]
        own = [address.ip for address in verdict.addresses]
        ips = published(verdict.options.publish, view, own, settings.proxy_addresses)
        reason = f"guest {verdict.known.guest.title} of {verdict.known.guest.source}"
        return [
            Wanted(records, holder, verdict.known.guest.source, reason, alone=alone)
            for records in address_records(name, settings.ttl, ips)
        ]

    def _pointer(self, name: Name, ip: IPAddress, view: str | None, *, alone: bool) -> list[Wanted]:
        rivals = self.asking.for_address(ip)
        if not rivals:
            return []
        holder = rivals[0]
        verdict = self.verdict(holder)
        settings = self._settings[verdict.known.guest.source]
        here = [one for one in verdict.names if self._statics.at(one, view).taking is None]
        hidden = verdict.options.publish.within(view) is Publish.NONE
        if hidden or not here or not any(name.is_subdomain(zone) for zone in settings.reverse):
            return []
        reason = f"guest {verdict.known.guest.title} of {verdict.known.guest.source} has {ip}"
        pointer = rrset(name, dns.rdatatype.PTR, settings.ttl, [here[0].to_text()])
        return [Wanted(pointer, holder, verdict.known.guest.source, reason, alone=alone)]

    def _alias(self, name: Name, pointer: Name | None, view: str | None, *, alone: bool) -> list[Wanted]:
        """Around a classless zone, a CNAME leads to each PTR record in it (RFC 2317 section 4)."""
        wanted = self.decide(pointer, view).wanted if pointer else ()
        return [
            Wanted(
                rrset(name, dns.rdatatype.CNAME, want.rrset.ttl, [want.rrset.name.to_text()]),
                want.owner,
                want.source,
                f"its PTR record stands in a classless zone: {want.reason}",
                alone=alone,
            )
            for want in wanted
            if want.rrset.type == dns.rdatatype.PTR
        ]


def _side_by_side(wanted: Iterable[Wanted]) -> list[Wanted]:
    """What can stand at one name together; who comes first goes before (RFC 2181 section 10.1)."""
    found: list[Wanted] = []
    for want in wanted:
        types = {one.rrset.type for one in found}
        alias = dns.rdatatype.CNAME in types or (want.rrset.type == dns.rdatatype.CNAME and types)
        if want.rrset.type not in types and not alias:
            found.append(want)
    return found
