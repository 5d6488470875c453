"""What members' claims ask for: records at their names and below, and sites; each claim by itself.

Only an active claim asks for anything. One that leads to a guest counts while that guest is its member's: who owns a
guest is looked up each time, so that a guest that changes hands takes no name along.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import dns.rdatatype
from dns.name import Name

from skulldns.desired.publishing import address_records
from skulldns.desired.settings import ClaimSettings
from skulldns.model.certificates import shown
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Because,
    Claim,
    ClaimId,
    ClaimState,
    GuestTarget,
    RedirectTarget,
    Target,
)
from skulldns.model.desired import Evidence, Farewell
from skulldns.model.guests import GuestId, IPAddress
from skulldns.model.policy import Publish
from skulldns.model.records import RRset, rrset

CLAIMS = "claims"
"""The source of members' records, as guests have hypervisors."""

_OWNER = "claim "

Key = TypeVar("Key", Name, GuestId)


class Claimed:
    """The active claims, by name, by what they hang on, and by who asked."""

    def __init__(self) -> None:
        self._claims: dict[ClaimId, Claim] = {}
        self._ended: dict[ClaimId, Farewell] = {}
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
            self._ended[claim.id] = _farewell(claim)
        return touched

    def at(self, name: Name) -> Claim | None:
        """The claim whose very name this is."""
        first = next(self.near(name), None)
        return first if first is not None and first.name == name else None

    def near(self, name: Name) -> Iterator[Claim]:
        """The claims that ask for something at ``name``: that of the name itself first."""
        here = [self._claims[identity] for identity in self._names.get(name, ())]
        yield from sorted(here, key=lambda claim: (claim.name != name, claim.id))

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

    def ended(self, owner: str) -> Farewell | None:
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


def claim_records(
    claim: Claim, name: Name, view: str | None, settings: ClaimSettings, guest: Sequence[IPAddress] | None
) -> list[RRset]:
    """What a claim asks for at ``name`` in a view.

    ``guest`` are the addresses of the guest that it leads to, None while that is none of its member's.
    """
    found = [
        rrset(name, dns.rdatatype.from_text(one.type), one.ttl, list(one.values))
        for one in claim.records
        if one.name == name
    ]
    if claim.name != name:
        return found
    if isinstance(claim.target, AliasTarget):
        alias = rrset(name, dns.rdatatype.CNAME, settings.ttl, [claim.target.name.to_text()])
        return [alias, *found]
    return [*address_records(name, settings.ttl, _addresses(claim.target, view, settings, guest)), *found]


def _addresses(
    target: Target, view: str | None, settings: ClaimSettings, guest: Sequence[IPAddress] | None
) -> Sequence[IPAddress]:
    """Where a claim's name leads. What is served by the proxy stays there, which says why there is nothing to see."""
    match target:
        case AddressTarget(ipv4, ipv6):
            return [one for one in (ipv4, ipv6) if one is not None]
        case GuestTarget(direct=True):
            return guest or ()
        case GuestTarget() if guest and view is not None and settings.views.get(view) is Publish.GUEST:
            return guest
        case GuestTarget() | RedirectTarget():
            return settings.proxy_addresses
        case _:
            return ()


def _farewell(claim: Claim) -> Farewell:
    """Why a claim that is not active asks for nothing: a person's act, unless its proof was merely not found."""
    unproved = claim.because is Because.PROOF
    evidence = Evidence.ANNOUNCED if unproved else Evidence.DECIDED
    return Farewell(f"{claim.member}'s claim is {claim.state}", evidence)


def _keep(index: defaultdict[Key, set[ClaimId]], key: Key, identity: ClaimId, *, add: bool) -> None:
    if add:
        index[key].add(identity)
        return
    index[key].discard(identity)
    if not index[key]:
        del index[key]
