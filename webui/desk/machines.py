"""What machines do with a token: update addresses, ask who may enter."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from dns.name import Name

from skulldns.errors import Refused
from skulldns.model.certificates import shown
from skulldns.model.claims import AddressTarget, Claim, ClaimState
from skulldns.model.members import Actor, MemberState
from skulldns.store.office import Books
from webui.desk.base import Desk, acting_member, change, no_such_claim
from webui.desk.facts import judged


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
