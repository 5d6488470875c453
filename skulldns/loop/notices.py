"""Tells members, admins and programs what happens to names: by mail and webhooks, once, and in nobody's way.

What is to be told is written down first, for each receiver. Then it is told, and that is written down too. After a
crash between the two it is told a second time, under the same identity; nothing is lost.
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping

from skulldns.desired.notices import (
    about,
    certificate_name,
    is_live,
    live,
    may_come_alive,
    of_alarm,
    receivers,
)
from skulldns.desired.policy.rules import Timing
from skulldns.errors import Refused, SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.mailbox import Mailbox
from skulldns.model.alarms import Alarm
from skulldns.model.claims import Claim
from skulldns.model.notices import Delivery, Kind, Notice
from skulldns.plan.telling import (
    HOUR,
    KEPT,
    LOOK_AT_ALL_EVERY,
    LOOK_EVERY,
    LOOK_FOR_TROUBLE_EVERY,
    PER_HOUR,
    TROUBLE_OVER_AFTER,
    again,
)
from skulldns.store.protocol import ClaimMemory, NoticeMemory
from skulldns.targets.protocol import Notifier

_MOST_WAITING = 500
"""Of how many names it is watched whether they come alive; a flood of claims is news about itself."""

_log = logging.getLogger(__name__)


class NoticeWatch:
    """``notifiers`` tell: the one for ``mail``, and one for each webhook by its address, which wants some ``hooks``.

    ``troubles`` are the alarms that there are now.
    """

    def __init__(
        self,
        memory: NoticeMemory,
        claims: ClaimMemory,
        troubles: Callable[[], Iterable[Alarm]],
        notifiers: Mapping[str, Notifier],
        hooks: Mapping[str, Iterable[Kind]],
        times: Timing,
        clock: Clock,
    ) -> None:
        self.mailbox = Mailbox()
        self._memory = memory
        self._claims = claims
        self._troubles = troubles
        self._notifiers = notifiers
        self._hooks = hooks
        self._times = times
        self._clock = clock
        self._revision = 0
        self._all_at = -math.inf
        self._trouble_at = -math.inf
        self._waiting: dict[str, Claim] = {}

    def step(self) -> float:
        self.mailbox.drain()
        try:
            self._look(self._clock.wall())
            self._send()
        except SkullDNSError as error:
            _log.error("nobody can be told anything just now: %s", error)
        return LOOK_EVERY

    def _look(self, now: float) -> None:
        """Write down what is to be told."""
        notices: list[Notice] = []
        everything = self._clock.steady() >= self._all_at
        if everything:
            self._all_at = self._clock.steady() + LOOK_AT_ALL_EVERY
            self._revision = 0
        if self._clock.steady() >= self._trouble_at:
            self._trouble_at = self._clock.steady() + LOOK_FOR_TROUBLE_EVERY
            notices += self._in_trouble(now)
        while part := self._claims.changed_since(self._revision):
            self._revision = part[-1].revision
            for claim in part:
                notices += about(claim, now, self._times)
                self._watch(claim, now)
        self._note([*notices, *self._came_alive(now)], now)
        if everything:  # after what is still so was seen again
            self._memory.sweep(now - TROUBLE_OVER_AFTER, now - KEPT)

    def _in_trouble(self, now: float) -> list[Notice]:
        alarms = [
            (alarm, name) for alarm in self._troubles() if (name := certificate_name(alarm)) is not None
        ]
        holders = self._memory.holders(name for _, name in alarms)
        found = (of_alarm(alarm, holders, now) for alarm, _ in alarms)
        return [notice for notice in found if notice is not None]

    def _watch(self, claim: Claim, now: float) -> None:
        if not may_come_alive(claim, now):
            self._waiting.pop(claim.id, None)
        elif len(self._waiting) < _MOST_WAITING:
            self._waiting[claim.id] = claim

    def _came_alive(self, now: float) -> list[Notice]:
        self._waiting = {key: one for key, one in self._waiting.items() if may_come_alive(one, now)}
        if not self._waiting:
            return []
        views = self._memory.views(claim.name for claim in self._waiting.values())
        alive = [claim for claim in self._waiting.values() if is_live(views.get(claim.name))]
        for claim in alive:
            del self._waiting[claim.id]
        return [live(claim, now) for claim in alive]

    def _note(self, notices: list[Notice], now: float) -> None:
        if not notices:
            return
        members = self._memory.members(one.member for one in notices if one.member is not None)
        admins = self._memory.admins()
        mail = "mail" in self._notifiers
        self._memory.put(
            [
                (notice, to)
                for notice in notices
                for to in receivers(notice, members.get(notice.member or ""), admins, self._hooks, mail=mail)
            ],
            now,
        )

    def _send(self) -> None:
        """Tell what is due, each once; a receiver that cannot be told keeps nobody else waiting for long."""
        silent: set[str] = set()
        for delivery in self._memory.due(self._clock.wall()):
            now = self._clock.wall()
            notifier = self._notifiers.get(_way(delivery.to))
            if notifier is None:
                self._memory.failed(delivery, None)
            elif delivery.to in silent or self._memory.told_since(delivery.to, now - HOUR) >= PER_HOUR:
                self._memory.postpone(delivery, now + HOUR / PER_HOUR)
            elif not self._tell(notifier, delivery):
                silent.add(delivery.to)

    def _tell(self, notifier: Notifier, delivery: Delivery) -> bool:
        try:
            notifier.tell(delivery)
        except Refused as error:
            _log.error("%s is not told: %s", delivery.to, error)
            self._memory.failed(delivery, None)
        except SkullDNSError as error:
            due = again(delivery.tries + 1, self._clock.wall(), self._clock.jitter())
            _log.warning("%s could not be told%s: %s", delivery.to, "" if due else ", and will not be", error)
            self._memory.failed(delivery, due)
        else:
            self._memory.told(delivery, self._clock.wall())
            return True
        return False


def _way(to: str) -> str:
    """Which notifier a receiver needs: ``mail``, or its own address."""
    kind, _, rest = to.partition(":")
    return kind if kind == "mail" else rest
