"""READ: one worker for each source. Events say where to look; looks become observations."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from skulldns.errors import Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.mailbox import Mailbox
from skulldns.model.guests import Guest, GuestId, GuestState, Hint
from skulldns.model.observations import Down, Missed, Observation, Seen, Snapshot
from skulldns.plan.cadence import (
    ADDRESS_PAUSES,
    RETRY_PAUSES,
    cheaper_to_look_at_everything,
    pause,
)
from skulldns.sources.protocol import Source

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LookAgain:
    """A letter to a looker: look at ``guest`` after ``seconds``."""

    guest: GuestId
    seconds: float


class Looker:
    """Looks at one source: at one guest for an event about it, at everything once a minute and after a gap."""

    def __init__(
        self,
        source: Source,
        deliver: Callable[[Observation], None],
        clock: Clock,
    ) -> None:
        self.source = source
        self.mailbox = Mailbox()
        self._deliver = deliver
        self._clock = clock
        self._full_look_at = -math.inf
        self._retry_at = -math.inf
        self._failures = 0
        self._known = 0
        self._due: dict[GuestId, float] = {}
        self._witnessed: set[GuestId] = set()
        self._without_address: dict[GuestId, int] = {}

    def start(self) -> None:
        """Let the source's events wake this worker."""
        self.source.watch(self.mailbox.put)

    def step(self) -> float | None:
        now = self._clock.steady()
        for letter in self.mailbox.drain():
            self._read_letter(letter, now)
        if now < self._retry_at:
            return self._retry_at - now
        due = sum(at <= now for at in self._due.values())
        if cheaper_to_look_at_everything(due, self._known):
            self._full_look_at = now
        try:
            if now >= self._full_look_at:
                self._look_at_everything()
        except Unavailable as error:
            return self._unavailable(error)
        try:
            for identity in [identity for identity, due in self._due.items() if due <= now]:
                self._look_at(identity)
        except Unavailable:
            # One guest that cannot be read, or the source is gone: a look at everything tells which.
            self._full_look_at = now
            return 0.0
        self._failures = 0
        return max(0.0, min([self._full_look_at, *self._due.values()]) - self._clock.steady())

    def _read_letter(self, letter: object, now: float) -> None:
        match letter:
            case Hint(guest=None):
                self._full_look_at = now
                self._retry_at = now
            case Hint(guest=str() as identity, undefined=undefined):
                self._due[GuestId(identity)] = now
                if undefined:
                    self._witnessed.add(GuestId(identity))
            case LookAgain(guest=identity, seconds=seconds):
                self._due[identity] = min(now + seconds, self._due.get(identity, now + seconds))

    def _look_at_everything(self) -> None:
        started = self._clock.steady()
        guests = tuple(self.source.guests())
        self._full_look_at = started + self._clock.look_every
        self._known = len(guests)
        unreadable = self.source.unreadable()
        self._deliver(Snapshot(self.source.name, guests, unreadable))
        for identity in [*unreadable, *(guest.id for guest in guests)]:
            self._due.pop(identity, None)
            self._witnessed.discard(identity)
        for guest in guests:
            self._plan_next_look(guest)

    def _look_at(self, identity: GuestId) -> None:
        guest = self.source.guest(identity)
        self._due.pop(identity, None)
        witnessed = identity in self._witnessed
        self._witnessed.discard(identity)
        if guest is None:
            self._without_address.pop(identity, None)
            self._deliver(Missed(self.source.name, identity, witnessed))
        else:
            self._deliver(Seen(self.source.name, guest))
            self._plan_next_look(guest)

    def _plan_next_look(self, guest: Guest) -> None:
        """A running guest without an address is looked at again, with growing pauses."""
        if guest.state is not GuestState.RUNNING or guest.addresses:
            self._without_address.pop(guest.id, None)
            return
        tries = self._without_address.get(guest.id, 0)
        if tries < len(ADDRESS_PAUSES):
            self._without_address[guest.id] = tries + 1
            self._due.setdefault(guest.id, self._clock.steady() + ADDRESS_PAUSES[tries])

    def _unavailable(self, error: Unavailable) -> float:
        """Say so, and look at everything when it is back: events may have been missed."""
        if self._failures == 0:
            _log.warning("%s", error)
        self._deliver(Down(self.source.name, str(error)))
        wait = error.retry_after or pause(RETRY_PAUSES, self._failures, self._clock.jitter())
        self._failures += 1
        self._full_look_at = -math.inf
        self._retry_at = self._clock.steady() + wait
        return wait
