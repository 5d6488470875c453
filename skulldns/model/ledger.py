"""What we published, as frozen values. Law 4: only what is in the ledger is ours."""

from collections.abc import Mapping
from dataclasses import dataclass

from skulldns.model.records import Key, RRset


@dataclass(frozen=True, slots=True)
class Entry:
    """One RRset of ours: what we know to have ``published``, and what an unfinished change ``intended``.

    While ``unfinished``, the zone may hold either (None: no RRset); a read tells which.
    """

    key: Key
    owner: str
    source: str
    reason: str
    published: RRset | None
    intended: RRset | None = None
    unfinished: bool = False

    def covers(self, current: RRset | None) -> bool:
        """Whether ``current``, as read from the server, is what we put there."""
        expected = [self.published, *([self.intended] if self.unfinished else [])]
        return any(current == one if current is None else current.same_data(one) for one in expected)


Ledger = Mapping[Key, Entry]
