"""Bodies of the API. What may be sent is checked here for its form; the rules of ``desired.policy`` judge the rest."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from skulldns.desired.policy.records import LONGEST_TTL, MOST_RECORDS, MOST_VALUES, SHORTEST_TTL
from skulldns.model.claims import Because, ClaimState
from skulldns.model.guests import GuestState
from skulldns.model.namestate import NameState
from skulldns.model.sites import Header
from skulldns.model.tokens import Scope

FARTHEST = 10_000_000
LONGEST_PAGE = 200

HostName = Annotated[str, Field(min_length=1, max_length=1012, examples=["wiki"])]
Login = Annotated[str, Field(min_length=1, max_length=64)]
Network = Annotated[str, Field(min_length=1, max_length=64, examples=["192.0.2.0/24"])]
Line = Annotated[str, Field(max_length=2000)]


def _whole(value: object) -> object:
    """A number without a fraction is whole, however it is written (JSON Schema 2020-12 section 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_WHOLE = BeforeValidator(_whole)
Port = Annotated[int, Field(ge=1, le=65_535), _WHOLE]
Hsts = Annotated[int, Field(ge=0, le=63_072_000), _WHOLE]
Bytes = Annotated[int, Field(ge=1), _WHOLE]
Ttl = Annotated[int, Field(ge=SHORTEST_TTL, le=LONGEST_TTL), _WHOLE]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ToGuest(_Body):
    """One of the member's guests: its web server behind the proxy, or with ``direct`` its own addresses."""

    kind: Literal["guest"]
    guest: str = Field(min_length=1, max_length=200, description="A guest's `id`")
    port: Port = 80
    scheme: Literal["http", "https"] = "http"
    direct: bool = False


class ToAlias(_Body):
    """Another name (CNAME)."""

    kind: Literal["alias"]
    name: HostName


class ToAddress(_Body):
    """Addresses that a router updates (dyndns2). Without any, those that are there stay."""

    kind: Literal["address"]
    ipv4: str | None = Field(None, max_length=15)
    ipv6: str | None = Field(None, max_length=45)


class ToUrl(_Body):
    """A web address that visitors are sent to."""

    kind: Literal["redirect"]
    url: str = Field(min_length=1, max_length=2000)


Target = Annotated[ToGuest | ToAlias | ToAddress | ToUrl, Field(discriminator="kind")]


class User(_Body):
    """Somebody with a password; without ``hash`` the one that is there stays. It is never shown."""

    login: Login
    hash: str | None = Field(None, max_length=220, description="As crypt(3) has it")


class Password(_Body):
    """Basic authentication."""

    realm: str = Field(min_length=1, max_length=1000)
    users: list[User] = Field(min_length=1, max_length=50)


class Options(_Body):
    """How a site is served; what is not said is as usual."""

    http: bool = Field(default=False, description="Serve it on port 80 too, without a redirection to HTTPS")
    hsts: Hsts | None = Field(None, description="Seconds")
    body_size: Bytes | None = Field(None, description="Bytes")
    basic_auth: Password | None = None
    allow: list[Network] = Field([], max_length=50)
    deny: list[Network] = Field([], max_length=50)
    websockets: bool = True
    headers: dict[Header, Line] = Field(default_factory=dict)
    members_only: bool = Field(
        default=False, description="Let in only who is signed in at the page; for web sites of guests"
    )


class Record(_Body):
    """An RRset at the name or below it; ``values`` as in a zone file."""

    name: HostName
    type: Literal["TXT", "MX", "SRV", "CAA", "SSHFP", "TLSA"]
    ttl: Ttl = 3600
    values: list[Line] = Field(min_length=1, max_length=MOST_VALUES)


class Records(_Body):
    """All further records of a name."""

    records: list[Record] = Field(max_length=MOST_RECORDS)


class Wanted(_Body):
    """A name as it should be. ``options`` and ``records`` that are not said stay as they are."""

    target: Target
    options: Options | None = None
    records: list[Record] | None = Field(None, max_length=MOST_RECORDS)


class Holder(_Body):
    """Whom a name is offered to."""

    login: Login


class Part(_Body):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)
    q: str = Field("", max_length=200, description="What the name has in it")
    offset: int = Field(0, ge=0, le=FARTHEST)
    limit: int = Field(50, ge=1, le=LONGEST_PAGE)


class Link(_Body):
    """One link of a name's chain."""

    title: str
    state: str = Field(description="good, waiting, broken, or none where the name needs no such link")
    text: str
    at: datetime | None = None


class Proof(_Body):
    """The TXT record that proves a domain of the member's own."""

    name: str
    text: str
    seen: datetime | None
    looked: datetime | None
    lost: datetime | None


class Offer(_Body):
    """A name that its holder offers to another login, whether or not a member has that."""

    name: str
    unicode: str = Field(description="The name with its own letters")
    giver: str
    heir: str
    made: datetime
    until: datetime = Field(description="When it ends by itself")


class Offers(_Body):
    """What is offered to the member, the oldest first."""

    items: list[Offer]


class NameShort(_Body):
    """One of the member's names."""

    id: str
    name: str
    unicode: str = Field(description="The name with its own letters")
    state: ClaimState
    served: NameState | None = Field(description="What the name servers answer, if the daemon says so")
    target: Target
    until: datetime | None = Field(description="When the state ends by itself")


class NameWhole(NameShort):
    """One of the member's names, with all that there is of it."""

    options: Options
    records: list[Record]
    created: datetime
    changed: datetime
    confirmed: datetime
    because: Because | None = Field(description="Why it is suspended")
    proof: Proof | None
    offer: Offer | None = Field(description="To whom the member offers it")
    links: list[Link] = Field(description="The chain, as it was last seen")


class Names(_Body):
    """Part of the member's names."""

    items: list[NameShort]
    total: int
    offset: int


class Look(_Body):
    """Which name is meant."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)
    name: HostName


class Free(_Body):
    """Whether a name is free for the member, and if not, why."""

    name: str
    free: bool
    detail: str | None
    cure: str | None
    proof_needed: bool = Field(description="Whether it is a domain of the member's own")


class Event(_Body):
    """Something that was done to a name."""

    at: datetime
    who: str
    what: str


class History(_Body):
    """What was done to a name since it was claimed, the newest first."""

    items: list[Event]


class Guest(_Body):
    """One of the member's guests."""

    id: str
    name: str
    state: GuestState | None
    port: int
    addresses: list[str]
    names: list[str]
    refusals: list[str] = Field(description="What is not published, and why")


class Guests(_Body):
    """The member's guests."""

    items: list[Guest]


class TokenShown(_Body):
    """A token, without its secret."""

    id: str
    label: str
    scopes: list[Scope]
    names: list[str] = Field(description="Empty: all of the member's names")
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    last_address: str
    revoked: datetime | None
    this: bool = Field(description="Whether it is the one that asks")


class Tokens(_Body):
    """The member's tokens, the newest first."""

    items: list[TokenShown]
