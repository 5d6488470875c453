"""DECIDE: observations come in, decisions go out to the publishers of the zones they touch."""

import logging
import math
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dns.name import Name

from skulldns.desired.presence import LOOK_AGAIN_AFTER, answers_for, missed, seen
from skulldns.desired.registry import Registry
from skulldns.desired.sites import ruled, site
from skulldns.desired.wishes import leaves_at
from skulldns.loop.clock import Clock
from skulldns.loop.elsewhere import Elsewhere
from skulldns.loop.looker import LookAgain
from skulldns.loop.mailbox import Call, Mailbox
from skulldns.loop.remembering import Remembering
from skulldns.model.assignments import Assignment
from skulldns.model.desired import Decision, Farewell
from skulldns.model.guests import Guest, GuestId, GuestState, SourceName
from skulldns.model.observations import ConfigFile, Down, Missed, Seen, Snapshot, ZoneFile
from skulldns.model.presence import Known
from skulldns.model.sites import Site, SiteRule
from skulldns.plan.cadence import FULL_LOOK_EVERY
from skulldns.store.protocol import AssignmentMemory, GuestMemory

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decisions:
    """A letter to a publisher: what should be at these names. The first one is ``complete``."""

    decisions: tuple[Decision, ...]
    complete: bool = False


@dataclass(frozen=True, slots=True)
class SiteDecisions:
    """A letter to the keeper of sites: what is at these names, None for no site.

    The first one is ``complete``; ``remembered``: guests were known from before.
    """

    sites: Mapping[Name, Site | None]
    complete: bool = False
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """A letter to publishers and the keeper of sites: the sources that have not answered since start."""

    silent: tuple[str, ...]


class ZonePublisher(Protocol):
    """What the engine knows of a publisher."""

    zone: Name
    mailbox: Mailbox

    def owns(self, owner: str) -> bool:
        """Whether the zone's ledger has anything of ``owner``."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source is: ``reason`` says since when (Unix time) it cannot tell, and why; None while it answers.

    ``unreadable`` are guests that it knows to be there and could not read at the last look at everything.
    """

    answered_at: float | None = None
    down_since: float | None = None
    reason: str | None = None
    unreadable: frozenset[GuestId] = frozenset()


