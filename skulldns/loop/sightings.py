"""What looks at sources say about guests: who is there, who is missing, who has moved."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from skulldns.desired.askers import replaced
from skulldns.desired.presence import LOOK_AGAIN_AFTER, answers_for, missed, seen
from skulldns.desired.registry import Registry
from skulldns.loop.elsewhere import Elsewhere
from skulldns.loop.looker import LookAgain
from skulldns.loop.mailbox import Mailbox
from skulldns.model.guests import Guest, GuestId, GuestState, SourceName
from skulldns.model.observations import Snapshot
from skulldns.model.presence import Known

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source is: ``reason`` says since when (Unix time) it cannot tell, and why; None while it answers.

    ``unreadable`` are guests that it knows to be there and could not read at the last look at everything.
    """

    answered_at: float | None = None
    down_since: float | None = None
    reason: str | None = None
    unreadable: frozenset[GuestId] = frozenset()


class Sightings:
    """Puts what has changed about a guest into the registry, with ``put``. Times are Unix times."""

    def __init__(
        self, registry: Registry, lookers: Mapping[SourceName, Mailbox], put: Callable[[Known], None]
    ) -> None:
        self.sources = {name: SourceStatus() for name in lookers}
        self._registry = registry
        self._lookers = lookers
        self._put = put
        self._elsewhere = Elsewhere()

    def silent(self) -> list[str]:
        """The sources that have not answered since start."""
        return [str(name) for name, status in self.sources.items() if status.answered_at is None]

    def down(self, source: SourceName, reason: str, now: float) -> None:
        """A source cannot tell: what it said stays (law 3)."""
        status = self.sources[source]
        self.sources[source] = SourceStatus(status.answered_at, status.down_since or now, reason)

    def snapshot(self, snapshot: Snapshot, now: float) -> None:
        """A look at everything that a source has."""
        if self.sources[snapshot.source].down_since is not None:
            _log.info("%s answers again", snapshot.source)
        self.sources[snapshot.source] = SourceStatus(answered_at=now, unreadable=snapshot.unreadable)
        for guest in snapshot.guests:
            self.seen(snapshot.source, guest, now)
        shown = {guest.id for guest in snapshot.guests} | snapshot.unreadable
        self._elsewhere.snapshot(snapshot.source, shown)
        for known in self._registry.all_known():
            if known.guest.source == snapshot.source and known.id not in shown and known.gone_since is None:
                self.missed(snapshot.source, known.id, now, witnessed=False)

    def seen(self, source: SourceName, guest: Guest, now: float) -> None:
        """A look showed ``guest``."""
        known = self._registry.known(guest.id)
        if known is not None and not answers_for(known, source, guest):
            self._elsewhere.seen(guest)
            return
        self._elsewhere.missed(source, guest.id)
        if guest.state is not GuestState.RUNNING and self._moved(source, guest.id, now):
            return
        after = seen(known, guest, now)
        if after != known:
            self._put(after)

    def missed(self, source: SourceName, identity: GuestId, now: float, *, witnessed: bool) -> None:
        """A look said that there is no such guest; ``witnessed``: its source had announced the end."""
        self._elsewhere.missed(source, identity)
        known = self._registry.known(identity)
        if known is None or not answers_for(known, source, None) or self._moved(source, identity, now):
            return
        after = missed(known, now, witnessed=witnessed or replaced(self._registry, known))
        if after == known:
            return
        self._put(after)
        if after.gone_since is None:
            self._lookers[source].put(LookAgain(identity, LOOK_AGAIN_AFTER))

    def _moved(self, left: SourceName, identity: GuestId, now: float) -> bool:
        """Whether a guest that does not run at ``left`` any more was seen to run elsewhere, and belongs there now."""
        guest = self._elsewhere.take(identity, left)
        if guest is None:
            return False
        self._put(seen(self._registry.known(identity), guest, now))
        self._lookers[guest.source].put(LookAgain(identity, 0.0))
        return True
