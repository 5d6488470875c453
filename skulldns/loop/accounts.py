"""What else people ask of certificates: why they are renewed when they are, and what is left at the CAs."""

from collections.abc import Iterator, Mapping

from skulldns.loop.front import CertificateLine
from skulldns.model.issuance import Cost, Issuance, Kind
from skulldns.plan.budget import Balance, Budget, Limit, reach
from skulldns.store.protocol import CertificateMemory

Limits = Mapping[str, Mapping[Kind, Limit]]
"""What each CA lets us have, by its directory."""


def because(line: CertificateLine, state: Issuance) -> str:
    """Why the next try is when it is, in a word or two."""
    if line.trying:
        return "being ordered"
    if line.failures or (line.reason and state.attempts.next_at == line.due_at):
        return "next try"
    if state.forced:
        return "asked for"
    if line.not_after is None:
        return "missing"
    return "ARI" if state.suggestion and state.suggestion.moment is not None else "usual"


def balances(limits: Limits, memory: CertificateMemory, now: float) -> Iterator[tuple[str, Balance]]:
    """How it stands with each limit of each CA, the scarcest first; its cost has no subject where nothing was spent."""
    for ca, allowed in limits.items():
        budget = Budget(allowed, memory.expenses(ca, now - reach(allowed)))
        spent = sorted(budget.balances(now), key=lambda one: (one.left, one.cost.subject))
        for kind in allowed:
            here = [one for one in spent if one.cost.kind is kind] or [budget.balance(Cost(kind), now)]
            yield from ((ca, one) for one in here)
