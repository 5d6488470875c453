"""Members' claims, for the daemon: woken by the store's bell, it hands to the engine what has changed.

It also ends what is over by itself: approvals that nobody gave, confirmations that nobody made, quarantines.
"""

import logging
import math
from collections.abc import Mapping
from functools import partial

from skulldns.desired.policy.rules import Timing
from skulldns.desired.policy.states import ended
from skulldns.errors import SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.letters import Claims
from skulldns.loop.mailbox import Mailbox
from skulldns.model.assignments import Assignment
from skulldns.model.claims import Claim, Surroundings
from skulldns.model.guests import GuestId
from skulldns.store.protocol import AssignmentMemory, ClaimMemory

LOOK_EVERY = 2.0
"""Seconds between two looks without a ring: a lost one costs that much."""

_JUMP, _AWAY, _UNSURE_FOR = 3600.0, 86_400.0, 86_400.0
"""Seconds."""

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
        self._assigned: Mapping[GuestId, Assignment] = {}
        self._ahead = clock.wall() - clock.steady()
        self._sure_at = self._sure_from()

    def load(self) -> tuple[Claim, ...]:
        """All claims as they are, for the engine to begin with."""
        found, self._revision = self._changed()
        return found

    def step(self) -> float:
        self.mailbox.drain()
        try:
            self._end()
            changed, revision = self._changed()
            assigned = self._assignments.assignments()
        except SkullDNSError as error:
            if self.trouble is None:
                _log.error("%s", error)
            self.trouble = str(error)
            return LOOK_EVERY
        self.trouble = None
        # Not everything that is assigned: what the engine itself has stored since would be undone.
        gone = dict.fromkeys(self._assigned.keys() - assigned.keys(), Assignment())
        others = {one: now for one, now in assigned.items() if self._assigned.get(one) != now}
        if changed or gone or others:
            self._engine.put(Claims(changed, gone | others))
        self._revision, self._assigned = revision, assigned
        return LOOK_EVERY

    def _changed(self) -> tuple[tuple[Claim, ...], int]:
        """What has changed since the last look, and the revision of the newest of it."""
        found: list[Claim] = []
        revision = self._revision
        while part := self._claims.changed_since(revision):
            found += part
            revision = part[-1].revision
        return tuple(found), revision

    def _end(self) -> None:
        if not self._is_sure():
            return
        now = self._clock.wall()
        for claim in self._claims.due(now):
            self._claims.change(claim.id, partial(_ended, now=now, times=self._times), "end", now)

    def _is_sure(self) -> bool:
        """Whether the wall clock can be trusted: after a jump nothing ends by itself for a day, as it may jump back."""
        ahead = self._clock.wall() - self._clock.steady()
        if abs(ahead - self._ahead) > _JUMP:
            self._sure_at = self._clock.steady() + _UNSURE_FOR
            _log.warning(
                "the clock has jumped by %.0f s; no claim ends by itself for a day", ahead - self._ahead
            )
        self._ahead = ahead
        return self._clock.steady() >= self._sure_at

    def _sure_from(self) -> float:
        """When the clock may be trusted that the daemon starts with: wrong ones are far from what was last written."""
        written = self._claims.last_written()
        away = 0.0 if written is None else self._clock.wall() - written
        if abs(away) <= _AWAY:
            return -math.inf
        _log.warning(
            "by the clock the store was last written %.0f s ago; no claim ends by itself for a day", away
        )
        return self._clock.steady() + _UNSURE_FOR


def _ended(claim: Claim, _: Surroundings, *, now: float, times: Timing) -> Claim:
    return ended(claim, now, times) or claim
