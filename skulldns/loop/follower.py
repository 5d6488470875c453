"""WRITE, second half: one worker for each secondary. Notifies it, waits for the serial, reads back."""

import logging
import math
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from skulldns.errors import Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.mailbox import Call, Mailbox
from skulldns.model.byvalue import concerning
from skulldns.model.records import Key, RRset
from skulldns.model.zones import ZoneId
from skulldns.plan.cadence import FOLLOW_PAUSES, RENOTIFY_AFTER, RETRY_PAUSES, STUCK_AFTER, pause
from skulldns.plan.serials import advanced, reached
from skulldns.targets.protocol import NameServer

_log = logging.getLogger(__name__)

MANY, RECORDS_A_LOOKUP = 200, 5
"""So many RRsets and more are read by a transfer, if one record of it costs less than its share of a look-up."""


@dataclass(frozen=True, slots=True)
class Follow:
    """A letter to a follower: from ``serial`` on, the secondary must answer each key with this (None: nothing).

    ``size`` is how many names the zone has.
    """

    serial: int | None
    expected: Mapping[Key, RRset | None]
    size: int = 0


class Follower:
    """Sees that one secondary serves what the primary serves."""

    def __init__(self, zone: ZoneId, secondary: NameServer, clock: Clock) -> None:
        self.zone = zone
        self.secondary = secondary
        self.mailbox = Mailbox()
        self.serial: int | None = None
        self.down_since: float | None = None
        self.reason: str | None = None
        self.pending: dict[Key, float] = {}
        self._told: Counter[Key] = Counter()
        self._lock = threading.Lock()
        self._expected: dict[Key, RRset | None] = {}
        self._target: int | None = None
        self._size = 0
        self._transfers = True
        self._clock = clock
        self._ahead_since: float | None = None
        self._notify_trouble: str | None = None
        self._notify_failures = 0
        self._tries = 0
        self._stuck_since: float | None = None
        self._failures = 0
        self._notify_at = -math.inf
        self._look_at = -math.inf
        self._next = -math.inf

    def tell(self, letter: Follow) -> None:
        """Take a letter, from any thread; its keys are pending from this moment on."""
        now = self._clock.wall()
        with self._lock:
            for key in letter.expected:
                self.pending.setdefault(key, now)
                self._told[key] += 1
        self.mailbox.put(letter)

    def step(self) -> float | None:
        self._read_letters()
        now = self._clock.steady()
        if now < self._next:
            return self._next - now
        try:
            wait = self._follow(now)
        except Unavailable as error:
            wait = self._unavailable(error)
        self._next = self._clock.steady() + wait
        return wait

    def _read_letters(self) -> None:
        for letter in self.mailbox.drain():
            match letter:
                case Follow(serial=serial, expected=expected, size=size):
                    self._size = size
                    self._take(serial, expected)
                case Call() as call:
                    call.run()

    def _take(self, serial: int | None, expected: Mapping[Key, RRset | None]) -> None:
        now = self._clock.steady()
        moved = serial is not None and serial != self._target
        if moved:
            self._target = serial
            self._look_at = now
        with self._lock:
            self._told -= Counter(expected.keys())
        self._expected.update(expected)
        if (moved or expected) and (self.reason is None or self._failures == 0):
            self._tries, self._notify_at, self._next = 0, now, now

    def _follow(self, now: float) -> float:
        """One try; returns the seconds until the next."""
        if not self._expected and now < self._look_at:
            return self._look_at - now
        if self._expected and now >= self._notify_at:
            self._notify(now)
        before, self.serial = self.serial, self.secondary.serial()
        if self.serial != before:
            self._stuck_since = None
        self._look_at = now + self._clock.look_every
        self._back()
        if self._target is None:
            return pause(FOLLOW_PAUSES, len(FOLLOW_PAUSES))
        if not reached(self.serial, self._target):
            return self._behind(now)
        self._watch_ahead(now)
        return self._read_back()

    def _notify(self, now: float) -> None:
        """Send a NOTIFY; one that is not taken is no reason to stop: the secondary looks by itself too."""
        self._notify_at = now + max(RENOTIFY_AFTER, pause(FOLLOW_PAUSES, self._tries) * 2)
        try:
            self.secondary.notify(self._target)
        except Unavailable as error:
            self._notify_trouble = str(error)
            self._notify_at = now + pause(RETRY_PAUSES, self._notify_failures, self._clock.jitter())
            self._notify_failures += 1
        else:
            self._notify_trouble, self._notify_failures = None, 0

    def _behind(self, now: float) -> float:
        if now >= self._notify_at:
            self._notify(now)
        if self._is_stuck(now):
            cure = "see that it is a secondary of this primary, may transfer the zone and takes our NOTIFY"
            self._say(
                f"{self.secondary.where} still has serial {self.serial} of {self.zone}, "
                f"the primary {self._target}; {self._notify_trouble or cure}"
            )
        return self._soon()

    def _watch_ahead(self, now: float) -> None:
        """A secondary is ahead for a while when others change the primary: the publisher looks once a minute."""
        if self.serial is None or self._target is None or advanced(self._target, self.serial) <= 0:
            self._ahead_since = None
            return
        self._ahead_since = now if self._ahead_since is None else self._ahead_since
        if now - self._ahead_since > 2 * self._clock.look_every:
            self._say(self._ahead())

    def _ahead(self) -> str:
        return (
            f"{self.secondary.where} has serial {self.serial} of {self.zone}, later than the primary's "
            f"{self._target}, so it does not follow; run `rndc retransfer {self._for_rndc}` there, and see that it "
            "is no primary itself"
        )

    def _read_back(self) -> float:
        answers = self._answers()
        right = [key for key, answer in answers.items() if self._is_expected(key, answer)]
        with self._lock:
            for key in right:
                del self._expected[key]
                if not self._told.get(key):  # else a letter about it is on its way
                    self.pending.pop(key, None)
        if right:
            self._stuck_since = None
        if not self._expected:
            self._give_back()
            self._tries, self._stuck_since = 0, None
            if self._ahead_since is None:
                self.reason, self.down_since = None, None
            return max(0.0, self._look_at - self._clock.steady())
        key = min(self._expected)
        if self._is_stuck(self._clock.steady()):
            different = (
                f"{self.secondary.where} has serial {self.serial} but does not answer {key} as the primary does; "
                f"run `rndc retransfer {self._for_rndc}` there, and see that it is no primary itself"
            )
            self._say(different if self._ahead_since is None else self._ahead())
        return self._soon()

    def _is_expected(self, key: Key, answer: RRset | None) -> bool:
        expected = self._expected[key]
        return concerning(answer, expected) == expected

    def _give_back(self) -> None:
        """A dict that was large stays so until it is cleared, also when nothing is in it any more."""
        with self._lock:
            for done in (self._expected, self.pending, self._told):
                if not done:
                    done.clear()

    def _is_stuck(self, now: float) -> bool:
        """Whether it has not moved for so long that a person should hear of it; new letters are no excuse."""
        if self._stuck_since is None:
            self._stuck_since = now
        return now - self._stuck_since >= STUCK_AFTER

    def _soon(self) -> float:
        """Seconds until it is asked again: soon at first, then ever later."""
        wait = pause(FOLLOW_PAUSES, self._tries, self._clock.jitter())
        self._tries += 1
        return wait

    @property
    def _for_rndc(self) -> str:
        """The zone as `rndc` wants it: a view comes after the class."""
        name = self.zone.name.to_text(omit_final_dot=True)
        return name if self.zone.view is None else f"{name} in {self.zone.view}"

    def _answers(self) -> Mapping[Key, RRset | None]:
        """What it serves of what is expected: a large part of the zone is transferred, if it lets us."""
        if not self._expected:
            return {}
        if self._transfers and len(self._expected) > max(MANY, self._size // RECORDS_A_LOOKUP):
            try:
                image = self.secondary.read()
            except Unavailable:
                answers = self.secondary.lookup(self._expected)
                self._transfers = False  # it answers, and does not let us transfer
                return answers
            return {key: image.rrsets.get(key) for key in self._expected}
        return self.secondary.lookup(self._expected)

    def _back(self) -> None:
        if self._failures:
            _log.info("%s: %s answers again", self.zone, self.secondary.where)
            self._tries, self._stuck_since = 0, None
            self._notify_at = -math.inf
            self.reason, self.down_since = None, None
        self._failures = 0

    def _say(self, reason: str) -> None:
        if self.reason is None:
            self.down_since = self._clock.wall()
            _log.warning("%s: %s", self.zone, reason)
        self.reason = reason

    def _unavailable(self, error: Unavailable) -> float:
        self._say(str(error))
        wait = max(error.retry_after or 0.0, pause(RETRY_PAUSES, self._failures, self._clock.jitter()))
        self._failures += 1
        return wait
