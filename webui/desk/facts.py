"""What the books know of a target, for the rules."""

from collections.abc import Iterator
from dataclasses import replace

from dns.name import Name

from skulldns.desired.policy.options import judge_access, judge_options
from skulldns.desired.policy.records import judge_records
from skulldns.desired.policy.rules import Rules
from skulldns.desired.policy.targets import Facts, judge_target
from skulldns.model.claims import AddressTarget, AliasTarget, Claim, GuestTarget, Target
from skulldns.model.views import GuestView
from skulldns.store.office import Books


def facts_of(books: Books, target: Target) -> Facts:
    """What is known of a target at this moment."""
    match target:
        case GuestTarget(guest):
            return Facts(guest=books.views.guest(guest))
        case AliasTarget(goal):
            return Facts(goal_owner=_owner(books, goal), onwards=tuple(_onwards(books, goal)))
        case AddressTarget(ipv4, ipv6):
            found: list[GuestView] = []
            for address in (ipv4, ipv6):
                if address is not None:
                    found += books.views.guests_at(address)
            return Facts(at_address=tuple(found))
        case _:
            return Facts()


def judged(books: Books, claim: Claim, rules: Rules) -> Claim:
    """The claim with its target, options and records as they may be kept. Raises ``Refused``."""
    target = judge_target(claim.target, claim.name, claim.member, facts_of(books, claim.target), rules)
    judge_access(target, claim.options, members_only=claim.members_only)
    return replace(
        claim,
        target=target,
        options=judge_options(claim.options, rules),
        records=judge_records(claim.records, claim.name, target, rules),
    )


def _onwards(books: Books, name: Name) -> Iterator[Name]:
    """The names that ``name`` leads on to, alias by alias, as far as members claimed them; each once."""
    seen: set[Name] = set()
    while name not in seen:
        seen.add(name)
        claim = books.claims.holder(name)
        if claim is None or not isinstance(claim.target, AliasTarget):
            return
        name = claim.target.name
        yield name


def _owner(books: Books, name: Name) -> str | None:
    claim = books.claims.holder(name)
    if claim is not None:
        return claim.member
    held = books.views.held(name)
    return held.owner if held else None
