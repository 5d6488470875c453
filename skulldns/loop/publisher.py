"""COMPARE and WRITE: one worker for each zone. Names that changed become one guarded plan and few messages."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dns.name import Name

from skulldns.errors import Conflict, Refused, Unavailable
from skulldns.loop.engine import Answered, Decisions
from skulldns.loop.follower import Follow
from skulldns.loop.mailbox import Call, Mailbox
from skulldns.loop.zonestate import ZoneState
from skulldns.model.changes import Change
from skulldns.model.desired import Decision, Farewell
from skulldns.model.ledger import Entry
from skulldns.model.plan import Block, Plan
from skulldns.model.policy import Mode
from skulldns.model.records import Key, RRset
from skulldns.plan.cadence import FULL_LOOK_EVERY, RETRY_PAUSES, Pacer, pause
from skulldns.plan.difference import Difference, compare
from skulldns.plan.guard import WINDOW, Circumstances, guarded
from skulldns.plan.serials import advanced
from skulldns.store.protocol import LedgerMemory
from skulldns.targets.protocol import NameServer, ZoneImage

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """What the config says of a zone: ``percent`` is the guard's limit."""

    zone: Name
    mode: Mode
    percent: int


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """How a server is: its last known serial; ``reason`` says why it cannot be used since ``down_since``."""

    serial: int | None = None
    down_since: float | None = None
    reason: str | None = None


class Census(Protocol):
    """What the publishers ask about guests; callable from any thread."""

    def farewell(self, owner: str) -> Farewell:
        """Why records of ``owner`` are not wanted any more."""

    def unseen(self) -> Mapping[str, frozenset[str]]:
        """The owners, by source, that their source does not show and whose end nobody announced."""


