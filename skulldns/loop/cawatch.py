"""Which CAs are away: nobody else asks one of them until a ping has found it again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from skulldns.errors import SkullDNSError, Unavailable
from skulldns.loop.clock import Clock
from skulldns.plan.cadence import pause
from skulldns.plan.renewal import RETURN_PAUSES
from skulldns.targets.protocol import CertificateAuthority

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Away:
    ping_at: float
    reason: str
    pings: int = 0


class CaWatch:
    """Pings CAs that failed, with growing pauses: one that is back is found within the hour."""

    def __init__(self, authorities: Sequence[CertificateAuthority], clock: Clock) -> None:
        self._authorities = {one.directory: one for one in authorities}
        self._clock = clock
        self._away: dict[str, _Away] = {}

    def reason(self, authority: CertificateAuthority) -> str | None:
        """Why a CA is not asked now; None if it may be."""
        away = self._away.get(authority.directory)
        return away.reason if away else None

    def lost(self, authority: CertificateAuthority, error: Unavailable) -> None:
        """It failed: leave it alone for a while."""
        if authority.directory not in self._away:
            _log.warning("%s", error)
        wait = max(pause(RETURN_PAUSES, 0, self._clock.jitter()), error.retry_after or 0.0)
        self._away[authority.directory] = _Away(self._clock.steady() + wait, str(error))

    def step(self) -> bool:
        """Ping what is due; whether a CA is back that pings had not found."""
        returned = False
        for directory, away in list(self._away.items()):
            if away.ping_at <= self._clock.steady():
                returned |= self._ping(directory, away)
        return returned

    @property
    def next_at(self) -> float | None:
        """When the next ping is due, on the steady clock."""
        return min((away.ping_at for away in self._away.values()), default=None)

    def _ping(self, directory: str, away: _Away) -> bool:
        try:
            self._authorities[directory].ping()
        except SkullDNSError as error:
            away.pings += 1
            away.reason = str(error)
            away.ping_at = self._clock.steady() + pause(RETURN_PAUSES, away.pings, self._clock.jitter())
            return False
        del self._away[directory]
        if away.pings:
            _log.info("%s answers again", directory)
        return away.pings > 0
