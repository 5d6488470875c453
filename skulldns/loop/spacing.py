"""Keeps the changes of one name, and those for one guest, apart: the first goes at once, the last always arrives."""

from collections.abc import Iterable

from dns.name import Name

from skulldns.model.changes import Change
from skulldns.model.desired import ZONE_FILE
from skulldns.plan.cadence import SAME_NAME_EVERY, spaced


class Spacing:
    """When each name and guest was last sent, and which names wait for their turn. Times are of the steady clock."""

    def __init__(self) -> None:
        self._sent: dict[Name | str, float] = {}
        self._waiting: dict[Name, float] = {}

    def turn(self, changes: Iterable[Change], now: float) -> list[Change]:
        """Those of ``changes`` that may be sent now; the names of the others become due in time."""
        found = []
        for change in changes:
            at = spaced((self._sent.get(key) for key in _keys(change)), now)
            if at <= now:
                found.append(change)
            else:
                self._waiting[change.name] = at
        return found

    def sent(self, changes: Iterable[Change], now: float) -> None:
        """``changes`` were sent at ``now``."""
        self._sent = {key: at for key, at in self._sent.items() if now - at < SAME_NAME_EVERY}
        self._sent.update((key, now) for change in changes for key in _keys(change))

    def turn_of(self, name: Name) -> float:
        """When the turn of a name comes that waits for it."""
        return self._waiting[name]

    def due(self, now: float) -> set[Name]:
        """The names whose turn has come; they wait no more."""
        found = {name for name, at in self._waiting.items() if at <= now}
        for name in found:
            del self._waiting[name]
        return found

    def next_due(self) -> float | None:
        """When the next name's turn comes."""
        return min(self._waiting.values(), default=None)


def _keys(change: Change) -> tuple[Name | str, ...]:
    """What a change is counted for: its name, and its guest. A zone file's names have nothing to do with each other."""
    return (change.name,) if change.owner == ZONE_FILE else (change.name, change.owner)
