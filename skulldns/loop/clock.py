"""Time and chance as arguments."""

from collections.abc import Callable
from dataclasses import dataclass

from skulldns.plan.cadence import FULL_LOOK_EVERY


@dataclass(frozen=True, slots=True)
class Clock:
    """What a worker knows of time, in seconds.

    ``wall`` is Unix time, for what is shown and remembered; it may jump. ``steady`` never goes back, for pauses: a
    jump of the wall clock must neither stop a worker nor hurry it. ``jitter`` draws a number from 0 to 1.
    ``look_every`` is how long a worker at rest waits before it looks at everything again.
    """

    wall: Callable[[], float]
    steady: Callable[[], float]
    jitter: Callable[[], float]
    look_every: float = FULL_LOOK_EVERY