class Engine:
    """Keeps the registry. Others may read it from their threads through the methods that say so."""

    def __init__(
        self,
        registry: Registry,
        memory: GuestMemory,
        assignments: AssignmentMemory,
        zone_files: Iterable[Name],
        clock: Clock,
    ) -> None:
        self.mailbox = Mailbox()
        self.sources: dict[SourceName, SourceStatus] = {}
        self.zone_files: dict[Name, str | None] = {}
        self.config_error: str | None = None
        self._registry = registry
        self._memory = memory
        self._remembering = Remembering(memory, clock)
        self._assignments = assignments
        self._publishers: dict[Name, ZonePublisher] = {}
        self._lookers: dict[SourceName, Mailbox] = {}
        self._watchers: list[Mailbox] = []
        self._site_keepers: list[Mailbox] = []
        self._site_rules: tuple[SiteRule, ...] = ()
        self._ruled_names: set[Name] = set()
        self._wild: frozenset[Name] = frozenset()
        self._told_revision = -1
        self._awaited_files = set(zone_files)
        self._clock = clock
        self._lock = threading.RLock()
        self._elsewhere = Elsewhere()
        self._touched: set[Name] = set()
        self._moments: dict[GuestId, float] = {}
        self._begun = False
        self._remembered = False
        self._answers_changed = True
        self._tidy_at = -math.inf

    def connect(self, publishers: Iterable[ZonePublisher], lookers: Mapping[SourceName, Mailbox]) -> None:
        """Get to know who publishes the decisions and who looks; once, before the first step."""
        self._publishers = {publisher.zone: publisher for publisher in publishers}
        self._lookers = dict(lookers)
        self.sources = {name: SourceStatus() for name in lookers}

    def load(self) -> None:
        """Begin with what is remembered, so that nothing is lost while sources do not answer."""
        with self._lock:
            for identity, assignment in self._assignments.assignments().items():
                self._registry.assign(identity, assignment)
            for known in self._memory.known():
                self._remembered = True
                self._put(known)
            self._remembering.nothing_new()

    def tell(self, watcher: Mailbox) -> None:
        """Put a letter into ``watcher`` with each step in which the registry has changed."""
        self._watchers.append(watcher)

    def keep_sites(
        self, keeper: Mailbox, rules: Sequence[SiteRule] = (), wild: Collection[Name] = ()
    ) -> None:
        """Put every decision about sites into ``keeper``; before the first step.

        ``rules`` are an admin's for single sites, ``wild`` the zones with a wildcard certificate.
        """
        self._site_keepers.append(keeper)
        self._site_rules = tuple(rules)
        self._ruled_names = {name for rule in rules for name in rule.names}
        self._wild = frozenset(wild)

    def assign(self, identity: GuestId, assignment: Assignment) -> None:
        """Take in all that an admin assigns to a guest; on the disk when this returns. In the engine's thread only.

        Raises ``Unavailable`` when it cannot be stored; then nothing has changed.
        """
        self._assignments.assign(identity, assignment)
        with self._lock:
            self._registry.assign(identity, assignment)
            if (known := self._registry.known(identity)) is not None:
                self._put(known)

    def farewell(self, owner: str) -> Farewell:
        """Why records are not wanted any more. Callable from any thread."""
        with self._lock:
            return self._registry.farewell(owner)

    def unseen(self) -> Mapping[str, frozenset[str]]:
        """The guests of each source that it does not show and whose end nobody announced. From any thread."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        with self._lock:
            for known in self._registry.all_known():
                if not known.present and not known.witnessed:
                    found[known.guest.source].add(known.id)
        return {source: frozenset(guests) for source, guests in found.items()}

    def reading(self) -> "threading.RLock":
        """The lock to hold while reading ``registry`` from another thread."""
        return self._lock

    @property
    def registry(self) -> Registry:
        return self._registry

    def step(self) -> float | None:
        now = self._clock.wall()
        with self._lock:
            for letter in self.mailbox.drain():
                self._read_letter(letter, now)
            steady = self._clock.steady()
            for identity in [one for one, moment in self._moments.items() if moment <= steady]:
                self._put(self._known(identity))
            if steady >= self._tidy_at:
                self._tidy(now)
            names = self._names_to_decide()
            decisions, sites = self._decide(names), self._decide_sites(names)
            revision = self._registry.revision
        self._hand_out(decisions, sites)
        if revision != self._told_revision:
            self._told_revision = revision
            for watcher in self._watchers:
                watcher.put(revision)
        steady = self._clock.steady()
        waits = [moment - steady for moment in (self._tidy_at, *self._moments.values())]
        return max(0.0, min(*waits, self._remembering.store()))

    def close(self) -> None:
        """Store at once what is not stored yet; after the last step."""
        self._remembering.store(at_once=True)

    def _read_letter(self, letter: object, now: float) -> None:
        match letter:
            case Seen(source=source, guest=guest):
                self._seen(source, guest, now)
            case Missed(source=source, guest=identity, witnessed=witnessed):
                self._missed(source, identity, now, witnessed=witnessed)
            case Snapshot() as snapshot:
                self._snapshot(snapshot, now)
            case Down(source=source, reason=reason):
                status = self.sources[source]
                self.sources[source] = SourceStatus(status.answered_at, status.down_since or now, reason)
            case ZoneFile() as file:
                self._zone_file(file)
            case ConfigFile(error=error):
                _log.error("%s; the last good config stays in force", error)
                self.config_error = error
            case Call() as call:
                call.run()

    # Observations

    def _snapshot(self, snapshot: Snapshot, now: float) -> None:
        first = self.sources[snapshot.source].answered_at is None
        if self.sources[snapshot.source].down_since is not None:
            _log.info("%s answers again", snapshot.source)
        self.sources[snapshot.source] = SourceStatus(answered_at=now, unreadable=snapshot.unreadable)
        for guest in snapshot.guests:
            self._seen(snapshot.source, guest, now)
        shown = {guest.id for guest in snapshot.guests} | snapshot.unreadable
        self._elsewhere.snapshot(snapshot.source, shown)
        for known in self._registry.all_known():
            if known.guest.source == snapshot.source and known.id not in shown and known.gone_since is None:
                self._missed(snapshot.source, known.id, now, witnessed=False)
        self._answers_changed |= first

    def _seen(self, source: SourceName, guest: Guest, now: float) -> None:
        known = self._registry.known(guest.id)
        if known is not None and not answers_for(known, source, guest):
            self._elsewhere.seen(guest)
            return
        self._elsewhere.missed(source, guest.id)
        if guest.state is not GuestState.RUNNING and self._moved(source, guest.id, now):
            return
        after = seen(known, guest, now)
        if after != known:
            self._put(after)

    def _moved(self, left: SourceName, identity: GuestId, now: float) -> bool:
        """Whether a guest that does not run at ``left`` any more was seen to run elsewhere, and belongs there now."""
        guest = self._elsewhere.take(identity, left)
        if guest is None:
            return False
        self._put(seen(self._registry.known(identity), guest, now))
        self._lookers[guest.source].put(LookAgain(identity, 0.0))
        return True

    def _missed(self, source: SourceName, identity: GuestId, now: float, *, witnessed: bool) -> None:
        self._elsewhere.missed(source, identity)
        known = self._registry.known(identity)
        if known is None or not answers_for(known, source, None) or self._moved(source, identity, now):
            return
        after = missed(known, now, witnessed=witnessed or self._registry.replaced(known))
        if after == known:
            return
        self._put(after)
        if after.gone_since is None:
            self._lookers[source].put(LookAgain(identity, LOOK_AGAIN_AFTER))

    def _zone_file(self, file: ZoneFile) -> None:
        before = self.zone_files.get(file.zone)
        self.zone_files[file.zone] = file.error
        if file.error is not None:
            if file.error != before:
                _log.error("%s; the last good version of the zone stays in force", file.error)
            return
        self._touched |= self._registry.put_statics(file.zone, file.records)
        if file.zone in self._awaited_files:
            self._awaited_files.discard(file.zone)
            self._answers_changed = True

    def _announce_answers(self) -> None:
        """Tell publishers and keepers who has not answered since start: what hangs on those waits (law 3)."""
        silent = [str(name) for name, status in self.sources.items() if status.answered_at is None]
        silent += [f"the zone file of {zone.to_text(omit_final_dot=True)}" for zone in self._awaited_files]
        for mailbox in (*(publisher.mailbox for publisher in self._publishers.values()), *self._site_keepers):
            mailbox.put(Answered(tuple(sorted(silent))))

    # Decisions

    def _known(self, identity: GuestId) -> Known:
        known = self._registry.known(identity)
        assert known is not None, "a guest with a moment is known"
        return known

    def _put(self, known: Known) -> None:
        now = self._clock.wall()
        known, touched = self._registry.put(known, now)
        self._touched |= touched
        self._remembering.changed(known)
        settings = self._registry.settings(known)
        moment = leaves_at(known, settings) if settings else None
        if moment is not None and moment > now:
            # On the steady clock, so that a jump of the other ends no grace early.
            self._moments[known.id] = self._clock.steady() + moment - now
        else:
            self._moments.pop(known.id, None)

    def _names_to_decide(self) -> set[Name]:
        names, self._touched = self._touched, set()
        return names if self._begun else names | self._registry.names()

    def _decide_sites(self, names: Collection[Name]) -> dict[Name, Site | None]:
        if not self._site_keepers or not (names or not self._begun):
            return {}
        # Rules are few, and each may hang on any guest.
        decided: dict[Name, Site] = {
            rule.names[0]: ruled(self._registry, rule, self._wild) for rule in self._site_rules
        }
        found: dict[Name, Site | None] = {**decided}
        return found | {name: site(self._registry, name) for name in names if name not in self._ruled_names}

    def _decide(self, names: Iterable[Name]) -> dict[Name, list[Decision]]:
        decided: defaultdict[Name, list[Decision]] = defaultdict(list)
        for name in names:
            zone = self._zone_of(name)
            if zone is not None:
                decided[zone].append(self._registry.decide(name))
        return decided

    def _hand_out(self, decided: Mapping[Name, list[Decision]], sites: Mapping[Name, Site | None]) -> None:
        for zone, publisher in self._publishers.items():
            decisions = tuple(decided.get(zone, ()))
            if decisions or not self._begun:
                publisher.mailbox.put(Decisions(decisions, complete=not self._begun))
        for keeper in self._site_keepers:
            if sites or not self._begun:
                keeper.put(SiteDecisions(sites, not self._begun, self._remembered))
        self._begun = True
        if self._answers_changed:
            # After the decisions that the answer led to: who waits for it must not act on older ones.
            self._answers_changed = False
            self._announce_answers()

    def _zone_of(self, name: Name) -> Name | None:
        """The deepest configured zone that holds ``name``."""
        while True:
            if name in self._publishers:
                return name
            if len(name) <= 1:
                return None
            name = name.parent()

    # Memory

    def _tidy(self, now: float) -> None:
        """Once a minute, drop guests that have left and of whom nothing is published any more."""
        self._tidy_at = self._clock.steady() + FULL_LOOK_EVERY
        for known in self._registry.all_known():
            settings = self._registry.settings(known)
            over = known.gone_since is not None and settings and now >= known.gone_since + settings.grace
            if over and not any(publisher.owns(known.id) for publisher in self._publishers.values()):
                self._touched |= self._registry.forget(known.id)
                self._remembering.forgotten(known.id)
