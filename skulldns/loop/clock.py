"""Time and chance as arguments."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """What a worker knows of time, in seconds.

    ``wall`` is Unix time, for what is shown and remembered; it may jump. ``steady`` never goes back, for pauses: a
    jump of the wall clock must neither stop a worker nor hurry it. ``jitter`` draws a number from 0 to 1.
    """

    wall: Callable[[], float]
    steady: Callable[[], float]
    jitter: Callable[[], float]
