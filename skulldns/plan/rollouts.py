"""When the proxy gets its new files: a reload costs it new workers, so changes that come together share one."""

APART = 1.0
"""Seconds at least between two roll-outs."""

QUIET = 0.25
"""Seconds without a change after which what has gathered is rolled out."""

PATIENCE = 5.0
"""Seconds after which it is rolled out in any case."""

DRIFT_EVERY = 60.0
"""Seconds between two looks for files that somebody edited."""


def wait(now: float, last: float, first: float, latest: float, *, urgent: bool = True) -> float:
    """Seconds until changes may be rolled out that came from ``first`` to ``latest``, after the roll-out at ``last``.

    An urgent change that comes alone goes at once. In a stream of changes three roll-outs serve 10 s.
    """
    if urgent and first - last >= APART:
        return 0.0
    settled = min(latest + QUIET, first + PATIENCE)
    return max(0.0, max(settled, last + APART) - now)
