"""Members: invite them, let them in, suspend them, and say what they may."""

import hashlib
import secrets
from dataclasses import replace

from skulldns.desired.policy.labels import login as judge_login
from skulldns.desired.policy.labels import mail_address
from skulldns.desired.policy.states import Step, moved
from skulldns.errors import Refused
from skulldns.model.claims import Because, ClaimState
from skulldns.model.members import COMMAND_LINE, DAEMON, Actor, Invitation, Member, MemberState
from skulldns.store.office import Books
from webui.desk.base import Desk, change, member_parts, require_admin, write_down

INVITED_FOR = 7 * 86_400.0
"""Seconds for which an invitation is good."""

_MOST_NAMES = 10_000
_LONGEST = 200
_EVERY = 10_000


def invite(
    desk: Desk, actor: Actor, login: str, now: float, *, admin: bool = False, email: str = ""
) -> tuple[Invitation, str]:
    """Invite somebody, or let a member who cannot sign in any more set that anew; an admin's act.

    Returns the invitation and its secret, which is shown once. Raises ``Refused``.
    """
    if judge_login(login) in {COMMAND_LINE, DAEMON}:
        raise Refused(f"{login} is taken", cure="choose another login")
    secret = secrets.token_urlsafe(32)
    invitation = Invitation(
        _hash(secret), login, actor.who, now, now + INVITED_FOR, admin, mail_address(email)
    )
    with desk.office.writing() as books:
        require_admin(books, actor)
        books.members.invite(invitation)
        write_down(books, actor, "invite", login, now, after={"admin": admin, "email": email})
    return invitation, secret


def withdraw_invitation(desk: Desk, actor: Actor, identity: str, now: float) -> None:
    """Take an invitation back. Raises ``Refused``."""
    with desk.office.writing() as books:
        require_admin(books, actor)
        found = books.members.invitation(identity)
        if found is None:
            raise _no_invitation()
        books.members.drop_invitation(identity)
        write_down(books, actor, "withdraw invitation", found.login, now)


def invitation(desk: Desk, secret: str, now: float) -> Invitation:
    """The invitation of a link that is still good. Raises ``Refused``."""
    with desk.office.reading() as books:
        return _good(books, secret, now)


def accept(desk: Desk, secret: str, now: float, address: str, *, password: str | None = None) -> Member:
    """Use an invitation up: its login is a member from now on, with this password (as argon2id encodes it).

    A member that was there loses all sessions, passkeys, linked accounts and recovery codes, and keeps the names.
    Raises ``Refused``.
    """
    with desk.office.writing() as books:
        found = _good(books, secret, now)
        books.members.drop_invitation(found.id)
        former = books.members.member(found.login)
        if former is None:
            member = Member(found.login, now, email=found.email, admin=found.admin)
        elif former.state is MemberState.SUSPENDED:
            raise Refused(f"{found.login} is suspended", cure="ask an admin")
        else:
            member = replace(former, admin=former.admin or found.admin, email=found.email or former.email)
        _forget_signins(books, found.login)
        books.members.put(member)
        books.signins.set_password(found.login, password)
        actor = Actor(found.login, address)
        before = member_parts(former) if former else None
        write_down(books, actor, "accept", found.login, now, before=before, after=member_parts(member))
        return member


def suspend_member(desk: Desk, actor: Actor, login: str, reason: str, now: float) -> Member:
    """Sign a member out and suspend all their names. Raises ``Refused``."""
    with desk.office.writing() as books:
        former = _member(books, actor, login)
        _keep_an_admin(books, former)
        member = replace(former, state=MemberState.SUSPENDED)
        books.sessions.end_all(login)
        for claim in books.claims.search(member=login, states=[ClaimState.ACTIVE], limit=_EVERY).items:
            after = moved(claim, Step.SUSPENDED, now, desk.rules.times, Because.MEMBER)
            change(books, actor, "suspend", claim, after, now)
        return _changed(books, actor, "suspend member", former, member, now, reason)


