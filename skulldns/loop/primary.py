"""A zone's primary as a publisher sees it: what it serves, at which serial, and who follows it."""

import logging
from collections.abc import Callable, Container, Mapping, Sequence

from dns.name import Name

from skulldns.loop.follower import MANY, Follow
from skulldns.loop.zonestate import ZoneState
from skulldns.model.records import Key, RRset
from skulldns.model.zones import ZoneId
from skulldns.plan.serials import advanced
from skulldns.targets.protocol import NameServer, ZoneImage

_log = logging.getLogger(__name__)


class Primary:
    """Keeps ``state.current`` true. ``stale`` asks for a read even if the serial looks as we left it."""

    def __init__(
        self,
        zone: ZoneId,
        server: NameServer,
        followers: Sequence[Callable[[Follow], None]],
        state: ZoneState,
    ) -> None:
        self.server = server
        self.serial: int | None = None
        self.stale = True
        self._zone = zone
        self._followers = followers
        self._state = state

    def read(self) -> set[Name]:
        """Bring ``current`` up to date; one query when the serial is as we left it. Returns the names that changed."""
        if self.serial is None:
            return self._read_all()
        serial = self.server.serial()
        if advanced(self.serial, serial) < 0:
            _log.warning(
                "%s: %s went back from serial %d to %d; the zone is read as a whole",
                self._zone,
                self.server.where,
                self.serial,
                serial,
            )
            return self._read_all()
        if serial != self.serial or self.stale:
            return self._read_changes(self.serial)
        return set()

    def read_back(self, expected: Mapping[Key, RRset | None], taken: int) -> Mapping[Key, RRset | None]:
        """Ask for what the server should have made of ``taken`` updates; the followers are told to do the same.

        Of many, the difference to what the server had is transferred instead. A key that the server could not
        answer is left out. Each update moves the serial by one; if it moved
        otherwise, somebody else changed the zone too, and it is read from where we last knew it.
        """
        before = self.serial
        serial = self.server.serial()
        self.tell(expected, serial)
        if before is not None and len(expected) > MANY:
            self._read_changes(before, told=expected)
            return {key: self._state.served(key) for key in expected}
        answers = self.server.lookup(expected)
        for key, rrset in answers.items():
            self._state.serve(key, rrset)
        if before is not None and not self.stale and advanced(before, serial) == taken:
            self.serial = serial
        else:
            self.stale = True
        return answers

    def tell(self, expected: Mapping[Key, RRset | None], serial: int | None = None) -> None:
        """Tell the followers what the secondaries must answer from ``serial`` on (None: from ours)."""
        letter = Follow(self.serial if serial is None else serial, expected, self._state.size())
        for follower in self._followers:
            follower(letter)

    def _read_all(self) -> set[Name]:
        image = self.server.read()
        self._state.serve_all(image.rrsets)
        self.serial, self.stale = image.serial, False
        self.tell(self._state.owned_keys())
        return self._state.names()

    def _read_changes(self, since: int, told: Container[Key] = ()) -> set[Name]:
        delta = self.server.read_since(ZoneImage(since, self._state.image()))
        known, changed = self._state.image(), set()
        for key, rrset in delta.rrsets.items():
            if known.get(key) != rrset:
                self._state.serve(key, rrset)
                changed.add(key.name)
        self.serial, self.stale = delta.serial, False
        # Where somebody else changed what we had, the secondaries must answer that now.
        ours = [key for key in delta.rrsets if key not in told and self._state.entry(key) is not None]
        if ours:
            self.tell({key: self._state.served(key) for key in ours})
        return changed
