"""Tells the members' page now and then how everything is."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict

from skulldns.errors import SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.health import Ping
from skulldns.loop.mailbox import Mailbox
from skulldns.store.protocol import ViewMemory

_EVERY = 30.0
"""Seconds; the page takes a daemon that says nothing for three minutes for one that has stopped."""

_log = logging.getLogger(__name__)


class Telling:
    """Writes what ``pings`` finds, with the moment, into the store."""

    def __init__(self, pings: Callable[[], Sequence[Ping]], memory: ViewMemory, clock: Clock) -> None:
        self.mailbox = Mailbox()
        self._pings = pings
        self._memory = memory
        self._clock = clock

    def step(self) -> float:
        self.mailbox.drain()
        try:
            self._memory.show_health(
                {"at": self._clock.wall(), "pings": [asdict(ping) for ping in self._pings()]}
            )
        except SkullDNSError as error:
            _log.error("how everything is cannot be written: %s", error)
        return _EVERY
