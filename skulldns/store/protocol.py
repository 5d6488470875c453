"""The contract of what remembers: guests, the ledger, and the journal of changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dns.name import Name

from skulldns.model.assignments import Assignment
from skulldns.model.changes import Change
from skulldns.model.claims import ChallengeValue, Claim, Surroundings
from skulldns.model.desired import Evidence
from skulldns.model.guests import GuestId
from skulldns.model.issuance import Expense, Issuance
from skulldns.model.ledger import Entry
from skulldns.model.members import Member
from skulldns.model.notices import Delivery, Notice
from skulldns.model.presence import Known
from skulldns.model.records import Key
from skulldns.model.views import GuestView, HeldName, NameView
from skulldns.model.zones import ZoneId


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One change that was made: when (Unix time), what (``before`` and ``after`` as text), for whom and why.

    ``view`` is where the zone has views.
    """

    at: float
    key: Key
    before: str | None
    after: str | None
    owner: str
    reason: str
    view: str | None = None


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


class ZoneMarks(Protocol):
    """Remembers into which zones we ever published, outside of the database: a lost ledger is told from a new one."""

    def has(self, zone: ZoneId) -> bool:
        """Whether we published into ``zone``."""

    def put(self, zone: ZoneId) -> None:
        """We are about to publish into ``zone``; on the disk when this returns. Raises ``Unavailable``."""


class LedgerMemory(Protocol):
    """The ledger of one database: what we published. Each call is one durable transaction.

    Calls may come from several threads, one thread for each zone.
    """

    def lost(self, zone: ZoneId) -> bool:
        """Whether we published into ``zone`` before, and this ledger has never held anything of it: a lost one."""

    def entries(self, zone: ZoneId) -> Sequence[Entry]:
        """Every RRset of ours in ``zone``."""

    def intend(self, zone: ZoneId, changes: Sequence[Change]) -> None:
        """Write down ``changes`` before they are sent, so that after a crash they are known to be ours."""

    def settle(
        self,
        zone: ZoneId,
        published: Iterable[Entry],
        forgotten: Iterable[Key],
        made: Iterable[tuple[Change, Evidence]],
        at: float,
    ) -> None:
        """Write down what the server was seen to serve, keys that are not ours any more, and changes made.

        ``made`` holds each change with what speaks for it.
        """

    def deletions(self, zone: ZoneId, since: float) -> Mapping[tuple[str, Evidence], int]:
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


class ClaimMemory(Protocol):
    """What the daemon needs of members' claims. Each call is one transaction, those that write are durable."""

    def revision(self) -> int:
        """The revision of the newest change of any claim."""

    def changed_since(self, revision: int, limit: int = 500) -> Sequence[Claim]:
        """Claims that changed after ``revision``, in the order of their last changes; released ones too."""

    def due(self, now: float) -> Sequence[Claim]:
        """Claims of which something is over by itself (``until``)."""

    def last_written(self) -> float | None:
        """When somebody last wrote something here, a daemon its health included; None if nobody ever did."""

    def to_look_at(self, waiting_before: float, before: float) -> Sequence[Claim]:
        """Claims whose proof was not looked for since ``before``, or ``waiting_before`` where they wait for it."""

    def guest_challenges(self, now: float) -> Sequence[ChallengeValue]:
        """TXT values of members' ACME clients at the names of guests that are theirs."""

    def change(
        self, identity: str, judge: Callable[[Claim, Surroundings], Claim], what: str, now: float
    ) -> Claim | None:
        """Store what ``judge`` makes of a claim as it is now, and write it down as ``what`` in the audit.

        ``judge`` may raise ``Refused``; then nothing is stored. Returns the claim as it is then, None if there is none.
        """


class ViewMemory(Protocol):
    """Remembers what the members' page shows."""

    def show(
        self,
        *,
        held: Mapping[Name, HeldName | None],
        guests: Mapping[GuestId, GuestView | None],
        names: Mapping[Name, NameView | None],
        complete: bool,
    ) -> None:
        """Show these from now on, and those that are None no more; ``complete``: nothing else than these."""

    def show_served(self, name: Name, value: str) -> None:
        """Show that all servers answer this value of an ACME challenge of ``name``; who waits for it is woken."""

    def hide_served(self, name: Name, value: str) -> None:
        """Show that no more."""

    def show_health(self, health: Mapping[str, Any]) -> None:
        """Show how the daemon is, as JSON values."""


class NoticeMemory(Protocol):
    """Remembers what is to be told to whom, and what was. Each call is one transaction; writes are durable."""

    def members(self, logins: Iterable[str]) -> Mapping[str, Member]:
        """These members, by login."""

    def admins(self) -> Sequence[Member]:
        """All admins."""

    def views(self, names: Iterable[Name]) -> Mapping[Name, NameView]:
        """How these names are shown."""

    def holders(self, names: Iterable[Name]) -> Mapping[Name, Claim]:
        """The claims that hold these names."""

    def put(self, wanted: Iterable[tuple[Notice, str]], now: float) -> None:
        """Each notice is to be told to a receiver, unless one with its key is or was already."""

    def due(self, now: float, limit: int = 50) -> Sequence[Delivery]:
        """What is to be told now, the longest due first."""

    def told_since(self, to: str, since: float) -> int:
        """How much a receiver was told since then."""

    def told(self, delivery: Delivery, now: float) -> None:
        """It was told."""

    def failed(self, delivery: Delivery, due: float | None) -> None:
        """It could not be told; it is tried again when it is ``due``, or never."""

    def postpone(self, delivery: Delivery, due: float) -> None:
        """It was not tried, and will be when it is ``due``."""

    def sweep(self, trouble_before: float, before: float) -> None:
        """Forget what was settled and had no reason since ``before``, or ``trouble_before`` for certificates."""
