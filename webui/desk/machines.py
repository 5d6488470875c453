"""What machines do with a token: update addresses, place ACME challenges, ask who may enter."""

import re
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from dns.name import Name

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.claims import is_own_domain
from skulldns.desired.policy.states import timed
from skulldns.errors import Refused
from skulldns.model.certificates import bare, shown
from skulldns.model.claims import AddressTarget, ChallengeValue, Claim, ClaimState
from skulldns.model.members import Actor, MemberState
from skulldns.store.office import Books
from webui.desk.base import Desk, acting_member, change, no_such_claim
from webui.desk.facts import judged

CHALLENGE_LASTS = 3_600.0
"""Seconds after which a challenge that nobody took back is gone."""

_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # SHA-256 in base64url (RFC 8555 section 8.4)
_MOST = 10


def set_addresses(
    desk: Desk, actor: Actor, name: Name, ipv4: IPv4Address | None, ipv6: IPv6Address | None, now: float
) -> tuple[Claim, bool]:
    """Give a name the addresses of its member's router; None leaves one as it is.

    Returns the claim, and whether anything changed. Raises ``Refused``.
    """
    with desk.office.reading() as books:
        found = _active(books, actor, name)
        after = _with_addresses(found, ipv4, ipv6)
        if after == found:
            return found, False
    with desk.office.writing() as books:
        found = _active(books, actor, name)
        after = _with_addresses(found, ipv4, ipv6)
        if after != found:
            after = replace(judged(books, after, desk.rules), changed=now)
        return change(books, actor, "set addresses", found, after, now), after != found


def present(desk: Desk, actor: Actor, name: Name, value: str, now: float) -> Claim:
    """Place a TXT value for an ACME challenge of ``name``, which is claimed or below a claimed one.

    Raises ``Refused``.
    """
    if not _DIGEST.fullmatch(value):
        raise Refused("this is not the value of a challenge", cure="let an ACME client make it (dns-01)")
    host = bare(name)
    judge_challenge(desk, host)
    with desk.office.writing() as books:
        found = _covering(books, actor, host)
        kept = tuple(
            one for one in found.challenges if one.until > now and (one.name, one.value) != (host, value)
        )
        if len(kept) >= _MOST:
            raise Refused(f"{shown(host)} has {_MOST} challenges", cure="try again in an hour")
        placed = (*kept, ChallengeValue(host, value, now + CHALLENGE_LASTS))
        after = timed(replace(found, challenges=placed), desk.rules.times)
        return change(books, actor, "present", found, after, now)


def judge_challenge(desk: Desk, name: Name) -> None:
    """Refuse a name that no TXT value of ours can prove: one in none of our zones. Raises ``Refused``."""
    if is_own_domain(name, desk.rules):
        raise Refused(
            f"{shown_name(name)} is in a zone of your own, where we write no record",
            cure="prove it by http-01",
        )


def served(desk: Desk, name: Name, value: str, patience: float) -> bool:
    """Whether all name servers answer a value; waits for that, at most ``patience`` seconds."""
    host = bare(name)

    def seen() -> bool:
        with desk.office.reading() as books:
            return books.views.serves(host, value)

    if desk.office.bell is None:
        return seen()
    with desk.office.bell.listen() as listener:
        return listener.until(seen, patience)


def cleanup(desk: Desk, actor: Actor, name: Name, value: str, now: float) -> Claim:
    """Take a TXT value back; one that is not there is no error. Raises ``Refused``."""
    host = bare(name)
    with desk.office.writing() as books:
        found = _covering(books, actor, host)
        kept = tuple(
            one for one in found.challenges if one.until > now and (one.name, one.value) != (host, value)
        )
        after = timed(replace(found, challenges=kept), desk.rules.times)
        return change(books, actor, "cleanup", found, after, now)


def may_enter(desk: Desk, login: str) -> bool:
    """Whether somebody is a member now, for sites that only members see."""
    with desk.office.reading() as books:
        member = books.members.member(login)
        return member is not None and member.state is MemberState.ACTIVE


def _with_addresses(claim: Claim, ipv4: IPv4Address | None, ipv6: IPv6Address | None) -> Claim:
    if not isinstance(claim.target, AddressTarget):
        raise Refused(
            f"{shown(claim.name)} does not lead to an address", cure="choose 'an address of mine' on its page"
        )
    target = AddressTarget(ipv4 or claim.target.ipv4, ipv6 or claim.target.ipv6)
    return replace(claim, target=target)


def _active(books: Books, actor: Actor, name: Name) -> Claim:
    member = acting_member(books, actor).login
    found = books.claims.holder(name)
    if found is None or found.member != member or found.state is not ClaimState.ACTIVE:
        raise no_such_claim()
    return found


def _covering(books: Books, actor: Actor, name: Name) -> Claim:
    """The member's active claim at ``name`` or, if nobody holds that, the closest above."""
    above = name
    while len(above) > 1:
        if books.claims.holder(above) is not None:
            return _active(books, actor, above)
        above = above.parent()
    raise no_such_claim()
