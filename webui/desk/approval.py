"""What admins decide about claims: approve, refuse, suspend, resume."""

from skulldns.desired.policy.claims import judge_name
from skulldns.desired.policy.states import Step, moved
from skulldns.errors import Refused
from skulldns.model.claims import Because, Claim, ClaimState
from skulldns.model.members import Actor
from skulldns.store.office import Books
from webui.desk.base import Desk, active_member, change, no_such_claim, require_admin


def approve(desk: Desk, actor: Actor, identity: str, now: float) -> Claim:
    """Grant a claim that awaits an admin, if its member may still have the name. Raises ``Refused``."""
    with desk.office.writing() as books:
        found = _claim(books, actor, identity, ClaimState.AWAITING_APPROVAL)
        active_member(books, found.member)
        around = books.claims.surroundings(found.name, found.member, found.skeleton, besides=found.id)
        judge_name(found.name, found.member, around, desk.rules)
        after = moved(found, Step.GRANTED, now, desk.rules.times)
        return change(books, actor, "approve", found, after, now)


def refuse(desk: Desk, actor: Actor, identity: str, reason: str, now: float) -> Claim:
    """Refuse a claim that awaits an admin; the name is free at once. Raises ``Refused``."""
    with desk.office.writing() as books:
        found = _claim(books, actor, identity, ClaimState.AWAITING_APPROVAL)
        after = moved(found, Step.DROPPED, now, desk.rules.times)
        return change(books, actor, "refuse", found, after, now, reason=reason)


def suspend(desk: Desk, actor: Actor, identity: str, reason: str, now: float) -> Claim:
    """Publish a name no more until it is resumed; its holder keeps it. Raises ``Refused``."""
    with desk.office.writing() as books:
        found = _claim(books, actor, identity, ClaimState.ACTIVE)
        after = moved(found, Step.SUSPENDED, now, desk.rules.times, Because.ADMIN)
        return change(books, actor, "suspend", found, after, now, reason=reason)


def resume(desk: Desk, actor: Actor, identity: str, now: float) -> Claim:
    """Publish a suspended name again. Raises ``Refused``."""
    with desk.office.writing() as books:
        found = _claim(books, actor, identity, ClaimState.SUSPENDED)
        active_member(books, found.member)
        after = moved(found, Step.RESUMED, now, desk.rules.times)
        return change(books, actor, "resume", found, after, now)


def _claim(books: Books, actor: Actor, identity: str, state: ClaimState) -> Claim:
    require_admin(books, actor)
    found = books.claims.claim(identity)
    if found is None:
        raise no_such_claim()
    if found.state is not state:
        raise Refused(f"the claim is {found.state}, not {state}", cure="look again how it stands")
    return found
