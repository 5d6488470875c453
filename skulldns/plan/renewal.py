"""When a certificate is renewed, when a failed try is repeated, when somebody should look: functions of now.

Times are Unix time, lengths seconds. ``chance`` and ``jitter`` are numbers from 0 to 1 that the caller drew.
"""

from skulldns.model.certificates import Certificate, Window
from skulldns.model.issuance import Attempts, Issuance, Suggestion

_DAY = 86_400.0

RETRY_PAUSES = (60.0, 600.0, 6000.0, _DAY)
"""Pauses after failed tries, as CAs ask for; the last repeats."""

RETURN_PAUSES = (60.0, 600.0, 3000.0)
"""Pauses between questions whether a CA that was away is back; the last repeats, so it is found within the hour."""

NOT_READY_PAUSE = 60.0
"""Seconds between looks whether what is seen from here lets a CA be asked."""

LOOK_EVERY = 3600.0
"""Seconds between looks at renewal information where the CA names none: windows may be 2 % of the lifetime."""

SHORT_LIVED = 10 * _DAY
"""Certificates that live shorter are renewed at half of their lifetime, others at two thirds."""

_LONGEST_WAIT = 8 * _DAY
_JITTER = 0.1
_LOOKS_A_LIFE = 20


def usual_moment(certificate: Certificate, state: Issuance) -> float:
    """When to renew where the CA suggests nothing.

    The lifetime counts from when the certificate came: one that is old when it comes must not be due at once.
    """
    begin = (
        state.since
        if certificate.not_before < state.since < certificate.not_after
        else certificate.not_before
    )
    part = 1 / 2 if certificate.lifetime < SHORT_LIVED else 2 / 3
    return begin + (certificate.not_after - begin) * part


def due_at(certificate: Certificate, state: Issuance) -> float:
    """When to renew: at the moment drawn from the CA's window, else at the usual one.

    A certificate that itself came before the usual moment of its predecessor gets a third of its lifetime at least:
    a window that always lies in the past must not order for ever. No suggestion delays into the last tenth.
    """
    moment = _suggested(certificate, state)
    if moment is None:
        return usual_moment(certificate, state)
    if state.early:
        moment = max(moment, certificate.not_before + certificate.lifetime / 3)
    return min(moment, certificate.not_after - certificate.lifetime / 10)


def look_due(certificate: Certificate, state: Issuance, now: float) -> bool:
    """Whether it is time to ask the CA for its renewal window; never after the end (RFC 9773 section 4.3)."""
    if certificate.ari_id is None or now >= certificate.not_after:
        return False
    told = state.suggestion
    return told is None or told.certificate != certificate.ari_id or _come(told.look_at, now)


def looked(
    certificate: Certificate, state: Issuance, window: Window | None, now: float, chance: float
) -> Suggestion:
    """What to remember after a look: the moment drawn earlier stays while the window does (RFC 9773 section 4.2)."""
    assert certificate.ari_id is not None, "look_due says so"
    pause = window.look_again if window else min(LOOK_EVERY, certificate.lifetime / _LOOKS_A_LIFE)
    look_at = now + pause
    if window is None or window.start >= certificate.not_after:
        return Suggestion(certificate.ari_id, look_at)
    told = state.suggestion
    kept = (
        told
        and told.certificate == certificate.ari_id
        and (told.start, told.end) == (window.start, window.end)
    )
    moment = told.moment if told and kept else window.start + (window.end - window.start) * chance
    return Suggestion(certificate.ari_id, look_at, window.start, window.end, moment)


def not_looked(
    certificate: Certificate, state: Issuance, now: float, retry_after: float | None
) -> Suggestion:
    """What to remember after a look that failed: what was known before, and to look again later."""
    assert certificate.ari_id is not None, "look_due says so"
    look_at = now + max(min(LOOK_EVERY, certificate.lifetime / _LOOKS_A_LIFE), retry_after or 0.0)
    told = state.suggestion
    if told is None or told.certificate != certificate.ari_id:
        return Suggestion(certificate.ari_id, look_at)
    return Suggestion(told.certificate, look_at, told.start, told.end, told.moment)


def begun(attempts: Attempts, now: float, jitter: float) -> Attempts:
    """What to write down before a try, as if it will fail: a crash in the middle then counts as a failure too."""
    pause = RETRY_PAUSES[min(attempts.failures, len(RETRY_PAUSES) - 1)] * (1 + jitter * _JITTER)
    return Attempts(attempts.failures + 1, now + pause, attempts.reason)


def failed(
    attempts: Attempts, now: float, reason: str, retry_after: float | None = None, *, waiting: bool = False
) -> Attempts:
    """What to write down after a try that was ``begun`` and failed; the CA's Retry-After is obeyed."""
    next_at = max(attempts.next_at, now + min(retry_after or 0.0, _LONGEST_WAIT))
    return Attempts(attempts.failures, next_at, reason, waiting)


def not_ready(attempts: Attempts, now: float, reason: str) -> Attempts:
    """What to write down where no CA was asked, because of something that is seen from here: look again soon."""
    return Attempts(attempts.failures, now + NOT_READY_PAUSE, reason)


def may_try(attempts: Attempts, now: float) -> bool:
    """Whether the next try may be made."""
    return _come(attempts.next_at, now)


def alarm_at(certificate: Certificate, state: Issuance) -> float:
    """From when on somebody should look: a third of the lifetime is left and what was due has not been done.

    Where a CA suggests a later moment than that, nothing is wrong before it.
    """
    return max(certificate.not_after - certificate.lifetime / 3, due_at(certificate, state))


def clock_is_behind(certificate: Certificate, now: float) -> bool:
    """Whether ``now`` lies before a certificate that we have was made: nothing is decided by such a clock."""
    return now < certificate.not_before - _DAY


def _suggested(certificate: Certificate, state: Issuance) -> float | None:
    told = state.suggestion
    return told.moment if told and told.certificate == certificate.ari_id else None


def _come(at: float, now: float) -> bool:
    """Whether ``at`` has come; one further away than any pause was written by a clock that was ahead."""
    return at <= now or at > now + _LONGEST_WAIT + _DAY
