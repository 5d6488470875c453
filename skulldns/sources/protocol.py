"""The contract of everything that knows guests."""

from collections.abc import Callable, Sequence
from typing import Protocol

from skulldns.model.guests import Guest, GuestId, Hint, SourceName


class Source(Protocol):
    """Knows guests. Looks answer the truth of this moment, or raise; events only say where to look.

    One thread calls ``guests`` and ``guest``; ``close`` may come from any thread. A call blocks until the
    source answers or is given up as unavailable, at most about half a minute.
    """

    @property
    def name(self) -> SourceName:
        """How status, logs and errors call this source."""

    def watch(self, wake: Callable[[Hint], None]) -> None:
        """Start to call ``wake`` on each event, from a thread of the source's own.

        Call it once, before the first look. It returns at once and never raises: a source that cannot be
        reached yet connects when it is looked at. ``wake`` does not block. After a lost connection, and after
        each new one, the source wakes with a Hint for everything, since events in between were missed.
        """

    def guests(self) -> Sequence[Guest]:
        """Look at every guest: defined, running or stopped.

        Raises ``Unavailable`` when the source cannot tell; an empty answer means that it says there are none.
        A guest that fails to be read while others can be is reported with what is known of it by the last
        good look, or left to ``unreadable``.
        """

    def guest(self, identity: GuestId) -> Guest | None:
        """Look at one guest, with a number of requests that does not depend on how many guests there are.

        None means that the source says there is no such guest. Raises ``Unavailable`` when it cannot tell.
        """

    def unreadable(self) -> frozenset[GuestId]:
        """Guests that the last ``guests`` knew to exist but could not read: neither seen nor missing."""

    def close(self) -> None:
        """Stop events and give back what is open. Further calls raise ``Unavailable``."""
