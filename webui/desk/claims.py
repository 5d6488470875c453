"""What members do with names: claim, change, confirm, release."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from dns.name import Name

from skulldns.desired.policy.alike import shown_name, skeleton
from skulldns.desired.policy.claims import judge_claim, judge_name
from skulldns.desired.policy.hostnames import hostname
from skulldns.desired.policy.states import Step, moved, timed
from skulldns.errors import Refused
from skulldns.model.certificates import shown
from skulldns.model.claims import (
    Because,
    Claim,
    ClaimId,
    ClaimRecord,
    ClaimState,
    Proof,
    Surroundings,
    Target,
)
from skulldns.model.members import Actor
from skulldns.model.sites import SiteOptions
from skulldns.store.claimcodec import claim_parts
from webui.desk.base import (
    Desk,
    acting_member,
    change,
    no_such_claim,
    own_claim,
    write_down,
)
from webui.desk.facts import judged

_PLAIN = SiteOptions()
_OPEN = (ClaimState.ACTIVE, ClaimState.AWAITING_APPROVAL, ClaimState.AWAITING_PROOF)


def look(desk: Desk, login: str, text: str) -> Name:
    """The name for what a member typed, if it is free for them now. Raises ``Refused`` with the reason."""
    name = hostname(text, desk.rules)
    with desk.office.reading() as books:
        around = books.claims.surroundings(name, login, skeleton(name))
    judge_claim(name, login, around, desk.rules)
    return name


def claim(
    desk: Desk,
    actor: Actor,
    text: str,
    target: Target,
    now: float,
    *,
    options: SiteOptions = _PLAIN,
    members_only: bool = False,
    records: Sequence[ClaimRecord] = (),
) -> Claim:
    """Claim the name that was typed. Of many who ask at once, one gets it. Raises ``Refused``."""
    name = hostname(text, desk.rules)
    with desk.office.writing() as books:
        member = acting_member(books, actor).login
        judge_name(
            name, member, Surroundings(at=tuple(books.claims.at(name))), desk.rules
        )  # quick when it is taken
        around = books.claims.surroundings(name, member, skeleton(name))
        first = judge_claim(name, member, around, desk.rules)
        wanted = Claim(
            id=ClaimId(secrets.token_hex(16)),
            name=name,
            member=member,
            state=ClaimState.REQUESTED,
            target=target,
            created=now,
            changed=now,
            confirmed=now,
            options=options,
            members_only=members_only,
            records=tuple(records),
            proof=Proof(secrets.token_hex(16)) if first is Step.PUT_UP_FOR_PROOF else None,
            skeleton=skeleton(name),
        )
        for former in around.at:
            if former.member == member and former.state is ClaimState.QUARANTINED:
                books.claims.put(moved(former, Step.FREED, now, desk.rules.times))
        granted = moved(judged(books, wanted, desk.rules), first, now, desk.rules.times)
        stored = books.claims.put(granted)
        write_down(books, actor, "claim", shown(name), now, after=claim_parts(stored))
        return stored


def find(desk: Desk, actor: Actor, text: str) -> Claim:
    """The member's own claim at a name as typed. Raises ``Refused`` if there is none."""
    name = hostname(text, desk.rules)
    with desk.office.reading() as books:
        member = acting_member(books, actor).login
        for found in books.claims.at(name):
            if found.member == member:
                return found
    raise no_such_claim()


def show(desk: Desk, actor: Actor, identity: str) -> Claim:
    """One of the member's claims by its identity. Raises ``Refused``."""
    with desk.office.reading() as books:
        return own_claim(books, actor, identity)


def change_all(
    desk: Desk,
    actor: Actor,
    identity: str,
    now: float,
    *,
    target: Target,
    options: SiteOptions,
    members_only: bool,
    records: Sequence[ClaimRecord],
) -> Claim:
    """Say everything about a name at once; all of it counts, or nothing. Raises ``Refused``."""
    wanted = {"target": target, "options": options, "members_only": members_only, "records": tuple(records)}
    return _edit(desk, actor, identity, "change", now, lambda found: replace(found, **wanted))  # type: ignore[arg-type]


def retarget(desk: Desk, actor: Actor, identity: str, target: Target, now: float) -> Claim:
    """Lead a name to something else. Raises ``Refused``."""
    return _edit(desk, actor, identity, "retarget", now, lambda found: replace(found, target=target))


def set_options(
    desk: Desk, actor: Actor, identity: str, options: SiteOptions, now: float, *, members_only: bool = False
) -> Claim:
    """Say how a name's site is served. Raises ``Refused``."""
    return _edit(
        desk,
        actor,
        identity,
        "set options",
        now,
        lambda found: replace(found, options=options, members_only=members_only),
    )


def set_records(desk: Desk, actor: Actor, identity: str, records: Sequence[ClaimRecord], now: float) -> Claim:
    """Put just these further records at a name and below it. Raises ``Refused``."""
    return _edit(
        desk, actor, identity, "set records", now, lambda found: replace(found, records=tuple(records))
    )


def release(desk: Desk, actor: Actor, identity: str, now: float) -> Claim:
    """Let a name go; it stays blocked for others for a while if it was ever published. Raises ``Refused``."""
    with desk.office.writing() as books:
        found = own_claim(books, actor, identity)
        if found.because is Because.ADMIN and actor.who == found.member:
            # Or the member would claim it again, and be rid of the suspension.
            raise Refused(f"an admin suspended {shown_name(found.name)}", cure="ask an admin to release it")
        awaiting = found.state in {ClaimState.AWAITING_APPROVAL, ClaimState.AWAITING_PROOF}
        what = Step.DROPPED if awaiting else Step.LET_GO
        return change(books, actor, "release", found, moved(found, what, now, desk.rules.times), now)


def confirm(desk: Desk, actor: Actor, identity: str, now: float) -> Claim:
    """Say that a name is still in use. Raises ``Refused``."""
    times = desk.rules.times
    with desk.office.writing() as books:
        found = own_claim(books, actor, identity)
        if found.state is ClaimState.SUSPENDED and found.because is Because.UNCONFIRMED:
            after = moved(found, Step.RESUMED, now, times)
        elif found.state is ClaimState.ACTIVE:
            after = timed(replace(found, confirmed=now), times)
        else:
            raise Refused(f"the claim is {found.state}", cure="there is nothing to confirm")
        return change(books, actor, "confirm", found, after, now)


def _edit(
    desk: Desk, actor: Actor, identity: str, what: str, now: float, edit: Callable[[Claim], Claim]
) -> Claim:
    with desk.office.writing() as books:
        found = own_claim(books, actor, identity)
        if found.state not in _OPEN:
            raise Refused(
                f"the claim of {shown_name(found.name)} is {found.state}", cure="it cannot be changed now"
            )
        after = judged(books, edit(found), desk.rules)
        if after != found:
            after = replace(after, changed=now)
        return change(books, actor, what, found, after, now)
