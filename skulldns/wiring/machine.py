"""The machine that we run on: its disk, its clock, and the database."""

import shutil
from collections.abc import Callable
from pathlib import Path

from skulldns.errors import Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.health import Machine

_JUMP = 10.0
"""Seconds by which a time service corrects a clock without anybody noticing."""

_TOLD_FOR = 3600.0
"""Seconds for which a jump is told."""


class MachineLook:
    """Looks at the machine when asked. A jump of the clock is one since the last look, or since the beginning."""

    def __init__(self, state: Path, write: Callable[[], None], clock: Clock) -> None:
        self._state = state
        self._write = write
        self._clock = clock
        self._offset = clock.wall() - clock.steady()
        self._jump: tuple[float, float] | None = None

    def __call__(self) -> Machine:
        """How it is now; from any thread."""
        trouble = None
        try:
            self._write()
        except Unavailable as error:
            trouble = str(error)
        there = next(path for path in (self._state, *self._state.parents) if path.exists())
        usage = shutil.disk_usage(there)
        return Machine(str(self._state), trouble, usage.free, usage.total, self._jumped())

    def _jumped(self) -> float:
        steady = self._clock.steady()
        offset = self._clock.wall() - steady
        if abs(offset - self._offset) > _JUMP:
            self._jump = (steady, offset - self._offset)
        self._offset = offset
        if self._jump is None or steady - self._jump[0] > _TOLD_FOR:
            return 0.0
        return self._jump[1]
