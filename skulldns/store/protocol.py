"""The contract of what remembers: guests, the ledger, and the journal of changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dns.name import Name

from skulldns.model.assignments import Assignment
from skulldns.model.changes import Change
from skulldns.model.desired import Evidence
from skulldns.model.guests import GuestId
from skulldns.model.issuance import Expense, Issuance
from skulldns.model.ledger import Entry
from skulldns.model.presence import Known
from skulldns.model.records import Key


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One change that was made: when (Unix time), what (``before`` and ``after`` as text), for whom and why."""

    at: float
    key: Key
    before: str | None
    after: str | None
    owner: str
    reason: str


class GuestMemory(Protocol):
    """Remembers what is known of guests. What is lost here is found again by looking."""

    def known(self) -> Sequence[Known]:
        """Every guest remembered."""

    def remember(self, known: Iterable[Known], forgotten: Iterable[GuestId]) -> None:
        """Store these, drop those and what was assigned to them, in one transaction."""


class AssignmentMemory(Protocol):
    """Remembers what admins assigned to guests."""

    def assignments(self) -> Mapping[GuestId, Assignment]:
        """What is assigned, by guest."""

    def assign(self, guest: GuestId, assignment: Assignment) -> None:
        """Store what is assigned to ``guest`` now, an empty one as nothing; durable when it returns."""


class LedgerMemory(Protocol):
    """The ledger of one database: what we published. Each call is one durable transaction.

    Calls may come from several threads, one thread for each zone.
    """

    def fresh(self, zone: Name) -> bool:
        """Whether this ledger has never held anything of ``zone``: new, or rebuilt after a loss."""

    def entries(self, zone: Name) -> Sequence[Entry]:
        """Every RRset of ours in ``zone``."""

    def intend(self, zone: Name, changes: Sequence[Change]) -> None:
        """Write down ``changes`` before they are sent, so that after a crash they are known to be ours."""

    def settle(
        self,
        zone: Name,
        published: Iterable[Entry],
        forgotten: Iterable[Key],
        made: Iterable[tuple[Change, Evidence]],
        at: float,
    ) -> None:
        """Write down what the server was seen to serve, keys that are not ours any more, and changes made.

        ``made`` holds each change with what speaks for it.
        """

    def deletions(self, zone: Name, since: float) -> Mapping[tuple[str, Evidence], int]:
        """How many RRsets were deleted since then, by source and evidence; one that was deleted often counts once."""

    def journal(self, name: Name, limit: int) -> Sequence[JournalRow]:
        """The newest changes at ``name``, newest first."""


class CertificateMemory(Protocol):
    """Remembers certificates' renewals, and what was spent at CAs. Each call is one durable transaction."""

    def issuances(self) -> Mapping[str, Issuance]:
        """Everything remembered, by identity."""

    def remember(self, issuance: Issuance) -> None:
        """Store what is known of one certificate now."""

    def forget(self, identity: str) -> None:
        """Nobody wants this certificate any more."""

    def expenses(self, ca: str, since: float) -> Sequence[Expense]:
        """What was spent at one CA (by its directory) since then."""

    def spend(self, expenses: Iterable[Expense]) -> None:
        """Write down what is spent."""

    def refund(self, expense: Expense) -> None:
        """It was not spent after all."""
