"""What members' claims ask for: records at their names and below, and sites; each claim by itself.

Only an active claim asks for anything. One that leads to a guest counts while that guest is its member's: who owns a
guest is looked up each time, so that a guest that changes hands takes no name along.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

import dns.rdatatype
from dns.name import Name

from skulldns.model.certificates import shown
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Claim,
    ClaimId,
    ClaimState,
    GuestTarget,
    RedirectTarget,
)
from skulldns.model.guests import GuestId, IPAddress
from skulldns.model.records import RRset, rrset

CLAIMS = "claims"
"""The source of members' records, as guests have hypervisors."""

_OWNER = "claim "

Key = TypeVar("Key", Name, GuestId)


class Claimed:
    """The active claims, by name, by what they hang on, and by who asked."""

    def __init__(self) -> None:
        self._claims: dict[ClaimId, Claim] = {}
        self._ended: dict[ClaimId, str] = {}
        self._names: defaultdict[Name, set[ClaimId]] = defaultdict(set)
        self._guests: defaultdict[GuestId, set[ClaimId]] = defaultdict(set)

    def put(self, claim: Claim) -> set[Name]:
        """Take in a claim as it is now; returns the names where something may be different."""
        before = self._claims.pop(claim.id, None)
        touched = self._index(before, add=False) if before else set()
        if claim.state is ClaimState.ACTIVE:
            self._claims[claim.id] = claim
            self._ended.pop(claim.id, None)
            touched |= self._index(claim, add=True)
        else:
            self._ended[claim.id] = f"{claim.member}'s claim is {claim.state}"
        return touched

    def at(self, name: Name) -> Claim | None:
        """The claim whose very name this is."""
        return next((claim for claim in self.near(name) if claim.name == name), None)

    def near(self, name: Name) -> Iterator[Claim]:
        """The claims that ask for something at ``name``: the one of that name, and those with records there."""
        for identity in sorted(self._names.get(name, ())):
            yield self._claims[identity]

    def names(self) -> set[Name]:
        """Every name at which something is asked for."""
        return set(self._names)

    def all(self) -> Iterable[Claim]:
        """Every active claim."""
        return list(self._claims.values())

    def leading_to(self, guest: GuestId) -> set[Name]:
        """The names that hang on a guest."""
        return {self._claims[identity].name for identity in self._guests.get(guest, ())}

    def claim_of(self, owner: str) -> Claim | None:
        """The active claim with this ``owner_of``."""
        return self._claims.get(ClaimId(owner.removeprefix(_OWNER)))

    def ended(self, owner: str) -> str | None:
        """Why the claim with this ``owner_of`` asks for nothing any more; None if nobody knows."""
        return self._ended.get(ClaimId(owner.removeprefix(_OWNER)))

    def _index(self, claim: Claim, *, add: bool) -> set[Name]:
        names = {claim.name, *(one.name for one in claim.records)}
        for name in names:
            _keep(self._names, name, claim.id, add=add)
        if isinstance(claim.target, GuestTarget):
            _keep(self._guests, claim.target.guest, claim.id, add=add)
        return names


def owner_of(claim: Claim) -> str:
    """How the ledger calls the claim."""
    return f"{_OWNER}{claim.id}"


def is_claim(owner: str) -> bool:
    """Whether an owner in the ledger is a claim."""
    return owner.startswith(_OWNER)


def title(claim: Claim) -> str:
    """The claim as sentences have it."""
    return f"{claim.member}'s claim of {shown(claim.name)}"


def further_records(claim: Claim, name: Name) -> list[RRset]:
    """The records at ``name`` that the claim's member wrote."""
    return [
        rrset(name, dns.rdatatype.from_text(one.type), one.ttl, list(one.values))
        for one in claim.records
        if one.name == name
    ]


def alias_record(claim: Claim, ttl: int) -> list[RRset]:
    """The CNAME of a claim that leads to another name."""
    if not isinstance(claim.target, AliasTarget):
        return []
    return [rrset(claim.name, dns.rdatatype.CNAME, ttl, [claim.target.name.to_text()])]


def own_addresses(claim: Claim, proxy: Iterable[IPAddress]) -> list[IPAddress]:
    """The addresses of a claim that leads to no guest: its member's own, or the proxy's for a redirect."""
    match claim.target:
        case AddressTarget(ipv4, ipv6):
            return [one for one in (ipv4, ipv6) if one is not None]
        case RedirectTarget():
            return list(proxy)
        case _:
            return []


def _keep(index: defaultdict[Key, set[ClaimId]], key: Key, identity: ClaimId, *, add: bool) -> None:
    if add:
        index[key].add(identity)
        return
    index[key].discard(identity)
    if not index[key]:
        del index[key]
