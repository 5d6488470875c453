"""Ask guest agents without letting a silent one hold up the look at all other guests."""

import time
from collections.abc import Callable, Mapping

import libvirt

from skulldns.model.guests import GuestId
from skulldns.sources.libvirt.addresses import Sighting

Ask = Callable[[], Sighting]
"""Ask one agent; raises ``libvirt.libvirtError``."""


class Agents:
    """Remembers what each agent said last, and says it again while the agent is silent.

    Libvirt waits 5 s for an agent that does not answer. So a silent one is left alone for ``rest`` seconds,
    and one look spends at most about ``budget`` seconds on agents.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, rest: float = 300.0, budget: float = 6.0
    ) -> None:
        self._clock = clock
        self._rest = rest
        self._budget = budget
        self._said: dict[GuestId, Sighting] = {}
        self._silent_until: dict[GuestId, float] = {}
        self._look_until = 0.0

    def begin_look(self) -> None:
        """Give the look that begins now its budget."""
        self._look_until = self._clock() + self._budget

    def ask(self, guest: GuestId, ask: Ask) -> Sighting:
        """Return what the guest's agent says, or said last. Raises nothing."""
        now = self._clock()
        if now < self._look_until and self._silent_until.get(guest, now) <= now:
            try:
                self._said[guest] = ask()
                self._silent_until.pop(guest, None)
            except libvirt.libvirtError:
                self._silent_until[guest] = self._clock() + self._rest
        return self._said.get(guest, {})

    def awake(self, guest: GuestId) -> None:
        """Ask this one again at the next look: it was started, or its agent came or went."""
        self._silent_until.pop(guest, None)

    def forget(self, guest: GuestId) -> None:
        """Drop what the agent of a stopped guest said."""
        self._said.pop(guest, None)
        self._silent_until.pop(guest, None)

    def keep(self, guests: Mapping[GuestId, object]) -> None:
        """Forget all but these."""
        for guest in {*self._said, *self._silent_until} - guests.keys():
            self.forget(guest)
