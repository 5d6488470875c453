"""Guests of an Incus or LXD daemon, on this host or behind HTTPS."""

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from skulldns.errors import Unavailable
from skulldns.model.guests import Guest, GuestId, Hint, SourceName, Trust
from skulldns.sources.host.holders import Holders
from skulldns.sources.host.neighbours import Claim
from skulldns.sources.incus.answers import BadAnswer
from skulldns.sources.incus.api import Api
from skulldns.sources.incus.endpoint import Endpoint, Ways
from skulldns.sources.incus.events import Changed
from skulldns.sources.incus.line import Line
from skulldns.sources.incus.places import Places
from skulldns.sources.incus.reader import Reader
from skulldns.sources.incus.surroundings import Surroundings
from skulldns.sources.incus.trouble import TROUBLE, trouble

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait for the daemon, in seconds.

    ``connect`` is for reaching it, ``look`` for all requests of one look. ``ping`` is the interval between
    questions on the line of events, and how long an answer may take: a daemon that stopped is noticed after
    their sum, and said when a look that was under way has ended.
    """

    connect: float = 5.0
    look: float = 25.0
    ping: tuple[float, float] = (5.0, 10.0)
    close: float = 2.0


def pause(attempt: int, jitter: float) -> float:
    """Return the seconds from the start of connection attempt `attempt` (counted from 0) to the next.

    1, 2, 4 ... 30 s, shortened by up to half: `jitter` is a number from 0 to 1.
    """
    return min(_FIRST_PAUSE * (1 << min(attempt, 10)), _LONGEST_PAUSE) * (1 - jitter / 2)


class IncusSource:
    """Keeps `skulldns.sources.protocol.Source` for one daemon.

    ``projects`` limits it to these; none means all that the daemon shows. ``leases`` are DHCP lease files of
    this host for bridges that the daemon does not manage, beside the usual ones; they and the neighbour table are
    read for a daemon on this host only.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        name: SourceName,
        projects: Collection[str] = (),
        leases: Collection[Path] = (),
        trust: Trust = Trust(),  # noqa: B008  frozen
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Raises ``ConfigError`` for an endpoint's URL or files that cannot be used. Connects to nothing."""
        self._endpoint = endpoint
        self._name = name
        self._projects = tuple(dict.fromkeys(projects))
        self._surroundings = Surroundings(endpoint, leases)
        self._limits = limits or Limits()
        self._clock = clock
        self._jitter = jitter
        self._ways = Ways(endpoint)
        self._api = Api(self._ways, name, clock, connect=self._limits.connect, look=self._limits.look)
        self._places = Places()
        self._reader = Reader(
            self._api,
            name,
            self._places,
            projects=self._projects,
            trust=trust,
            neighbours=self._surroundings.neighbours,
            other_leases=self._surroundings.leases,
        )
        self._wake: Callable[[Hint], None] = _nobody
        self._looking = threading.Lock()
        self._closed = threading.Event()
        self._line: Line | None = None
        self._attempts = 0
        self._next_attempt = clock()
        self._trouble: Unavailable | None = None
        self._unreadable: frozenset[GuestId] = frozenset()
        self._holders = Holders()

    @property
    def name(self) -> SourceName:
        return self._name

    def watch(self, wake: Callable[[Hint], None]) -> None:
        self._wake = wake

    def guests(self) -> Sequence[Guest]:
        found, self._unreadable = self._look(self._reader.guests)
        self._holders.saw_all(found)
        self._surroundings.in_use(nic.network for guest in found for nic in guest.interfaces if nic.network)
        return found

    def guest(self, identity: GuestId) -> Guest | None:
        found = self._look(lambda: self._reader.guest(identity))
        self._holders.saw(identity, found)
        return found

    def unreadable(self) -> frozenset[GuestId]:
        return self._unreadable

    def close(self) -> None:
        self._closed.set()
        self._wake = _nobody
        # A look under way gives back what is open when it ends.
        if self._looking.acquire(timeout=self._limits.close):
            try:
                self._give_back()
            finally:
                self._looking.release()

    def watch_leases(self) -> None:
        """Wake also for the guests whose leases change in files of this host, until closed.

        Likewise for those that begin to answer ARP for another address. Returns at once. Does nothing for a daemon
        elsewhere.
        """
        self._surroundings.watch(self._leases_changed, self._heard, self._closed)

    # What the line tells, from its threads.

    def instance_changed(self, changed: Changed) -> None:
        if changed.before is not None:
            self._places.rename(changed.before, changed.place)
        gone = changed.deleted
        identity = self._places.remove(changed.place) if gone else self._places.identity(changed.place)
        self._wake(Hint(self._name, identity, gone))

    def anything_changed(self) -> None:
        self._wake(Hint(self._name))

    def line_lost(self, reason: str) -> None:
        _log.warning(
            "%s: events are lost: %s; the line is opened again as soon as possible", self._name, reason
        )
        self._wake(Hint(self._name))

    # The caller's side of a look.

    def _look(self, ask: Callable[[], Result]) -> Result:
        with self._looking:
            if self._closed.is_set():
                raise Unavailable("the source is closed", where=self._name)
            try:
                if self._line is None or self._line.lost:
                    self._listen()
                self._api.begin_look()
                answer = ask()
            except BadAnswer as error:
                raise Unavailable(error.what, where=self._name, cure="see the log of the daemon") from None
            finally:
                if self._closed.is_set():
                    self._give_back()
            self._attempts = 0
            return answer

    def _listen(self) -> None:
        """Open the line of events. Raises ``Unavailable``, also if it is too early for another attempt."""
        now = self._clock()
        if now < self._next_attempt:
            what, cure = "the line of events was lost", "start the daemon if it does not come back"
            if self._trouble is not None:
                what, cure = self._trouble.what, self._trouble.cure or cure
            raise Unavailable(what, where=self._name, cure=cure, retry_after=self._next_attempt - now)
        self._next_attempt = now + pause(self._attempts, self._jitter())
        self._attempts += 1
        if self._line is not None:
            self._line.close()
        scopes = [{"project": project} for project in self._projects] or [{"all-projects": "true"}]
        queries = [{"type": "lifecycle", **scope} for scope in scopes]
        try:
            self._line = Line(self._ways, queries, self, limit=self._limits.connect, ping=self._limits.ping)
        except TROUBLE as error:
            unavailable = trouble(error, self._endpoint, self._name)
            unavailable.retry_after = max(0.0, self._next_attempt - self._clock())
            if self._trouble is None:
                _log.warning("%s; trying again until it answers", unavailable)
            self._trouble = unavailable
            raise unavailable from None
        self._trouble = None
        _log.info("%s: connected", self._name)
        self._wake(Hint(self._name))

    def _give_back(self) -> None:
        if self._line is not None:
            self._line.close()
        self._api.close()

    def _leases_changed(self, macs: frozenset[str]) -> None:
        for guest in self._holders.with_macs(macs):
            self._wake(Hint(self._name, guest))

    def _heard(self, claims: frozenset[Claim]) -> None:
        for guest in self._holders.surprised_by(claims):
            self._wake(Hint(self._name, guest))


def _nobody(_hint: Hint) -> None:
    """Wake nobody: nobody watches yet, or no more."""