def resume_member(desk: Desk, actor: Actor, login: str, now: float) -> Member:
    """Let a suspended member in again, with the names that were suspended with them. Raises ``Refused``."""
    with desk.office.writing() as books:
        former = _member(books, actor, login)
        member = replace(former, state=MemberState.ACTIVE)
        for claim in books.claims.search(member=login, states=[ClaimState.SUSPENDED], limit=_EVERY).items:
            if claim.because is Because.MEMBER:
                change(books, actor, "resume", claim, moved(claim, Step.RESUMED, now, desk.rules.times), now)
        return _changed(books, actor, "resume member", former, member, now)


def set_admin(desk: Desk, actor: Actor, login: str, now: float, *, admin: bool) -> Member:
    """Make a member an admin, or one no more; one admin stays. Raises ``Refused``."""
    with desk.office.writing() as books:
        former = _member(books, actor, login)
        if not admin:
            _keep_an_admin(books, former)
        return _changed(books, actor, "set admin", former, replace(former, admin=admin), now)


def set_quota(desk: Desk, actor: Actor, login: str, quota: int | None, now: float) -> Member:
    """Say how many names a member may hold; None: as many as policy says. Raises ``Refused``."""
    if quota is not None and not 0 <= quota <= _MOST_NAMES:
        raise Refused(f"{quota} names cannot be", cure=f"choose 0 to {_MOST_NAMES}")
    with desk.office.writing() as books:
        former = _member(books, actor, login)
        return _changed(books, actor, "set quota", former, replace(former, quota=quota), now)


def edit(desk: Desk, actor: Actor, login: str, now: float, *, name: str, email: str) -> Member:
    """Change a member's name and mail address; their own, or by an admin. Raises ``Refused``."""
    with desk.office.writing() as books:
        if actor.who != login or actor.token:
            require_admin(books, actor)
        former = _existing(books, login)
        member = replace(former, name=_short(name, "the name"), email=mail_address(email))
        return _changed(books, actor, "edit member", former, member, now)


def _member(books: Books, actor: Actor, login: str) -> Member:
    require_admin(books, actor)
    return _existing(books, login)


def _existing(books: Books, login: str) -> Member:
    member = books.members.member(login)
    if member is None:
        raise Refused(f"there is no member {login}", cure="look at the list of members")
    return member


def _changed(
    books: Books, actor: Actor, what: str, former: Member, member: Member, now: float, reason: str = ""
) -> Member:
    if member != former:
        books.members.put(member)
        after = member_parts(member) | ({"reason": reason} if reason else {})
        write_down(books, actor, what, member.login, now, before=member_parts(former), after=after)
    return member


def _keep_an_admin(books: Books, member: Member) -> None:
    everybody = books.members.members(limit=_EVERY).items
    others = [
        one
        for one in everybody
        if one.admin and one.state is MemberState.ACTIVE and one.login != member.login
    ]
    if member.admin and not others:
        raise Refused(f"{member.login} is the only admin", cure="make somebody else an admin first")


def _forget_signins(books: Books, login: str) -> None:
    books.sessions.end_all(login)
    books.signins.set_recovery(login, [])
    books.signins.unlink(login)
    for passkey in books.signins.passkeys(login):
        books.signins.drop_passkey(login, passkey.id)


def _good(books: Books, secret: str, now: float) -> Invitation:
    found = books.members.invitation(_hash(secret))
    if found is None or now >= found.expires:
        raise _no_invitation()
    return found


def _no_invitation() -> Refused:
    return Refused("this invitation is used up or too old", cure="ask an admin for another")


def _short(text: str, what: str) -> str:
    if len(text) > _LONGEST or not (text.isprintable() or not text):
        raise Refused(f"{what} cannot be that", cure=f"use one line of at most {_LONGEST} characters")
    return text.strip()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
