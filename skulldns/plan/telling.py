"""When a notice is tried again, and how many are sent to one receiver: data and functions of now."""

HOUR = 3600.0

RETRIES = (60.0, 300.0, 1800.0, 2 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 24 * HOUR)
"""Seconds after each failed try; after the last one it is given up (RFC 5321 section 4.5.4.1 asks for 4 to 5 days)."""

PER_HOUR = 30
"""The most that one receiver is told in an hour; the rest waits."""

LOOK_EVERY = 2.0
"""Seconds between two looks at what changed, without a ring."""

LOOK_FOR_TROUBLE_EVERY = 300.0
"""Seconds between two looks for trouble with certificates, which lasts for longer."""

LOOK_AT_ALL_EVERY = HOUR
"""Seconds between two looks at all claims: what only time brings is due for days."""

TROUBLE_OVER_AFTER = 6 * HOUR
"""Seconds without trouble after which trouble with the same certificate is news again."""

KEPT = 400 * 86_400.0
"""Seconds for which it is remembered what was told: longer than the year between two confirmations."""


def again(tries: int, now: float, jitter: float) -> float | None:
    """When to try again after ``tries`` failures, as Unix time; None: never.

    ``jitter`` from 0 to 1 adds up to a tenth.
    """
    return now + RETRIES[tries - 1] * (1 + jitter / 10) if tries <= len(RETRIES) else None
