"""What is remembered of certificates between processes, as frozen values. Times are Unix time."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What CAs count."""

    ORDER = "order"
    CERTIFICATE = "certificate"
    SAME_NAMES = "same names"
    FAILURE = "failed validation"


@dataclass(frozen=True, slots=True)
class Cost:
    """One thing that a CA counts: ``subject`` is a registered domain, a set of names, or one name; empty for orders."""

    kind: Kind
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Expense:
    """A cost that was spent at a CA (by its directory's URL)."""

    ca: str
    cost: Cost
    at: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A CA's renewal window for one certificate (by ``ari_id``) and the moment in it, drawn once.

    ``look_at`` is when the CA is asked again. Without a window (None) the CA has none to suggest.
    """

    certificate: str
    look_at: float
    start: float | None = None
    end: float | None = None
    moment: float | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """Tries since the last success: how many, when the next may be, why the last failed.

    ``waiting``: it failed because no CA could be reached; it need not wait longer than for the return of one.
    """

    failures: int = 0
    next_at: float = 0.0
    reason: str | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Issuance:
    """What is remembered for one ``identity``.

    ``ca``: the directory of the CA that issued what is served, and ``since`` when it came (0: not known); ``early``:
    that was a renewal before its usual moment; ``rehearse``: a validation failed, so the next try goes to the CA's
    staging first; ``forced``: a person asked for a renewal that has not been made yet.
    """

    identity: str
    ca: str | None = None
    since: float = 0.0
    early: bool = False
    rehearse: bool = False
    forced: bool = False
    suggestion: Suggestion | None = None
    attempts: Attempts = Attempts()
