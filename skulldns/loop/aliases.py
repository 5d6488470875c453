"""Where a claimed alias ends, for the chain that the members' page shows."""

from dns.name import Name

from skulldns.loop.links import Link, LinkState
from skulldns.loop.names import Names
from skulldns.model.certificates import shown
from skulldns.model.claims import AliasTarget, Claim
from skulldns.model.namestate import NameState

_ANSWERS = frozenset({NameState.SERVED, NameState.HELD, NameState.FOREIGN})


def goal_link(names: Names, claim: Claim, now: float) -> Link | None:
    """Whether an alias leads to a name that is its member's still, and whether its end answers.

    None for what is no alias, or leads out of our zones: what others publish nobody looks at.
    """
    if not isinstance(claim.target, AliasTarget) or not names.publishers_of(claim.target.name):
        return None
    goal = claim.target.name
    if _member_at(names, goal) != claim.member:
        text = f"{shown(goal)} is no longer {claim.member}'s; lead the alias to a name that is"
        return Link("goal", LinkState.BROKEN, text)
    end = _end(names, claim.name, goal)
    if end is None:
        return Link("goal", LinkState.BROKEN, f"{shown(goal)} leads back here; lead one of them elsewhere")
    if not names.publishers_of(end):
        return Link("goal", LinkState.GOOD, f"it ends at {shown(end)}, which is not in our zones")
    return _answer(names, end, now)


def _answer(names: Names, end: Name, now: float) -> Link:
    state = names.name(end, now).state
    if state in _ANSWERS and _is_published(names, end):
        return Link("goal", LinkState.GOOD, f"{shown(end)} answers")
    if state is NameState.PENDING and _is_published(names, end):
        return Link("goal", LinkState.WAITING, f"{shown(end)} does not answer everywhere yet")
    return Link("goal", LinkState.BROKEN, f"{shown(end)} has no address; see what is wrong there")


def _end(names: Names, start: Name, goal: Name) -> Name | None:
    """Where the aliases of members end that begin with ``goal``; None if that is never."""
    seen = {start}
    with names.engine.reading():
        while goal not in seen:
            seen.add(goal)
            claim = names.engine.registry.claims.at(goal)
            if claim is None or not isinstance(claim.target, AliasTarget):
                return goal
            goal = claim.target.name
    return None


def _member_at(names: Names, name: Name) -> str | None:
    """Whose a name in our zones is: by a claim, or by the guest that has it."""
    with names.engine.reading():
        registry = names.engine.registry
        claim = registry.claims.at(name)
        if claim is not None:
            return claim.member
        rivals = registry.rivals(name)
        return registry.verdict(rivals[0]).options.owner if rivals else None


def _is_published(names: Names, name: Name) -> bool:
    """Whether anything is asked for at a name in any view."""
    with names.engine.reading():
        decide = names.engine.registry.decide
        return any(decide(name, one.zone.view).wanted for one in names.publishers_of(name))
