"""WRITE: the intent into the ledger, the change to the primary, the outcome into the ledger. Law 5, 6 and 7."""

import logging
from collections.abc import Sequence
from itertools import zip_longest

from dns.name import Name

from skulldns.errors import Conflict, OutcomeUnknown, Refused, Unavailable
from skulldns.loop.census import Census
from skulldns.loop.clock import Clock
from skulldns.loop.primary import Primary
from skulldns.loop.zonestate import ZoneState
from skulldns.model.byvalue import concerning
from skulldns.model.changes import Change, are_large
from skulldns.model.ledger import Entry
from skulldns.model.records import Key
from skulldns.model.zones import ZoneId
from skulldns.plan.cadence import RETRY_PAUSES, pause
from skulldns.store.protocol import LedgerMemory

_log = logging.getLogger(__name__)


class Writer:
    """Makes changes of one zone. What the server does not take is postponed, each time for longer.

    ``pending`` says of each key since when (Unix time) and why it is not served by the primary yet; ``sent_at``
    when (Unix time) a name's last change was sent; ``messages`` counts UPDATE messages.
    """

    def __init__(
        self,
        zone: ZoneId,
        primary: Primary,
        state: ZoneState,
        memory: LedgerMemory,
        census: Census,
        clock: Clock,
    ) -> None:
        self.pending: dict[Key, tuple[float, str]] = {}
        self.sent_at: dict[Name, float] = {}
        self.messages = 0
        self._taken = 0
        self._zone = zone
        self._primary = primary
        self._state = state
        self._memory = memory
        self._census = census
        self._clock = clock
        self._postponed: dict[Name, tuple[int, float]] = {}

    def write(self, changes: Sequence[Change]) -> bool:
        """Make ``changes`` and read them back; returns whether any was made.

        Raises ``Unavailable`` when the outcome has to be read first.
        """
        now = self._clock.wall()
        sending = (now, f"being sent to {self._primary.server.where}")
        for change in changes:
            self.pending.setdefault(change.key, sending)
        try:
            self._memory.intend(self._zone, changes)
            for change in changes:
                self._state.enter(_intent(change))
            batches = self._primary.server.batches(changes)
            made = self._make([batch for batch in batches if not are_large(batch)], now)
            for batch in filter(are_large, batches):  # the others do not wait for these
                made = self._make([batch], now) or made
        except Unavailable:
            self._primary.stale = True
            raise
        return made

    def is_due(self, name: Name, now: float) -> bool:
        """Whether ``name`` may be tried at ``now`` of the steady clock."""
        return self._postponed.get(name, (0, now))[1] <= now

    def due(self, now: float) -> set[Name]:
        """The postponed names whose time has come."""
        return {name for name, (_, at) in self._postponed.items() if at <= now}

    def next_due(self) -> float | None:
        """When the next postponed name is due, on the steady clock."""
        return min((at for _, at in self._postponed.values()), default=None)

    def defer(self, name: Name, at: float) -> None:
        """Leave a postponed name alone until ``at`` of the steady clock."""
        if name in self._postponed:
            attempt, due = self._postponed[name]
            self._postponed[name] = (attempt, max(due, at))

    def is_postponed(self, name: Name) -> bool:
        """Whether the server took no change of ``name`` at the last try."""
        return name in self._postponed

    def settled(self, names: set[Name], changing: set[Key]) -> None:
        """Of ``names``, only ``changing`` is still to be changed: the rest waits for nothing any more."""
        for key in [key for key in self.pending if key.name in names and key not in changing]:
            del self.pending[key]
        for name in names & self._postponed.keys() - {key.name for key in changing}:
            del self._postponed[name]

    def _make(self, batches: Sequence[Sequence[Change]], now: float) -> bool:
        taken = self._taken
        pairs = zip_longest(batches, batches[1:], fillvalue=())
        sent = [change for batch, following in pairs for change in self._send(batch, following)]
        return bool(sent) and self._confirm(sent, self._taken - taken, now)

    def _send(self, batch: Sequence[Change], following: Sequence[Change] = ()) -> Sequence[Change]:
        """Send one message; returns what the server took. When it takes none, find the name that is at fault."""
        self.messages += 1
        try:
            self._primary.server.update(batch, following)
        except (Refused, Conflict) as error:
            self._primary.stale = self._primary.stale or isinstance(error, Conflict)
            names = sorted({change.name for change in batch})
            if len(names) == 1:
                self._take_back(batch)
                self._postpone(batch, str(error))
                return ()
            half = set(names[: len(names) // 2])
            first = [change for change in batch if change.name in half]
            second = [change for change in batch if change.name not in half]
            return [*self._send(first), *self._send(second)]
        except OutcomeUnknown as error:
            if not are_large(batch):
                raise
            self._primary.stale = True  # whatever becomes of it is read; meanwhile the other names go on
            self._postpone(batch, str(error), least=error.retry_after or 0.0)
            return ()
        self._taken += 1
        return batch

    def _take_back(self, changes: Sequence[Change]) -> None:
        """The server did not make these: what is there is not ours, even if it should equal what we intended."""
        before = [_published(change, of="before") for change in changes if change.before is not None]
        added = [change.key for change in changes if change.before is None]
        self._memory.settle(self._zone, before, added, (), self._clock.wall())
        self._enter(before, added)

    def _confirm(self, sent: Sequence[Change], taken: int, at: float) -> bool:
        answers = self._primary.read_back({change.key: change.after for change in sent}, taken)
        made: list[Change] = []
        for change in sent:
            key = change.key
            answer = answers.get(key)
            if key in answers and concerning(answer, change.after, change.before) == change.after:
                made.append(change)
                continue
            serves = " ".join(answer.values()) if answer else "nothing"
            self._postpone([change], f"{self._primary.server.where} said NOERROR but serves {serves}")
        entries = [_published(change, of="after") for change in made if change.after is not None]
        gone = [change.key for change in made if change.after is None]
        owners = {change.owner for change in made}
        evidence = {owner: self._census.farewell(owner).evidence for owner in owners}
        journal = ((change, evidence[change.owner]) for change in made)
        self._memory.settle(self._zone, entries, gone, journal, at)
        self._enter(entries, gone)
        logs = _log.isEnabledFor(logging.INFO)
        for change in made:
            self.pending.pop(change.key, None)
            self._postponed.pop(change.name, None)
            self.sent_at[change.name] = at
            if logs:
                _log.info("%s %s: %s", change.action, change.after or change.before, change.reason)
        if not self.pending:
            self.pending.clear()  # gives back its table, which was large after many changes
        return bool(made)

    def _enter(self, entries: Sequence[Entry], gone: Sequence[Key]) -> None:
        for entry in entries:
            self._state.enter(entry)
        for key in gone:
            self._state.strike(key)

    def _postpone(self, changes: Sequence[Change], reason: str, *, least: float = 0.0) -> None:
        now, steady = self._clock.wall(), self._clock.steady()
        for name in {change.name for change in changes}:
            attempt, _ = self._postponed.get(name, (0, steady))
            wait = max(least, pause(RETRY_PAUSES, attempt, self._clock.jitter()))
            self._postponed[name] = (attempt + 1, steady + wait)
        for change in changes:
            since, before = self.pending.get(change.key, (now, ""))
            if before != reason:
                _log.warning("%s: %s", change.key, reason)
            self.pending[change.key] = (since, reason)


def _intent(change: Change) -> Entry:
    return Entry(
        change.key, change.owner, change.source, change.reason, change.before, change.after, unfinished=True
    )


def _published(change: Change, *, of: str) -> Entry:
    """The ledger's entry for what stands after the change, or stood ``before`` it."""
    rrset = change.before if of == "before" else change.after
    return Entry(change.key, change.owner, change.source, change.reason, rrset)
