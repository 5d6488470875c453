"""What the host hears of all its guests by ARP and neighbour discovery, read at once."""

import logging
import time
from collections.abc import Callable

from skulldns.errors import Unavailable
from skulldns.model.guests import IPAddress
from skulldns.sources.host.neighbours import Neighbours
from skulldns.sources.libvirt.addresses import Sighting

_log = logging.getLogger(__name__)

_FRESH = 1.0  # seconds; the table is read by a program, which would cost each guest of a burst some 3 ms


class Neighbourhood:
    """The neighbour table of the host that the guests run on, read seldom."""

    def __init__(self, read: Callable[[], Neighbours], clock: Callable[[], float] = time.monotonic) -> None:
        """``read`` may raise ``Unavailable``: then the last table counts on."""
        self._read = read
        self._clock = clock
        self._heard: Sighting = {}
        self._due = clock()
        self._failed = False

    def heard(self) -> Sighting:
        """Return the addresses that each MAC answered for, at most a second old. Raises nothing."""
        if self._clock() >= self._due:
            self._look()
            self._due = self._clock() + _FRESH
        return self._heard

    def changed(self) -> None:
        """Read the table at the next look, however fresh it is. Any thread may call."""
        self._due = self._clock()

    def heard_before(self) -> Sighting:
        """Return what `heard` returned last."""
        return self._heard

    def _look(self) -> None:
        try:
            table = self._read()
        except Unavailable as error:
            if not self._failed:
                _log.warning("%s; what was heard by ARP before counts on", error)
            self._failed = True
            return
        self._failed = False
        heard: dict[str, tuple[IPAddress, ...]] = {}
        for on_device in table.values():
            for mac, ips in on_device.items():
                heard[mac] = (*heard.get(mac, ()), *ips)
        self._heard = heard
