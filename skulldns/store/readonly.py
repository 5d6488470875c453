"""Memory for looking only: what was remembered is read, nothing is written."""

from collections.abc import Iterable, Sequence

from skulldns.model.guests import GuestId
from skulldns.model.presence import Known
from skulldns.store.protocol import GuestMemory


class ReadOnlyGuests:
    """Keeps ``GuestMemory`` for `plan`, `status` and `why` without a running daemon."""

    def __init__(self, memory: GuestMemory) -> None:
        self._memory = memory

    def known(self) -> Sequence[Known]:
        return self._memory.known()

    def remember(self, known: Iterable[Known], forgotten: Iterable[GuestId]) -> None:
        """Looking leaves no trace."""
