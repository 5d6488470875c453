"""DECIDE: observations come in, decisions go out to the publishers of the zones they touch."""

import logging
import math
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from dns.name import Name

from skulldns.desired.farewells import farewell
from skulldns.desired.registry import Registry
from skulldns.desired.sites import ruled, site
from skulldns.desired.wishes import leaves_at
from skulldns.loop.clock import Clock
from skulldns.loop.letters import Answered, Changed, Claims, Decisions, SiteDecisions
from skulldns.loop.mailbox import Call, Mailbox
from skulldns.loop.remembering import Remembering
from skulldns.loop.sightings import Sightings, SourceStatus
from skulldns.model.assignments import Assignment
from skulldns.model.claims import Claim
from skulldns.model.desired import Decision, Farewell
from skulldns.model.guests import GuestId, SourceName
from skulldns.model.observations import ConfigFile, Down, Missed, Seen, Snapshot, ZoneFile
from skulldns.model.presence import Known
from skulldns.model.sites import Site, SiteRule
from skulldns.model.zones import ZoneId
from skulldns.plan.cadence import FULL_LOOK_EVERY
from skulldns.store.protocol import AssignmentMemory, GuestMemory

_log = logging.getLogger(__name__)


class ZonePublisher(Protocol):
    """What the engine knows of a publisher."""

    zone: ZoneId
    mailbox: Mailbox

    def owns(self, owner: str) -> bool:
        """Whether the zone's ledger has anything of ``owner``."""


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
        self.zone_files: dict[Name, str | None] = {}
        self.config_error: str | None = None
        self._registry = registry
        self._memory = memory
        self._remembering = Remembering(memory, clock)
        self._assignments = assignments
        self._publishers: dict[ZoneId, ZonePublisher] = {}
        self._zones: defaultdict[Name, list[ZoneId]] = defaultdict(list)
        self._sightings = Sightings(registry, {}, self._put)
        self._watchers: list[Mailbox] = []
        self._site_keepers: list[Mailbox] = []
        self._site_rules: tuple[SiteRule, ...] = ()
        self._ruled_names: set[Name] = set()
        self._wild: frozenset[Name] = frozenset()
        self._told_revision = -1
        self._awaited_files = set(zone_files)
        self._clock = clock
        self._lock = threading.RLock()
        self._touched: set[Name] = set()
        self._changed_guests: set[GuestId] = set()
        self._moments: dict[GuestId, float] = {}
        self._begun = False
        self._remembered = False
        self._answers_changed = True
        self._tidy_at = -math.inf

    def connect(self, publishers: Iterable[ZonePublisher], lookers: Mapping[SourceName, Mailbox]) -> None:
        """Get to know who publishes the decisions and who looks; once, before the first step."""
        self._publishers = {publisher.zone: publisher for publisher in publishers}
        for zone in self._publishers:
            self._zones[zone.name].append(zone)
        self._sightings = Sightings(self._registry, lookers, self._put)

    def disconnect(self) -> None:
        """Let go of those that hold it too, so that all are freed with the last who holds one of them."""
        self._publishers.clear()
        self._sightings = Sightings(self._registry, {}, lambda _: None)

    def begin_with(self, claims: Iterable[Claim]) -> None:
        """Take in all claims; before the first step, so that nothing of theirs seems to be unwanted."""
        with self._lock:
            for claim in claims:
                self._touched |= self._registry.put_claim(claim)

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
        """Put ``Changed`` into ``watcher`` with each step in which the registry has changed."""
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
            self._assigned(identity, assignment)

    def farewell(self, owner: str) -> Farewell:
        """Why records are not wanted any more. Callable from any thread."""
        with self._lock:
            return farewell(self._registry, owner)

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
    def sources(self) -> dict[SourceName, SourceStatus]:
        """How each source is. Callable from any thread."""
        return self._sightings.sources

    @property
    def awaits_files(self) -> bool:
        """Whether there is a zone file of which nothing is known yet. Callable from any thread."""
        return bool(self._awaited_files)

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
            changed = Changed(frozenset(names), frozenset(self._changed_guests))
            self._changed_guests.clear()
        self._hand_out(decisions, sites)
        if revision != self._told_revision:
            self._told_revision = revision
            for watcher in self._watchers:
                watcher.put(changed)
        steady = self._clock.steady()
        waits = [moment - steady for moment in (self._tidy_at, *self._moments.values())]
        return max(0.0, min(*waits, self._remembering.store()))

    def close(self) -> None:
        """Store at once what is not stored yet; after the last step."""
        self._remembering.store(at_once=True)

    def _read_letter(self, letter: object, now: float) -> None:
        match letter:
            case Seen(source=source, guest=guest):
                self._sightings.seen(source, guest, now)
            case Missed(source=source, guest=identity, witnessed=witnessed):
                self._sightings.missed(source, identity, now, witnessed=witnessed)
            case Snapshot() as snapshot:
                self._answers_changed |= self.sources[snapshot.source].answered_at is None
                self._sightings.snapshot(snapshot, now)
            case Down(source=source, reason=reason):
                self._sightings.down(source, reason, now)
            case ZoneFile() as file:
                self._zone_file(file)
            case Claims() as claims:
                self._claims(claims)
            case ConfigFile(error=error):
                _log.error("%s; the last good config stays in force", error)
                self.config_error = error
            case Call() as call:
                call.run()

    # Observations

    def _claims(self, letter: Claims) -> None:
        for claim in letter.claims:
            self._touched |= self._registry.put_claim(claim)
        for identity, assignment in letter.assigned.items():
            if assignment != self._registry.assignment(identity):
                self._assigned(identity, assignment)

    def _assigned(self, identity: GuestId, assignment: Assignment) -> None:
        self._registry.assign(identity, assignment)
        if (known := self._registry.known(identity)) is not None:
            self._put(known)

    def _zone_file(self, file: ZoneFile) -> None:
        before = self.zone_files.get(file.zone)
        self.zone_files[file.zone] = file.error
        if file.error is not None and file.error != before:
            _log.error("%s; the last good version of the zone stays in force", file.error)
        if file.records is None:
            return
        self._touched |= self._registry.put_statics(file.zone, file.records)
        if file.zone in self._awaited_files:
            self._awaited_files.discard(file.zone)
            self._answers_changed = True

    def _announce_answers(self) -> None:
        """Tell publishers and keepers who has not answered since start: what hangs on those waits (law 3)."""
        silent = self._sightings.silent()
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
        self._changed_guests.add(known.id)
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

    def _decide(self, names: Iterable[Name]) -> dict[ZoneId, list[Decision]]:
        decided: defaultdict[ZoneId, list[Decision]] = defaultdict(list)
        for name in names:
            for zone in self._zones_of(name):
                decided[zone].append(self._registry.decide(name, zone.view))
        return decided

    def _hand_out(self, decided: Mapping[ZoneId, list[Decision]], sites: Mapping[Name, Site | None]) -> None:
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

    def _zones_of(self, name: Name) -> Sequence[ZoneId]:
        """The deepest configured zone that holds ``name``, in all its views."""
        while name not in self._zones:
            if len(name) <= 1:
                return ()
            name = name.parent()
        return self._zones[name]

    # Memory

    def _tidy(self, now: float) -> None:
        """Once a minute, drop guests that have left and of whom nothing is published any more."""
        self._tidy_at = self._clock.steady() + FULL_LOOK_EVERY
        for known in self._registry.all_known():
            settings = self._registry.settings(known)
            over = known.gone_since is not None and settings and now >= known.gone_since + settings.grace
            if over and not any(publisher.owns(known.id) for publisher in self._publishers.values()):
                self._touched |= self._registry.forget(known.id)
                self._changed_guests.add(known.id)
                self._remembering.forgotten(known.id)
