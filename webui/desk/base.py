"""What all acts at the desk share: who may, and what is written down."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dns.name import Name

from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model.audit import Act
from skulldns.model.certificates import shown
from skulldns.model.claims import Claim
from skulldns.model.members import COMMAND_LINE, Actor, Member, MemberState
from skulldns.model.views import HeldName
from skulldns.store.claimcodec import differences
from skulldns.store.office import Books, Office


@dataclass(frozen=True, slots=True)
class Desk:
    """Where members are served: the books, and the rules of the config."""

    office: Office
    rules: Rules


def acting_member(books: Books, actor: Actor) -> Member:
    """The member whose names are meant. Raises ``Refused`` if there is none, or if ``actor`` may not act for them."""
    if actor.acting_as is not None and actor.acting_as != actor.who:
        require_admin(books, actor)
    return active_member(books, actor.member)


def active_member(books: Books, login: str) -> Member:
    """The member ``login``. Raises ``Refused`` if there is none, or a suspended one."""
    member = books.members.member(login)
    if member is None or member.state is not MemberState.ACTIVE:
        raise Refused(f"there is no active member {login}", cure="ask an admin for an invitation")
    return member


def require_admin(books: Books, actor: Actor) -> None:
    """Raise ``Refused`` unless ``actor`` is an admin now: on the command line, or signed in; never by a token."""
    if actor.who == COMMAND_LINE:
        return
    member = books.members.member(actor.who)
    if actor.token or member is None or not member.admin or member.state is not MemberState.ACTIVE:
        raise Refused("only an admin may do that", cure="ask an admin")


def own_claim(books: Books, actor: Actor, identity: str) -> Claim:
    """The claim of the member who acts. Raises ``Refused``, with one answer for all that is not theirs."""
    member = acting_member(books, actor)
    claim = books.claims.claim(identity)
    if claim is None or claim.member != member.login:
        raise no_such_claim()
    return claim


def closest(books: Books, name: Name) -> Claim | HeldName | None:
    """Who has ``name`` or, if nobody has, the closest name above: a claim, or else a guest or a zone file."""
    above = name
    while len(above) > 1:
        found = books.claims.holder(above) or books.views.held(above)
        if found is not None:
            return found
        above = above.parent()
    return None


def no_such_claim() -> Refused:
    """The one answer for a claim that is not there and for another's."""
    return Refused("you have no such claim", cure="look at your names")


def write_down(
    books: Books,
    actor: Actor,
    what: str,
    subject: str,
    now: float,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add one row to the audit; ``before`` and ``after`` are JSON values without secrets."""
    acting_as = actor.acting_as if actor.acting_as != actor.who else None
    who = f"{actor.who} by token {actor.token}" if actor.token else actor.who
    books.audit.add(Act(now, who, what, subject, _text(before), _text(after), actor.address, acting_as))


def change(
    books: Books, actor: Actor, what: str, before: Claim, after: Claim, now: float, *, reason: str = ""
) -> Claim:
    """Store a changed claim and write it down; a claim that is as it was is left alone."""
    if after == before:
        return before
    stored = books.claims.put(after)
    old, new = differences(before, stored)
    new |= {"reason": reason} if reason else {}
    write_down(books, actor, what, shown(before.name), now, before=old, after=new)
    return stored


def member_parts(member: Member) -> dict[str, Any]:
    """A member as JSON values."""
    return asdict(member)


def _text(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True)
