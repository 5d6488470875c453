"""When to look, send and try again: data and functions of now. Nothing here waits."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

FULL_LOOK_EVERY = 60.0
"""Seconds between two looks at everything (law 1)."""

MANY_AT_ONCE = 32
"""From this many guests to look at, a look at everything may be cheaper."""

LOOK_COSTS = 8
"""How many times its share in a look at everything a look at one guest costs (measured with libvirt)."""

REMEMBER_EVERY = 0.2
"""Seconds between two stores of what is known of guests; what is lost is found again by looking."""

ADDRESS_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0, 10.0, 20.0, 30.0)
"""Pauses between looks at a running guest that has no address yet; afterwards the full look suffices."""

FOLLOW_PAUSES = (0.001, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Pauses between questions to a secondary for a new serial; the last repeats."""

STUCK_AFTER = sum(FOLLOW_PAUSES)
"""Seconds after which a secondary that still does not answer as the primary does is spoken of."""

RENOTIFY_AFTER = 0.5
"""Seconds after which a NOTIFY that had no effect is sent again, growing with the pauses."""

RETRY_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses between tries at a server that does not answer; the last repeats."""

SAME_NAME_EVERY = 2.0
"""Seconds at least between two changes of one name, and between two for one guest: a crash loop costs no more."""

LOOK_FOR_ALARMS_EVERY = 30.0
"""Seconds between two looks for alarms while nothing changes."""

ALARMS_APART = 1.0
"""Seconds at least between two looks for alarms while much changes."""

ALARM_AFTER = 300.0
"""Seconds after which something that is still pending is an alarm."""

SURVEY_EVERY = 3600.0
"""Seconds between two looks at our zones from outside: DNSSEC and delegation change slowly."""

SURVEY_ILL_EVERY = 300.0
"""The same while something is ill there, so that a cure is noticed."""

FIRST_SURVEY_AFTER = 10.0
"""Seconds after the start at which they are first looked at: names come before."""


def cheaper_to_look_at_everything(due: int, known: int) -> bool:
    """Whether one look at all ``known`` guests costs less than ``due`` looks at one each (law 2)."""
    return due >= MANY_AT_ONCE and due * LOOK_COSTS >= known


def pause(ladder: tuple[float, ...], attempt: int, jitter: float = 0.0) -> float:
    """The pause in seconds after failed ``attempt`` (from 0); the last of the ladder repeats.

    ``jitter`` from 0 to 1 shortens it by up to a fifth, so that many do not come back in step.
    """
    return ladder[min(attempt, len(ladder) - 1)] * (1 - jitter / 5)


def spaced(last: Iterable[float | None], now: float) -> float:
    """The moment from which something may be sent that was sent at ``last`` (None: never): ``now``, or later."""
    return max([now, *(at + SAME_NAME_EVERY for at in last if at is not None)])


@dataclass(frozen=True, slots=True)
class Pacer:
    """Decides when changes may be sent, so that one change goes at once and a thousand go in few messages.

    A bucket of ``capacity`` tokens, one more every ``refill`` seconds; a send takes one. While tokens are left, a
    change is sent at once. When they run out, changes gather until the next token; or, where ``patience`` is set
    (changes that are not urgent), until nothing was added for ``quiet`` seconds or ``patience`` is over.
    """

    capacity: float = 52.0
    refill: float = 1.2
    quiet: float = 0.25
    patience: float = 0.0
    tokens: float = 52.0
    updated: float = 0.0

    def at(self, now: float) -> "Pacer":
        """The pacer as of ``now``."""
        gained = max(0.0, now - self.updated) / self.refill
        return replace(self, tokens=min(self.capacity, self.tokens + gained), updated=now)

    def wait(self, now: float, first: float, latest: float) -> float:
        """Seconds until what has gathered since ``first``, and was last added to at ``latest``, may be sent."""
        tokens = self.at(now).tokens
        if tokens >= 1:
            return 0.0
        if self.patience:
            return max(0.0, min(latest + self.quiet, first + self.patience) - now)
        return (1 - tokens) * self.refill

    def sent(self, now: float) -> "Pacer":
        """The pacer after a send at ``now``."""
        current = self.at(now)
        return replace(current, tokens=max(0.0, current.tokens - 1))


URGENT = Pacer()
"""For zones that guests get their names in."""

RELAXED = Pacer(capacity=4.0, tokens=4.0, refill=20.0, patience=10.0)
"""For reverse zones."""
