"""Stores what is known of guests, several changes together."""

import logging
import math

from skulldns.errors import Unavailable
from skulldns.loop.clock import Clock
from skulldns.model.guests import GuestId
from skulldns.model.presence import Known
from skulldns.plan.cadence import FULL_LOOK_EVERY, REMEMBER_EVERY
from skulldns.store.protocol import GuestMemory

_log = logging.getLogger(__name__)


class Remembering:
    """What is to be stored. The ledger does not wait for it.

    Memory that is older than the ledger delays, but never misleads: the guard changes nothing of a source's guests
    before that has answered.
    """

    def __init__(self, memory: GuestMemory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._changed: dict[GuestId, Known] = {}
        self._forgotten: set[GuestId] = set()
        self._store_at = -math.inf
        self._trouble: str | None = None

    def changed(self, known: Known) -> None:
        self._changed[known.id] = known
        self._forgotten.discard(known.id)

    def forgotten(self, guest: GuestId) -> None:
        self._changed.pop(guest, None)
        self._forgotten.add(guest)

    def nothing_new(self) -> None:
        """All that was told so far is stored already."""
        self._changed.clear()

    def store(self, *, at_once: bool = False) -> float:
        """Store what is due; returns the seconds until the next try is due."""
        now = self._clock.steady()
        if not self._changed and not self._forgotten:
            return FULL_LOOK_EVERY
        if now < self._store_at and not at_once:
            return self._store_at - now
        self._store_at = now + REMEMBER_EVERY
        try:
            self._memory.remember(self._changed.values(), self._forgotten)
        except Unavailable as error:
            if str(error) != self._trouble:
                _log.error("%s", error)
            self._trouble = str(error)
            return REMEMBER_EVERY
        self._trouble = None
        self._changed.clear()
        self._forgotten.clear()
        return FULL_LOOK_EVERY
