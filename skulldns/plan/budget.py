"""What a CA lets us have (its rate limits), what was spent, and whether something fits: functions of now.

Times are Unix time, lengths seconds. Limits count in a sliding window, which is never looser than the CA's own way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from dns.name import Name

from skulldns.model.certificates import bare, shown
from skulldns.model.issuance import Cost, Expense, Kind

_HOUR, _DAY = 3600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` in ``per`` seconds."""

    count: int
    per: float


LETS_ENCRYPT: Mapping[Kind, Limit] = MappingProxyType(
    {
        Kind.CERTIFICATE: Limit(50, 7 * _DAY),
        Kind.SAME_NAMES: Limit(5, 7 * _DAY),
        Kind.ORDER: Limit(300, 3 * _HOUR),
        Kind.FAILURE: Limit(5, _HOUR),
    }
)
"""https://letsencrypt.org/docs/rate-limits/"""


def reach(limits: Mapping[Kind, Limit]) -> float:
    """How far back the limits look, in seconds."""
    return max((limit.per for limit in limits.values()), default=0.0)


@dataclass(frozen=True, slots=True)
class Balance:
    """What was spent of one limit, what is left, and when the next comes free (None: nothing was spent)."""

    cost: Cost
    limit: Limit
    spent: int
    free_at: float | None = None

    @property
    def left(self) -> int:
        return max(0, self.limit.count - self.spent)


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one CA, and what was spent there."""

    limits: Mapping[Kind, Limit] = field(default_factory=lambda: LETS_ENCRYPT)
    expenses: Sequence[Expense] = ()

    def balance(self, cost: Cost, now: float) -> Balance:
        """How it stands with one limit."""
        limit = self.limits[cost.kind]
        # A clock that was ahead wrote moments in the future; those further off than the window are not believed.
        spent = sorted(one.at for one in self.expenses if one.cost == cost and abs(now - one.at) < limit.per)
        free_at = None
        if spent:
            free_at = spent[max(0, len(spent) - limit.count)] + limit.per
        return Balance(cost, limit, len(spent), free_at)

    def balances(self, now: float) -> list[Balance]:
        """How it stands with everything of which something was spent."""
        costs = dict.fromkeys([Cost(Kind.ORDER), *(one.cost for one in self.expenses)])
        found = [self.balance(cost, now) for cost in costs]
        return [one for one in found if one.spent or one.cost.kind is Kind.ORDER]

    def exhausted(self, costs: Iterable[Cost], now: float) -> Balance | None:
        """The limit that ``costs`` do not fit under, and that comes free last; None if all fit."""
        full = [one for one in (self.balance(cost, now) for cost in costs) if not one.left]
        return max(full, key=lambda one: one.free_at or now, default=None)


def costs(names: Iterable[Name], registered: Callable[[Name], Name], *, renewal: bool) -> list[Cost]:
    """What a certificate for ``names`` costs; a renewal that names its predecessor (RFC 9773) is free.

    ``registered`` tells the registered domain of a name, as the public suffix list has it.
    """
    if renewal:
        return []
    names = list(names)
    domains = sorted({shown(registered(bare(name))) for name in names})
    return [
        Cost(Kind.ORDER),
        Cost(Kind.SAME_NAMES, " ".join(sorted(map(shown, names)))),
        *(Cost(Kind.CERTIFICATE, domain) for domain in domains),
    ]


def validations(names: Iterable[Name]) -> list[Cost]:
    """What validations of ``names`` may cost: each counts if it fails, renewal or not."""
    return [Cost(Kind.FAILURE, name) for name in sorted({shown(bare(name)) for name in names})]
