"""How often a machine may ask: a bucket of tokens for each, in this process's memory.

Of several processes each lets through its part, so that together they keep the rate and none writes for it.
"""

import threading
from dataclasses import dataclass

from flask import current_app

from webui.context import settings

_KEY = "skulldns limits"
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` requests at once; then one more for each ``1 / per_second``."""

    burst: int
    per_second: float


class Limiter:
    """Counts requests by key, as one of ``processes`` that do so.

    May be used by many threads. Nothing is kept of who has not asked for a while.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._lock = threading.Lock()
        self._levels: dict[tuple[Rate, str], tuple[float, float]] = {}

    def wait(self, key: str, rate: Rate, now: float) -> float:
        """Count one request; the seconds to wait if that is one too many, otherwise 0."""
        rate = self._part(rate)
        with self._lock:
            if len(self._levels) >= _MOST:
                self._sweep(now)
            level, at = self._levels.get((rate, key), (float(rate.burst), now))
            level = min(float(rate.burst), level + max(0.0, now - at) * rate.per_second)
            if level < 1.0:
                self._levels[rate, key] = level, now
                return (1.0 - level) / rate.per_second
            self._levels[rate, key] = level - 1.0, now
            return 0.0

    def _part(self, rate: Rate) -> Rate:
        """What this process lets through of a rate: at least one request, or nobody would get through."""
        return Rate(max(1, rate.burst // self._processes), rate.per_second / self._processes)

    def _sweep(self, now: float) -> None:
        """Forget buckets that are full again, which is as if they had never been."""
        for key, (level, at) in list(self._levels.items()):
            rate = key[0]
            if level + (now - at) * rate.per_second >= rate.burst:
                del self._levels[key]


def limiter() -> Limiter:
    """The limiter of this application."""
    found: Limiter = current_app.extensions.setdefault(_KEY, Limiter(settings().processes))
    return found
