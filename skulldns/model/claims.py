"""A member's right to a name, what it leads to, and how it is proved, as frozen values. Times are Unix time."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import NewType

from dns.name import Name

from skulldns.model.guests import GuestId
from skulldns.model.sites import Scheme, SiteOptions
from skulldns.model.views import HeldName

ClaimId = NewType("ClaimId", str)
"""A claim's identity: 128 random bits in hexadecimal."""


class ClaimState(StrEnum):
    """Where a claim is on its way; ``desired/policy/states.py`` has the table.

    Only ``ACTIVE`` is published. ``QUARANTINED``: let go, and blocked for others for a while. ``RELEASED``: over.
    """

    REQUESTED = "requested"
    AWAITING_APPROVAL = "awaiting approval"
    AWAITING_PROOF = "awaiting proof"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    QUARANTINED = "quarantined"
    RELEASED = "released"

    @property
    def holds(self) -> bool:
        """Whether nobody else can get the name. Whoever has not proved a domain yet keeps nobody from it."""
        return self not in {ClaimState.REQUESTED, ClaimState.AWAITING_PROOF, ClaimState.RELEASED}

    @property
    def counts(self) -> bool:
        """Whether it counts for the member's quota."""
        return self not in {ClaimState.REQUESTED, ClaimState.QUARANTINED, ClaimState.RELEASED}


class Because(StrEnum):
    """Why a claim is suspended."""

    ADMIN = "an admin suspended it"
    MEMBER = "the member is suspended"
    PROOF = "its proof is gone"
    UNCONFIRMED = "nobody confirmed that it is still in use"


@dataclass(frozen=True, slots=True)
class GuestTarget:
    """A guest: its web server at ``port`` behind the proxy, or with ``direct`` its own addresses and no site."""

    guest: GuestId
    port: int = 80
    scheme: Scheme = Scheme.HTTP
    direct: bool = False


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """Another name: a CNAME."""

    name: Name


@dataclass(frozen=True, slots=True)
class AddressTarget:
    """Addresses that the member's router updates; none yet where both are None."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None


@dataclass(frozen=True, slots=True)
class RedirectTarget:
    """A web address that visitors are sent to."""

    url: str


Target = GuestTarget | AliasTarget | AddressTarget | RedirectTarget


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """One RRset at the claimed name or below it, as in a zone file: ``type`` in capitals, ``ttl`` in seconds."""

    name: Name
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChallengeValue:
    """A TXT value that an ACME client placed at ``_acme-challenge.<name>``, until it is taken back or ``until``."""

    name: Name
    value: str
    until: float


@dataclass(frozen=True, slots=True)
class Proof:
    """How a domain of the member's own is proved: ``nonce`` was drawn for this claim and member.

    ``seen`` is when the proof was last found, ``looked`` when it was last looked for; ``lost`` since when it is
    missing although it was there, or since the claim has a new holder.
    """

    nonce: str
    seen: float | None = None
    looked: float | None = None
    lost: float | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A member's right to ``name`` (absolute, lower case, A-labels).

    ``until`` is when the state ends by itself; ``revision`` grows with every change of any claim. ``proof`` is None in
    our own zones. ``members_only``: only who is signed in at the page sees the site. ``confirmed`` is when the member
    last said that it is still in use; ``because`` why it is suspended. ``skeleton`` is equal for names that look alike.
    """

    id: ClaimId
    name: Name
    member: str
    state: ClaimState
    target: Target
    created: float
    changed: float
    confirmed: float
    options: SiteOptions = field(default_factory=SiteOptions)
    members_only: bool = False
    records: tuple[ClaimRecord, ...] = ()
    challenges: tuple[ChallengeValue, ...] = ()
    proof: Proof | None = None
    because: Because | None = None
    until: float | None = None
    skeleton: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A name that its holder ``giver`` would hand to ``heir``, who may accept it before ``until``."""

    claim: ClaimId
    name: Name
    giver: str
    heir: str
    made: float
    until: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is near a name, all from one moment, for judging who may have it.

    ``at`` are claims at the name itself: at most one that holds it, and others that await their proof. ``above``,
    ``below`` and ``alike`` are claims that hold a parent, a child, or a look-alike; of ``below`` and ``alike`` some if
    there are many. ``held`` are names at, above, below and alike that guests and zone files have. ``count`` is how many
    names the member has, ``resting`` how many they released that nobody else may have yet, ``quota`` the member's own,
    ``reserved`` what admins reserved on the page.
    """

    at: tuple[Claim, ...] = ()
    above: tuple[Claim, ...] = ()
    below: tuple[Claim, ...] = ()
    alike: tuple[Claim, ...] = ()
    held: tuple[HeldName, ...] = ()
    count: int = 0
    resting: int = 0
    quota: int | None = None
    reserved: tuple[str, ...] = ()
