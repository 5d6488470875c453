"""One list of everything that needs a person: guests that do wrong, what has been pending for long, and what the
proxy, a certificate or DNSSEC lacks.
"""

import logging
import math
import threading
from collections.abc import Iterator, Sequence

from dns.name import Name

from skulldns.desired.alarms import guest_alarms, kept
from skulldns.loop.clock import Clock
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.front import Front
from skulldns.loop.mailbox import Mailbox
from skulldns.loop.names import Names
from skulldns.loop.outlooks import Outlooks
from skulldns.loop.publisher import Publisher
from skulldns.model.alarms import Alarm
from skulldns.model.namestate import NameState
from skulldns.plan.cadence import ALARM_AFTER, ALARMS_APART, LOOK_FOR_ALARMS_EVERY

_log = logging.getLogger(__name__)

_MOST_NAMES = 20
"""How many pending names of a zone are an alarm each; of more, only the number is told."""


class Alarms:
    """Looks for alarms when something changed, and now and then; logs each when it comes and when it goes.

    A worker, whose ``look`` may be called from any thread.
    """

    def __init__(
        self, names: Names, clock: Clock, front: Front | None = None, outlooks: Outlooks | None = None
    ) -> None:
        self.mailbox = Mailbox()
        self._outlooks = outlooks
        self._front = front
        self._names = names
        self._engine: Engine = names.engine
        self._clock = clock
        self._lock = threading.Lock()
        self._current: dict[str, Alarm] = {}
        self._looked_at = -math.inf
        self._changed = True

    def step(self) -> float | None:
        self._changed = bool(self.mailbox.drain()) or self._changed
        now = self._clock.steady()
        due = self._looked_at + (ALARMS_APART if self._changed else LOOK_FOR_ALARMS_EVERY)
        if now < due:
            return due - now
        self._looked_at = now
        self._changed = False
        self.look()
        return LOOK_FOR_ALARMS_EVERY

    def look(self) -> tuple[Alarm, ...]:
        """Every alarm there is now, the oldest first."""
        now = self._clock.wall()
        with self._lock:
            before = self._current
            with self._engine.reading():
                found = list(guest_alarms(self._engine.registry, now))
            found += self._late(now)
            found += self._front.alarms(now) if self._front else ()
            found += self._outlooks.alarms() if self._outlooks else ()
            self._current = kept(found, before)
            for key in self._current.keys() - before.keys():
                _log.error("ALARM: %s", self._current[key].what)
            for key in before.keys() - self._current.keys():
                _log.info("the alarm is over: %s", before[key].what)
            return tuple(sorted(self._current.values(), key=lambda alarm: (alarm.since, alarm.key)))

    def _late(self, now: float) -> Iterator[Alarm]:
        """What has been wrong or pending for long: sources, servers, names."""
        for source, status in list(self._engine.sources.items()):
            if status.reason is not None and _is_late(status.down_since, now):
                yield Alarm(f"source {source}", status.reason, None, status.down_since or now)
        for zone, publisher in self._names.publishers.items():
            followers = self._names.followers.get(zone, ())
            yield from _late_servers(publisher, followers, now)
            yield from self._late_names(publisher, followers, now)

    def _late_names(self, publisher: Publisher, followers: Sequence[Follower], now: float) -> Iterator[Alarm]:
        """Names whose change does not arrive, unless a server's own alarm says why."""
        if publisher.trouble:
            return
        late = {
            key.name for key, (since, _) in list(publisher.writer.pending.items()) if _is_late(since, now)
        }
        for follower in followers:
            if not follower.reason:
                late |= {key.name for key, since in list(follower.pending.items()) if _is_late(since, now)}
        for name in sorted(late)[:_MOST_NAMES]:
            yield from self._late_name(name, publisher, now)
        if len(late) > _MOST_NAMES:
            what = f"{len(late)} names of {publisher.zone} are pending for long; see `skulldns status`"
            yield Alarm(f"names {publisher.zone}", what, None, now)

    def _late_name(self, name: Name, publisher: Publisher, now: float) -> Iterator[Alarm]:
        report = self._names.report(name, publisher, now)
        if report.state is NameState.PENDING and _is_late(report.since, now):
            title = report.name if report.view is None else f"{report.name} in view {report.view}"
            what = f"{title} is pending: {report.reason}"
            yield Alarm(f"name {title}", what, report.owner or None, report.since or now)


def _late_servers(publisher: Publisher, followers: Sequence[Follower], now: float) -> Iterator[Alarm]:
    zone, trouble = publisher.zone, publisher.trouble
    if trouble and _is_late(trouble.since, now):
        yield Alarm(f"primary {zone}", f"{zone} on primary: {trouble.reason}", None, trouble.since)
    for follower in followers:
        since = follower.down_since
        if follower.reason and since is not None and _is_late(since, now):
            key = f"secondary {zone} {follower.secondary.where}"
            yield Alarm(key, f"{zone} on secondary: {follower.reason}", None, since)


def _is_late(since: float | None, now: float) -> bool:
    return since is not None and now - since > ALARM_AFTER
