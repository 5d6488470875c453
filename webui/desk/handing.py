"""Names that go from one member to another: a member offers, and the heir says yes; an admin hands on at once."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.claims import judge_name, judge_quota
from skulldns.desired.policy.labels import login as judge_login
from skulldns.desired.policy.rules import Rules
from skulldns.desired.policy.states import timed
from skulldns.errors import Refused
from skulldns.model.certificates import shown
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Claim,
    ClaimState,
    GuestTarget,
    Offer,
    Proof,
    Surroundings,
    Target,
)
from skulldns.model.members import Actor
from skulldns.model.sites import SiteOptions
from skulldns.store.office import Books
from webui.desk.base import (
    Desk,
    acting_member,
    active_member,
    change,
    own_claim,
    require_admin,
    write_down,
)
from webui.desk.facts import facts_of

STANDS = 7 * 86_400.0
"""Seconds that an offer stands."""


def offer(desk: Desk, actor: Actor, identity: str, to: str, now: float) -> Offer:
    """Offer a name to another member, in the place of a former offer. Raises ``Refused``.

    Whether anybody has that login is not looked at, so that nobody learns who is a member here.
    """
    heir = judge_login(to)
    with desk.office.writing() as books:
        found = own_claim(books, actor, identity)
        _judge_handing(found, heir)
        former = books.offers.at(found.id, now)
        if former is not None and former.heir == heir:
            return former
        made = Offer(found.id, found.name, found.member, heir, now, now + STANDS)
        books.offers.put(made)
        write_down(
            books, actor, "offer", shown(found.name), now, after={"offered": heir, "until": made.until}
        )
        return made


def withdraw(desk: Desk, actor: Actor, identity: str, now: float) -> Claim:
    """Take back what was offered; again changes nothing. Raises ``Refused``."""
    with desk.office.writing() as books:
        found = own_claim(books, actor, identity)
        former = books.offers.at(found.id, now)
        if former is not None:
            books.offers.drop(found.id)
            before = {"offered": former.heir}
            write_down(books, actor, "withdraw offer", shown(former.name), now, before=before)
        return found


def offers(desk: Desk, actor: Actor, now: float) -> Sequence[Offer]:
    """What is offered to the member, the oldest first. Raises ``Refused``."""
    with desk.office.reading() as books:
        return books.offers.to(acting_member(books, actor).login, now)


def offered_by(desk: Desk, found: Claim, now: float) -> Offer | None:
    """The offer of a name by its holder."""
    with desk.office.reading() as books:
        return books.offers.at(found.id, now)


def accept(desk: Desk, actor: Actor, identity: str, now: float) -> Claim:
    """Take a name that is offered, by the rules of this moment; again changes nothing. Raises ``Refused``."""
    with desk.office.writing() as books:
        heir = acting_member(books, actor).login
        found, made = books.claims.claim(identity), books.offers.at(identity, now)
        if found is not None and found.member == heir:
            return found
        if found is None or made is None or made.heir != heir:
            raise no_such_offer()
        around = books.claims.surroundings(found.name, heir, found.skeleton, besides=found.id)
        judge_quota(heir, around, desk.rules)
        return _hand_on(books, actor, found, heir, around, desk.rules, now)


def decline(desk: Desk, actor: Actor, identity: str, now: float) -> None:
    """Say no to a name that is offered; without such an offer nothing happens. Raises ``Refused``."""
    with desk.office.writing() as books:
        heir = acting_member(books, actor).login
        made = books.offers.at(identity, now)
        if made is not None and made.heir == heir:
            books.offers.drop(made.claim)
            write_down(books, actor, "decline", shown(made.name), now, before={"offered": heir})


def transfer(desk: Desk, actor: Actor, identity: str, to: str, now: float) -> Claim:
    """Hand a member's name on to another without asking them, as an admin. Raises ``Refused``."""
    with desk.office.writing() as books:
        require_admin(books, actor)
        found = own_claim(books, actor, identity)
        heir = active_member(books, to).login
        _judge_handing(found, heir)
        around = books.claims.surroundings(found.name, heir, found.skeleton, besides=found.id)
        try:
            judge_quota(heir, around, desk.rules)
        except Refused as refused:
            raise Refused(f"{heir} has no room for another name", cure="raise their quota") from refused
        return _hand_on(books, actor, found, heir, around, desk.rules, now)


def no_such_offer() -> Refused:
    """The one answer for an offer that is over, for another's, and for one that never was."""
    return Refused("nobody offers you this name", cure="ask who has it to offer it to you")


def _judge_handing(found: Claim, heir: str) -> None:
    if found.state is not ClaimState.ACTIVE:
        raise Refused(f"the claim is {found.state}", cure="hand it on when it is active")
    if heir == found.member:
        raise Refused(f"{shown_name(found.name)} is {heir}'s already", cure="choose another member")


def _hand_on(
    books: Books, actor: Actor, found: Claim, heir: str, around: Surroundings, rules: Rules, now: float
) -> Claim:
    """Make a claim another member's, who may have it by the same rules.

    It leads nowhere then where it led to something of the former holder's; a domain of their own the new one proves
    anew, and meanwhile it stays. For the new holder it begins now.
    """
    judge_name(found.name, heir, around, rules)
    target = _inherited(books, found.target, heir)
    as_before = target == found.target
    after = replace(
        found,
        member=heir,
        created=now,
        changed=now,
        confirmed=now,
        proof=_proof_anew(found.proof, now) if found.proof else None,
        challenges=(),
        target=target,
        options=found.options if as_before else SiteOptions(),
        members_only=found.members_only and as_before,
    )
    books.offers.drop(found.id)
    return change(books, actor, "transfer", found, timed(after, rules.times), now)


def _proof_anew(former: Proof, now: float) -> Proof:
    """What the new holder is to prove; a proof that was missing already is missed since then."""
    return Proof(secrets.token_hex(16), lost=now if former.lost is None else former.lost)


def _inherited(books: Books, target: Target, heir: str) -> Target:
    """Where a name leads under a new holder: nowhere yet, where it led to something of the former one's."""
    facts = facts_of(books, target)
    match target:
        case GuestTarget():
            theirs = facts.guest is not None and facts.guest.owner == heir
            return target if theirs else AddressTarget()
        case AliasTarget():
            return target if facts.goal_owner in {None, heir} else AddressTarget()
        case AddressTarget():
            return AddressTarget()
        case _:
            return target
