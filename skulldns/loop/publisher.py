"""COMPARE: one worker for each zone. Names that changed become one guarded plan, and the writer makes it."""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dns.name import Name

from skulldns.errors import Conflict, Unavailable
from skulldns.loop.census import Census
from skulldns.loop.clock import Clock
from skulldns.loop.follower import Follow
from skulldns.loop.letters import Answered, Decisions
from skulldns.loop.mailbox import Call, Mailbox
from skulldns.loop.primary import Primary
from skulldns.loop.spacing import Spacing
from skulldns.loop.writer import Writer
from skulldns.loop.zonestate import ZoneState
from skulldns.model.changes import Change
from skulldns.model.desired import Decision
from skulldns.model.ledger import Entry
from skulldns.model.plan import Block, Plan
from skulldns.model.policy import Mode
from skulldns.model.records import Key
from skulldns.model.zones import ZoneId
from skulldns.plan.cadence import RETRY_PAUSES, SAME_NAME_EVERY, Pacer, pause
from skulldns.plan.difference import Difference, compare
from skulldns.plan.guard import WINDOW, Circumstances, guarded
from skulldns.store.protocol import LedgerMemory
from skulldns.targets.protocol import NameServer

_log = logging.getLogger(__name__)

_OFTEN = f"about to be sent: changes of one name or guest are at least {SAME_NAME_EVERY:g} s apart"


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """What the config says of a zone: ``percent`` is the guard's limit."""

    zone: ZoneId
    mode: Mode
    percent: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a server cannot be used, and since when (Unix time)."""

    since: float
    reason: str


class Publisher:
    """Publishes one zone. ``conflicts`` and ``blocked`` say what the last plan could not do, and why."""

    def __init__(
        self,
        rules: ZoneRules,
        server: NameServer,
        followers: Sequence[Callable[[Follow], None]],
        memory: LedgerMemory,
        census: Census,
        pacer: Pacer,
        clock: Clock,
    ) -> None:
        self.zone = rules.zone
        self.rules = rules
        self.mailbox = Mailbox()
        self.state = ZoneState(memory.entries(rules.zone))
        self.primary = Primary(rules.zone, server, followers, self.state)
        self.writer = Writer(rules.zone, self.primary, self.state, memory, census, clock)
        self.trouble: Trouble | None = None
        self.conflicts: dict[Key, str] = {}
        self.blocked: dict[Key, tuple[Block, str]] = {}
        self._memory = memory
        self._census = census
        self._pacer = pacer
        self._spacing = Spacing()
        self._clock = clock
        self._adopt_equal = memory.lost(rules.zone)
        self._begun = False
        self._silent: tuple[str, ...] | None = None
        self._dirty: set[Name] = set()
        self._parked: set[Name] = set()
        self._first_dirty = 0.0
        self._latest_dirty = 0.0
        self._look_at = -math.inf
        self._failures = 0
        self._retry_at = -math.inf

    def owns(self, owner: str) -> bool:
        return self.state.entries_of(owner) > 0

    # The pass

    def step(self) -> float | None:
        self._read_letters()
        now = self._clock.steady()
        if not self._begun or self._silent is None:
            return None
        if now < self._retry_at:
            return self._retry_at - now
        try:
            self._look(now)
            wait = self._wait(now)
            if wait is not None and wait <= 0:
                self._publish(now)
        except Unavailable as error:
            return self._unavailable(error)
        if not self._dirty and self._spacing.next_due() is None:
            self._recovered()
        if self.primary.stale:
            return 0.0
        wait = self._wait(self._clock.steady())
        until_look = max(0.0, self._look_at - self._clock.steady())
        return until_look if wait is None else min(wait, until_look)

    def listen(self) -> None:
        """Take in what is wanted; nobody is asked, nothing is sent."""
        self._read_letters()

    def look(self) -> None:
        """Take in what is wanted and served, and send nothing. Trouble with the server is kept in ``trouble``."""
        self._read_letters()
        try:
            self.primary.read()
        except Unavailable as error:
            self._unavailable(error)
            return
        self._note(self._judge(self._compare(self.state.names())))

    def plan(self, agreed: str | None = None) -> Plan:
        """The plan for the whole zone as it is now; nothing is sent. Raises ``Unavailable``."""
        self._mark(self.primary.read())
        return self._judge(self._compare(self.state.names()), agreed)

    def apply(self, checksum: str | None) -> Plan:
        """Do exactly the plan that ``checksum`` names, what the guard holds back included; None: what may be done now.

        ``writer.pending`` tells what was not made. Raises ``Conflict`` when the plan is another by now.
        """
        plan = self.plan(checksum)
        if checksum is not None and plan.checksum != checksum:
            raise Conflict(
                f"the plan for {self.zone} is {plan.checksum} by now, not {checksum}",
                cure="look at `skulldns plan` again",
            )
        self._mark(self.state.names())
        self._note(plan)
        if plan.changes:
            self.writer.write(plan.changes)
        return plan

    def adoptable(self, chosen: Callable[[Key], bool]) -> list[Entry]:
        """RRsets among the ``chosen`` that somebody else put there and that have the data that we want there."""
        self._mark(self.primary.read())
        wanted = [want for name in self.state.names() for want in self.state.decision(name).wanted]
        served = ((want, self.state.served(want.key)) for want in wanted if chosen(want.key))
        return sorted(
            (
                Entry(want.key, want.owner, want.source, want.reason, rrset)
                for want, rrset in served
                if want.rrset.same_data(rrset) and not self._is_ours(want.key)
            ),
            key=lambda entry: entry.key,
        )

    def adopt(self, chosen: Callable[[Key], bool]) -> list[Entry]:
        """Take what is ``adoptable`` into the ledger, for a person; the next plan may then change its TTL."""
        adopted = self.adoptable(chosen)
        self._memory.settle(self.zone, adopted, (), (), self._clock.wall())
        for entry in adopted:
            self.state.enter(entry)
        self.primary.tell({entry.key: entry.published for entry in adopted})
        self._mark({entry.key.name for entry in adopted})
        return adopted

    def _is_ours(self, key: Key) -> bool:
        entry = self.state.entry(key)
        return entry is not None and entry.covers(self.state.served(key))

    def _read_letters(self) -> None:
        for letter in self.mailbox.drain():
            match letter:
                case Decisions(decisions=decisions, complete=complete):
                    self._take(decisions, complete=complete)
                case Answered(silent=silent):
                    self._silent = silent
                    self._mark(self._parked)
                case Call() as call:
                    call.run()

    def _take(self, decisions: Iterable[Decision], *, complete: bool) -> None:
        names = set()
        for decision in decisions:
            self.state.want(decision)
            names.add(decision.name)
        if complete:
            self._begun = True
            names = self.state.names()
        self._mark(names)

    def _look(self, now: float) -> None:
        """Once a minute: has the serial moved without us? One SOA query when nothing happened."""
        if now >= self._look_at or self.primary.stale:
            self._mark(self.primary.read())
            self._look_at = now + self._clock.look_every
            self._mark(self._parked)
            self.primary.tell({})

    def _publish(self, now: float) -> None:
        names = self._dirty | self._parked
        difference = self._compare(names)
        plan = self._judge(difference)
        try:
            self._settle(difference, names)
            self._dirty = set()
            self._write(plan, now)
        except Unavailable:
            self._mark(names)
            raise
        self._adopt_equal = self._adopt_equal and bool(self._silent)

    # What is to be done, and when

    def _mark(self, names: Iterable[Name]) -> None:
        """Names to compare again."""
        fresh = set(names)
        if not fresh:
            return
        now = self._clock.steady()
        if not self._dirty:
            self._first_dirty = now
        self._latest_dirty = now
        self._dirty |= fresh

    def _wait(self, now: float) -> float | None:
        """Seconds until something is to be published; None if nothing is."""
        self._mark((self.writer.due(now) | self._spacing.due(now)) - self._dirty)
        if self._dirty:
            return self._pacer.wait(now, self._first_dirty, self._latest_dirty)
        upcoming = [at for at in (self.writer.next_due(), self._spacing.next_due()) if at is not None]
        return min(upcoming) - now if upcoming else None

    def _compare(self, names: Iterable[Name]) -> Difference:
        flat = len(self.zone.name) + 1  # longer names may have come to lie below a delegation
        return compare(
            (self.state.decision(name) for name in names if len(name) > flat or not self.state.settled(name)),
            self.state.current,
            self.state.ledger,
            self._census.farewell,
            self.zone.name,
            adopt_equal=self._adopt_equal,
        )

    def _judge(self, difference: Difference, agreed: str | None = None) -> Plan:
        deletions = [change for change in difference.changes if change.after is None]
        unseen = self._census.unseen() if deletions else {}
        return guarded(
            self.zone,
            difference.changes,
            sorted(difference.conflicts.items(), key=lambda one: one[0].order),
            self._census.farewell,
            Circumstances(
                mode=self.rules.mode,
                percent=self.rules.percent,
                owned=self.state.owned_by_source,
                deleted=self._memory.deletions(self.zone, self._clock.wall() - WINDOW) if deletions else {},
                unseen={source: sum(map(self.state.entries_of, owners)) for source, owners in unseen.items()},
                silent_sources=self._silent or (),
                agreed=agreed,
                unpublished={one.owner for one in deletions if self.state.unpublished(one.owner)},
            ),
        )

    def _settle(self, difference: Difference, names: set[Name]) -> None:
        """Note what is as wanted already, and what is not ours any more."""
        self.conflicts = {key: why for key, why in self.conflicts.items() if key.name not in names}
        self.blocked = {key: why for key, why in self.blocked.items() if key.name not in names}
        if difference.adopted or difference.forgotten:
            self._memory.settle(self.zone, difference.adopted, difference.forgotten, (), self._clock.wall())
            for key in difference.forgotten:
                self.state.strike(key)
            for entry in difference.adopted:
                self.state.enter(entry)
            self.primary.tell({entry.key: entry.published for entry in difference.adopted})
        self.writer.settled(names, {change.key for change in difference.changes})

    def _note(self, plan: Plan) -> None:
        """Keep what the plan cannot do now: its names are compared again with every pass."""
        for key, why in plan.conflicts:
            self.conflicts[key] = why
        for blocked in plan.blocked:
            self.blocked[blocked.change.key] = (blocked.block, blocked.reason)
        self._parked = {key.name for key, _ in plan.conflicts}
        self._parked |= {blocked.change.name for blocked in plan.blocked}

    def _write(self, plan: Plan, now: float) -> None:
        self._note(plan)
        due = [change for change in plan.changes if self.writer.is_due(change.name, now)]
        due = self._spaced(due, now)
        if not due:
            return
        self._pacer = self._pacer.sent(now)
        self._spacing.sent(due, now)
        if self.writer.write(due):
            self._mark(self._parked)

    def _spaced(self, changes: Sequence[Change], now: float) -> list[Change]:
        """Those whose turn it is; the others wait, and say so."""
        found = self._spacing.turn(changes, now)
        if len(found) < len(changes):
            at, sent = self._clock.wall(), {change.key for change in found}
            for change in changes:
                if change.key not in sent:
                    self.writer.defer(change.name, self._spacing.turn_of(change.name))
                    self.writer.pending.setdefault(change.key, (at, _OFTEN))
        return found

    # How the server is

    def _recovered(self) -> None:
        """Everything that was due has been done."""
        if self.trouble is not None:
            _log.info("%s: %s does what we ask again", self.zone, self.primary.server.where)
            self.trouble = None
        self._failures = 0

    def _unavailable(self, error: Unavailable) -> float:
        now = self._clock.steady()
        if self.trouble is None or self.trouble.reason != str(error):
            _log.warning("%s: %s", self.zone, error)
        self.trouble = (
            replace(self.trouble, reason=str(error))
            if self.trouble
            else Trouble(self._clock.wall(), str(error))
        )
        wait = max(error.retry_after or 0.0, pause(RETRY_PAUSES, self._failures, self._clock.jitter()))
        self._failures += 1
        self._retry_at = now + wait
        return wait
