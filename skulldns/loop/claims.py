"""Members' claims, for the daemon: woken by the store's bell, it hands to the engine what has changed.

It also ends what is over by itself: approvals that nobody gave, confirmations that nobody made, quarantines.
"""

import logging
from functools import partial

from skulldns.desired.policy.rules import Timing
from skulldns.desired.policy.states import ended
from skulldns.errors import SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.letters import Claims
from skulldns.loop.mailbox import Mailbox
from skulldns.model.claims import Claim, Surroundings
from skulldns.store.protocol import AssignmentMemory, ClaimMemory

LOOK_EVERY = 2.0
"""Seconds between two looks without a ring: a lost one costs that much."""

_log = logging.getLogger(__name__)


class Rang:
    """A letter: the bell rang, so something in the store has changed."""


class ClaimWatch:
    """Passes on every change of claims and of what is assigned to guests, in the order in which they were made."""

    def __init__(
        self, claims: ClaimMemory, assignments: AssignmentMemory, engine: Mailbox, times: Timing, clock: Clock
    ) -> None:
        self.mailbox = Mailbox()
        self.trouble: str | None = None
        self._claims = claims
        self._assignments = assignments
        self._engine = engine
        self._times = times
        self._clock = clock
        self._revision = 0

    def load(self) -> tuple[Claim, ...]:
        """All claims as they are, for the engine to begin with."""
        found: list[Claim] = []
        while part := self._claims.changed_since(self._revision):
            found += part
            self._revision = part[-1].revision
        return tuple(found)

    def step(self) -> float:
        self.mailbox.drain()
        try:
            self._end()
            changed = self.load()
            assigned = self._assignments.assignments()
        except SkullDNSError as error:
            if self.trouble is None:
                _log.error("%s", error)
            self.trouble = str(error)
            return LOOK_EVERY
        self.trouble = None
        self._engine.put(Claims(changed, assigned))
        return LOOK_EVERY

    def _end(self) -> None:
        now = self._clock.wall()
        for claim in self._claims.due(now):
            self._claims.change(claim.id, partial(_ended, now=now, times=self._times), "end", now)


def _ended(claim: Claim, _: Surroundings, *, now: float, times: Timing) -> Claim:
    return ended(claim, now, times) or claim
