"""TXT values of members' ACME clients, however they send them (RFC 8555 section 8.4)."""

from threading import BoundedSemaphore

from dns.name import Name

from skulldns.desired.policy.hostnames import any_hostname
from skulldns.model.tokens import Scope
from webui.context import desk, now
from webui.desk import challenges
from webui.limits import Rate, limiter
from webui.machines.callers import Caller, caller

LABEL = "_acme-challenge"
RATE = Rate(burst=60, per_second=0.5)
"""Values of one token: a certificate of many names has two for each."""

_PATIENCE = 5.0
"""Seconds that a client waits for its value to be served; mostly it is within a tenth of one."""
WAITING = 4
"""How many wait at once: half of the page's threads, so that the others are left for people."""
_waiting = BoundedSemaphore(WAITING)


def challenged(text: str) -> Name:
    """The name that is proved at ``text``, which may or may not begin with ``_acme-challenge``.

    Raises ``Refused``, also for names that are in no zone of ours.
    """
    plain = text.strip().lower().removeprefix(f"{LABEL}.").removeprefix("*.")
    name = any_hostname(plain)
    challenges.judge_challenge(desk(), name)
    return name


def acme_caller(login: str, text: str, name: Name | None) -> Caller:
    """Whoever may get certificates for ``name``. Raises ``Refused``."""
    return caller(text, Scope.ACME, name, login=login)


def too_often(found: Caller) -> float:
    """Count one value; the seconds to wait if that is one too many, otherwise 0."""
    return limiter().wait(f"acme {found.token.id}", RATE, now())


def present(found: Caller, name: Name, value: str) -> None:
    """Place a value. Raises ``Refused``."""
    challenges.present(desk(), found.actor, name, value, now())


def replace_oldest(found: Caller, name: Name, value: str, kept: int) -> None:
    """Place a value; of all at that name only the newest ``kept`` stay. Raises ``Refused``."""
    challenges.present(desk(), found.actor, name, value, now(), newest=kept)


def served(name: Name, value: str, patience: float = _PATIENCE) -> bool:
    """Whether all name servers answer a value that was placed.

    Waits for that, at most ``patience`` seconds, and not at all if many wait already.
    """
    if not _waiting.acquire(blocking=False):
        return challenges.served(desk(), name, value, 0.0)
    try:
        return challenges.served(desk(), name, value, patience)
    finally:
        _waiting.release()


def cleanup(found: Caller, name: Name, value: str) -> None:
    """Take a value back. Raises ``Refused``."""
    challenges.cleanup(desk(), found.actor, name, value, now())
