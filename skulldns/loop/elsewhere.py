"""Guests that run on a second host too, as while they migrate: remembered until the first one lets go."""

from collections.abc import Collection

from skulldns.model.guests import Guest, GuestId, GuestState, SourceName


class Elsewhere:
    """The last sighting of each guest by a source that does not answer for it.

    A migration shows the guest on its new host before it leaves the old one. With this sighting it moves over in the
    same moment, and its names are never without a guest.
    """

    def __init__(self) -> None:
        self._seen: dict[GuestId, Guest] = {}

    def seen(self, guest: Guest) -> None:
        """A source that does not answer for ``guest`` shows it."""
        if guest.state is GuestState.RUNNING:
            self._seen[guest.id] = guest
        else:
            self.missed(guest.source, guest.id)

    def missed(self, source: SourceName, guest: GuestId) -> None:
        """``source`` does not show the guest."""
        if guest in self._seen and self._seen[guest].source == source:
            del self._seen[guest]

    def snapshot(self, source: SourceName, shown: Collection[GuestId]) -> None:
        """``source`` shows these guests and no others."""
        for guest in [one for one in self._seen if one not in shown]:
            self.missed(source, guest)

    def take(self, guest: GuestId, left: SourceName) -> Guest | None:
        """Where the guest runs now that it has ``left`` a source; None if nobody else has shown it."""
        found = self._seen.get(guest)
        if found is None or found.source == left:
            return None
        return self._seen.pop(guest)