class Publisher:
    """Publishes one zone on its primary."""

    def __init__(
        self,
        rules: ZoneRules,
        primary: NameServer,
        followers: Sequence[Mailbox],
        memory: LedgerMemory,
        census: Census,
        pacer: Pacer,
        now: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self.zone = rules.zone
        self.rules = rules
        self.mailbox = Mailbox()
        self.primary = primary
        self.status = ServerStatus()
        self.pending: dict[Key, tuple[float, str]] = {}
        self.conflicts: dict[Key, str] = {}
        self.blocked: dict[Key, tuple[Block, str]] = {}
        self.sent_at: dict[Name, float] = {}
        self.messages = 0
        self._followers = followers
        self._memory = memory
        self._census = census
        self._pacer = pacer
        self._now = now
        self._jitter = jitter
        self._adopt_equal = memory.fresh(rules.zone)
        self.state = ZoneState(memory.entries(rules.zone))
        self._serial: int | None = None
        self._stale = True
        self._begun = False
        self._silent: tuple[str, ...] = ("the sources",)
        self._dirty: set[Name] = set()
        self._parked: set[Name] = set()
        self._later: dict[Name, tuple[int, float]] = {}
        self._first_dirty = 0.0
        self._latest_dirty = 0.0
        self._look_at = 0.0
        self._failures = 0
        self._retry_at = 0.0

    def owns(self, owner: str) -> bool:
        return self.state.owns(owner)

    # The pass

    def step(self) -> float | None:
        self._read_letters()
        now = self._now()
        if not self._begun:
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
        if not self._dirty:
            self._recovered()
        wait = self._wait(self._now())
        until_look = max(0.0, self._look_at - self._now())
        return until_look if wait is None else min(wait, until_look)

    def look(self) -> None:
        """Take in what is wanted and served, and send nothing. Trouble with the server is kept in ``status``."""
        self._read_letters()
        try:
            self._read_zone()
        except Unavailable as error:
            self._unavailable(error)
            return
        difference = self._compare(self.state.names())
        self._note(self._judge(difference))

    def plan(self, agreed: str | None = None) -> Plan:
        """The plan for the whole zone as it is now; nothing is sent. Raises ``Unavailable``."""
        self._read_zone()
        return self._judge(self._compare(self.state.names()), agreed)

    def apply(self, checksum: str, *, agreed: bool = True) -> Plan:
        """Do exactly the plan that ``checksum`` names, what the guard holds back included when ``agreed``.

        Raises ``Conflict`` when the plan is another by now.
        """
        plan = self.plan(checksum if agreed else None)
        if plan.checksum != checksum:
            raise Conflict(
                f"the plan for {self.zone.to_text(omit_final_dot=True)} is {plan.checksum} by now, not {checksum}",
                cure="look at `skulldns plan` again",
            )
        self._write(plan)
        self._dirty |= self._parked
        return plan

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

    def _mark(self, names: Iterable[Name]) -> None:
        """Names to compare again."""
        fresh = set(names)
        if not fresh:
            return
        now = self._now()
        if not self._dirty:
            self._first_dirty = now
        self._latest_dirty = now
        self._dirty |= fresh

    def _wait(self, now: float) -> float | None:
        """Seconds until something is to be published; None if nothing is."""
        due = {name for name, (_, at) in self._later.items() if at <= now}
        self._mark(due - self._dirty)
        if self._dirty:
            return self._pacer.wait(now, self._first_dirty, self._latest_dirty)
        upcoming = [at for _, at in self._later.values()]
        return min(upcoming) - now if upcoming else None

    # Reading the primary

    def _look(self, now: float) -> None:
        """Once a minute: has the serial moved without us? One SOA query when nothing happened."""
        if now >= self._look_at or self._stale:
            self._read_zone()
            self._look_at = now + FULL_LOOK_EVERY
            self._mark(self._parked)
            self._tell_followers({})

    def _read_zone(self) -> None:
        """Bring ``current`` up to date; costs one query when the serial is as we left it."""
        if self._serial is None:
            self._read_all()
            return
        serial = self.primary.serial()
        if advanced(self._serial, serial) < 0:
            _log.warning(
                "%s: %s went back from serial %d to %d; the zone is read as a whole",
                self.zone,
                self.primary.where,
                self._serial,
                serial,
            )
            self._read_all()
        elif serial != self._serial or self._stale:
            self._read_changes()
        else:
            self._now_at(serial)

    def _read_all(self) -> None:
        image = self.primary.read()
        self.state.serve_all(image.rrsets)
        self._mark(self.state.names())
        self._now_at(image.serial)
        self._tell_followers(self.state.owned_keys())

    def _read_changes(self) -> None:
        assert self._serial is not None, "the zone was read before"
        delta = self.primary.read_since(ZoneImage(self._serial, self.state.image()))
        for key, rrset in delta.rrsets.items():
            if self.state.served(key) != rrset:
                self.state.serve(key, rrset)
                self._mark([key.name])
        self._now_at(delta.serial)

    def _now_at(self, serial: int) -> None:
        self._serial = serial
        self._stale = False
        self.status = replace(self.status, serial=serial)

    # Comparing

    def _compare(self, names: Iterable[Name]) -> Difference:
        return compare(
            [self.state.decision(name) for name in sorted(names)],
            self.state.current,
            self.state.ledger,
            self._census.farewell,
            adopt_equal=self._adopt_equal,
        )

    def _judge(self, difference: Difference, agreed: str | None = None) -> Plan:
        deletions = [change for change in difference.changes if change.after is None]
        return guarded(
            self.zone,
            difference.changes,
            tuple(difference.conflicts.items()),
            self._census.farewell,
            Circumstances(
                mode=self.rules.mode,
                percent=self.rules.percent,
                owned=self.state.owned_by_source,
                deleted=self._memory.deletions(self.zone, self._now() - WINDOW) if deletions else {},
                unseen={
                    source: sum(self.state.entries_of(owner) for owner in owners)
                    for source, owners in (self._census.unseen() if deletions else {}).items()
                },
                silent_sources=self._silent,
                agreed=agreed,
                unpublished={one.owner for one in deletions if self.state.unpublished(one.owner)},
            ),
        )

    def _publish(self, now: float) -> None:
        names = self._dirty | self._parked
        difference = self._compare(names)
        plan = self._judge(difference)
        try:
            self._settle_known(difference, names, now)
            self._dirty = set()
            self._write(plan)
        except Unavailable:
            self._stale = True
            self._mark(names)
            raise
        self._adopt_equal = self._adopt_equal and bool(self._silent)

    def _settle_known(self, difference: Difference, names: set[Name], now: float) -> None:
        """Note what is as wanted already, and what is not ours any more."""
        self.conflicts = {key: why for key, why in self.conflicts.items() if key.name not in names}
        self.blocked = {key: why for key, why in self.blocked.items() if key.name not in names}
        if difference.adopted or difference.forgotten:
            self._memory.settle(self.zone, difference.adopted, difference.forgotten, (), now)
            for key in difference.forgotten:
                self.state.strike(key)
            for entry in difference.adopted:
                self.state.enter(entry)
            self._tell_followers({entry.key: entry.published for entry in difference.adopted})
        changing = {change.key for change in difference.changes}
        for key in [key for key in self.pending if key.name in names and key not in changing]:
            del self.pending[key]
        for name in names & self._later.keys() - {key.name for key in changing}:
            del self._later[name]

    # Writing

    def _write(self, plan: Plan) -> None:
        now = self._now()
        self._note(plan)
        self._parked = {key.name for key, _ in plan.conflicts}
        self._parked |= {blocked.change.name for blocked in plan.blocked}
        due = [change for change in plan.changes if self._later.get(change.name, (0, now))[1] <= now]
        self._parked |= {change.name for change in plan.changes} - {change.name for change in due}
        if not due:
            return
        for change in due:
            self.pending.setdefault(change.key, (now, f"being sent to {self.primary.where}"))
        self._memory.intend(self.zone, due)
        for change in due:
            self.state.enter(_intent(change))
        self._pacer = self._pacer.sent(now)
        messages = self.messages
        sent = [change for batch in self.primary.batches(due) for change in self._send(batch)]
        self._confirm(sent, self.messages - messages, now)

    def _note(self, plan: Plan) -> None:
        """Keep what the plan could not do, for status and why."""
        for key, why in plan.conflicts:
            self.conflicts[key] = why
        for blocked in plan.blocked:
            self.blocked[blocked.change.key] = (blocked.block, blocked.reason)

    def _send(self, batch: Sequence[Change]) -> Sequence[Change]:
        """Send one message; returns what the server took. When it takes none, find the name that is at fault."""
        try:
            self.messages += 1
            self.primary.update(batch)
        except (Refused, Conflict) as error:
            self._stale = self._stale or isinstance(error, Conflict)
            names = sorted({change.name for change in batch})
            if len(names) == 1:
                self._take_back(batch)
                self._postpone(batch, str(error))
                return ()
            half = set(names[: len(names) // 2])
            first = [change for change in batch if change.name in half]
            second = [change for change in batch if change.name not in half]
            return [*self._send(first), *self._send(second)]
        return batch

    def _take_back(self, changes: Sequence[Change]) -> None:
        """The server did not make these: what is there is not ours, even if it should equal what we intended."""
        before = [
            Entry(one.key, one.owner, one.source, one.reason, one.before)
            for one in changes
            if one.before is not None
        ]
        added = [change.key for change in changes if change.before is None]
        self._memory.settle(self.zone, before, added, (), self._now())
        for entry in before:
            self.state.enter(entry)
        for key in added:
            self.state.strike(key)

    def _confirm(self, sent: Sequence[Change], messages: int, at: float) -> None:
        """Read back what was sent, from the primary here and from the secondaries by their followers."""
        if not sent:
            return
        assert self._serial is not None, "nothing is sent before the zone was read"
        expected = {change.key: change.after for change in sent}
        serial = self.primary.serial()
        self._tell_followers(expected, serial)
        answers = self.primary.lookup(expected)
        for key, rrset in answers.items():
            self.state.serve(key, rrset)
        if advanced(self._serial, serial) > messages:
            self._read_changes()
        else:
            self._now_at(serial)
        made = [change for change in sent if _is_as_wanted(change, answers)]
        for change in sent:
            if change not in made:
                answer = answers.get(change.key)
                serves = " ".join(answer.values()) if answer else "nothing"
                self._postpone([change], f"{self.primary.where} said NOERROR but serves {serves}")
        self._settle(made, at)
        if made:
            self._mark(self._parked)

    def _settle(self, made: Sequence[Change], at: float) -> None:
        entries = [
            Entry(one.key, one.owner, one.source, one.reason, one.after)
            for one in made
            if one.after is not None
        ]
        gone = [change.key for change in made if change.after is None]
        evidence = [(one, self._census.farewell(one.owner).evidence) for one in made]
        self._memory.settle(self.zone, entries, gone, evidence, at)
        for entry in entries:
            self.state.enter(entry)
        for key in gone:
            self.state.strike(key)
        for change in made:
            self.pending.pop(change.key, None)
            self.sent_at[change.name] = at
            self._later.pop(change.name, None)
            _log.info("%s %s: %s", change.action, change.after or change.before, change.reason)

    def _postpone(self, changes: Sequence[Change], reason: str) -> None:
        """Try these names again later, each time after a longer pause."""
        now = self._now()
        for change in changes:
            attempt, _ = self._later.get(change.name, (0, now))
            self._later[change.name] = (attempt + 1, now + pause(RETRY_PAUSES, attempt, self._jitter()))
            since, before = self.pending.get(change.key, (now, ""))
            if before != reason:
                _log.warning("%s: %s", change.key, reason)
            self.pending[change.key] = (since, reason)
            self._parked.add(change.name)

    def _tell_followers(self, expected: Mapping[Key, RRset | None], serial: int | None = None) -> None:
        letter = Follow(serial if serial is not None else self._serial, expected)
        for follower in self._followers:
            follower.put(letter)

    def _recovered(self) -> None:
        """Everything that was due has been done."""
        if self.status.reason is not None:
            _log.info("%s: %s does what we ask again", self.zone, self.primary.where)
            self.status = replace(self.status, down_since=None, reason=None)
        self._failures = 0

    def postponed(self, name: Name) -> bool:
        """Whether the server took no change of ``name`` at the last try."""
        return name in self._later

    def _unavailable(self, error: Unavailable) -> float:
        if self._failures == 0 or self.status.reason != str(error):
            _log.warning("%s: %s", self.zone, error)
        now = self._now()
        self.status = replace(self.status, down_since=self.status.down_since or now, reason=str(error))
        wait = max(error.retry_after or 0.0, pause(RETRY_PAUSES, self._failures, self._jitter()))
        self._failures += 1
        self._retry_at = now + wait
        return wait


def _intent(change: Change) -> Entry:
    return Entry(
        change.key, change.owner, change.source, change.reason, change.before, change.after, unfinished=True
    )


def _is_as_wanted(change: Change, answers: Mapping[Key, RRset | None]) -> bool:
    if change.key not in answers:
        return False
    answer = answers[change.key]
    return answer == change.after
