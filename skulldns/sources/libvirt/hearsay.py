"""Ask what only a guest itself vouches for, its agent or ARP, without letting that hold up a look."""

import math
import time
from collections.abc import Callable, Iterable

import libvirt

from skulldns.model.guests import GuestId
from skulldns.sources.libvirt.addresses import Sighting

Ask = Callable[[], Sighting]
"""Ask about one guest; raises ``libvirt.libvirtError``."""


class Hearsay:
    """Remembers what was said last of each guest, and says it again while there is no answer.

    Libvirt waits 5 s for an agent that does not answer. So a silent guest is left alone for ``rest`` seconds,
    and one look spends at most about ``budget`` seconds here.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, rest: float = 300.0, budget: float = 6.0
    ) -> None:
        self._clock = clock
        self._rest = rest
        self._budget = budget
        self._said: dict[GuestId, Sighting] = {}
        self._asked: dict[GuestId, float] = {}
        self._silent_until: dict[GuestId, float] = {}
        self._look_until = 0.0

    def begin_look(self) -> None:
        """Give the look that begins now its budget."""
        self._look_until = self._clock() + self._budget

    def ask(self, guest: GuestId, ask: Ask) -> Sighting:
        """Return what is said of the guest, or was said last. Raises nothing."""
        now = self._clock()
        if now < self._look_until and self._silent_until.get(guest, now) <= now:
            self._asked[guest] = now
            try:
                self._said[guest] = ask()
                self._silent_until.pop(guest, None)
            except libvirt.libvirtError:
                self._silent_until[guest] = self._clock() + self._rest
        return self._said.get(guest, {})

    def asked(self, guest: GuestId) -> float:
        """When it was asked about last. Who goes first then gets a turn before a budget ends too often."""
        return self._asked.get(guest, -math.inf)

    def awake(self, guest: GuestId) -> None:
        """Ask about this one again at the next look: it was started, or its agent came or went."""
        self._silent_until.pop(guest, None)

    def forget(self, guest: GuestId) -> None:
        """Drop what was said of a guest that stopped."""
        self._said.pop(guest, None)
        self._asked.pop(guest, None)
        self._silent_until.pop(guest, None)

    def keep(self, guests: Iterable[GuestId]) -> None:
        """Forget all but these."""
        for guest in {*self._said, *self._asked, *self._silent_until} - {*guests}:
            self.forget(guest)
