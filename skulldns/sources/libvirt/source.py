"""Guests of a libvirt daemon: any driver, local or remote."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import libvirt

from skulldns.errors import Unavailable
from skulldns.model.guests import Guest, GuestId, Hint, SourceName, Trust
from skulldns.sources.host.holders import Holders
from skulldns.sources.host.neighbours import Claim, Neighbours, listen
from skulldns.sources.libvirt import events
from skulldns.sources.libvirt.connection import Connect, Link, pause, without_prompts
from skulldns.sources.libvirt.domainxml import BadXML
from skulldns.sources.libvirt.hearsay import Hearsay
from skulldns.sources.libvirt.lane import Closed, Lane, NoAnswer
from skulldns.sources.libvirt.leases import DIRECTORY, LeaseWatch
from skulldns.sources.libvirt.neighbourhood import Neighbourhood
from skulldns.sources.libvirt.reader import Reader
from skulldns.sources.libvirt.trouble import trouble

Result = TypeVar("Result")

_ARP_BUDGET = 2.0  # seconds of one look; a host that is 20 ms away answers for a hundred guests in it

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait for libvirt, in seconds.

    ``keepalive`` is the interval between questions to a silent daemon, and how many may stay unanswered: a
    stopped daemon is given up after interval x (count + 1). ``look`` covers a daemon that answers those but
    nothing else.
    """

    connect: float = 10.0
    look: float = 25.0
    keepalive: tuple[int, int] = (5, 3)
    close: float = 2.0


class LibvirtSource:
    """Keeps `skulldns.sources.protocol.Source` for one libvirt URI.

    A read-only connection suffices for guests, leases, ARP and all events, so the daemon's read-only socket
    is all the right that is needed. Guest agents are asked only if ``trust`` believes any: libvirt allows that
    to a full connection only. What the host hears by ARP is always told: for guests on this host ``neighbours``
    reads the host's own table, once for all of them; else each guest is a request.

    All requests run in one thread, so that none can hold up the caller beyond ``limits``.
    """

    def __init__(
        self,
        uri: str,
        *,
        name: SourceName | None = None,
        trust: Trust | None = None,
        neighbours: Callable[[], Neighbours] | None = None,
        limits: Limits | None = None,
        connect: Connect | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._name = name or SourceName(f"libvirt {uri}")
        self._trust = trust or Trust()
        self._agents = Hearsay(clock) if self._trust.agent else None
        self._here = urlsplit(uri).hostname is None
        self._read_neighbours = neighbours if self._here else None
        self._neighbours = (
            Neighbourhood(self._read_neighbours, clock) if self._read_neighbours is not None else None
        )
        self._arp = None if self._neighbours else Hearsay(clock, budget=_ARP_BUDGET)
        self._limits = limits or Limits()
        opener = libvirt.open if self._trust.agent else libvirt.openReadOnly
        self._open = connect or (lambda: opener(without_prompts(uri)))
        self._clock = clock
        self._jitter = jitter
        self._lane = Lane(self._name)
        self._wake: Callable[[Hint], None] = _nobody
        self._link: Link | None = None
        self._reader: Reader | None = None
        self._attempts = 0
        self._next_attempt = clock()
        self._trouble: str | None = None
        self._cure: str | None = None
        self._closed = threading.Event()
        self._unreadable: frozenset[GuestId] = frozenset()
        self._holders = Holders()

    @property
    def name(self) -> SourceName:
        return self._name

    def watch(self, wake: Callable[[Hint], None]) -> None:
        self._wake = wake

    def guests(self) -> Sequence[Guest]:
        found, self._unreadable = self._look(Reader.guests)
        self._holders.saw_all(found)
        return found

    def guest(self, identity: GuestId) -> Guest | None:
        if not _is_uuid(identity):
            return None
        found = self._look(lambda reader: reader.guest(identity))
        self._holders.saw(identity, found)
        return found

    def unreadable(self) -> frozenset[GuestId]:
        return self._unreadable

    def close(self) -> None:
        self._closed.set()
        self._wake = _nobody
        self._lane.close(self._drop, self._limits.close)

    def watch_leases(self, directory: Path = DIRECTORY) -> None:
        """Wake also for the guests whose leases change in libvirt's lease files on this host, until closed.

        Likewise for those that begin to answer ARP for another address. Returns at once. Does nothing for the URI
        of another host, or if there is no such directory.
        """
        if self._here:
            watch = LeaseWatch(directory)
            threading.Thread(
                target=watch.run,
                args=(self._leases_changed, self._closed),
                name="libvirt leases",
                daemon=True,
            ).start()
        if (read := self._read_neighbours) is not None:
            threading.Thread(
                target=listen, args=(read, self._heard, self._closed), name="libvirt neighbours", daemon=True
            ).start()

    def _leases_changed(self, macs: frozenset[str]) -> None:
        for guest in self._holders.with_macs(macs):
            self._wake(Hint(self._name, guest))

    def _heard(self, claims: frozenset[Claim]) -> None:
        if self._neighbours is not None:
            self._neighbours.changed()
        for guest in self._holders.surprised_by(claims):
            self._wake(Hint(self._name, guest))

    # What a connection tells, from libvirt's event thread.

    def guest_changed(self, guest: GuestId, *, undefined: bool) -> None:
        for hearsay in (self._agents, self._arp):
            if hearsay is not None:
                hearsay.awake(guest)
        self._wake(Hint(self._name, guest, undefined))

    def networks_changed(self) -> None:
        reader = self._reader
        if reader is not None:
            reader.networks_changed()
        self._wake(Hint(self._name))

    def connection_lost(self, reason: str) -> None:
        _log.warning(
            "%s: the connection was lost: %s; it is opened again as soon as possible", self._name, reason
        )
        self._wake(Hint(self._name))

    # The caller's side of a look.

    def _look(self, ask: Callable[[Reader], Result]) -> Result:
        if self._closed.is_set():
            raise self._over()
        link = self._link
        if link is None or link.lost:
            if self._clock() < self._next_attempt:
                raise self._not_yet()
            self._within(self._limits.connect, self._connect)
        return self._within(self._limits.look, lambda: self._asked(ask))

    def _within(self, limit: float, work: Callable[[], Result]) -> Result:
        try:
            return self._lane.run(work, limit)
        except NoAnswer:
            raise Unavailable(
                "libvirt's daemon does not answer",
                where=self._name,
                cure="if it stays so, restart the daemon",
                retry_after=pause(0, self._jitter()),
            ) from None
        except Closed:
            raise self._over() from None

    def _over(self) -> Unavailable:
        return Unavailable("the source is closed", where=self._name)

    def _not_yet(self) -> Unavailable:
        remaining = max(0.0, self._next_attempt - self._clock())
        what = self._trouble or "the connection was lost"
        cure = self._cure or "start libvirt's daemon if it does not come back"
        return Unavailable(what, where=self._name, cure=cure, retry_after=remaining)

    # Run in the lane's thread only.

    def _connect(self) -> None:
        self._drop()
        events.start()
        self._next_attempt = self._clock() + pause(self._attempts, self._jitter())
        self._attempts += 1
        try:
            link = Link(self._open(), self, self._limits.keepalive)
        except libvirt.libvirtError as error:
            unavailable = trouble(error, self._name, max(0.0, self._next_attempt - self._clock()))
            if self._trouble is None:
                _log.warning("%s; trying again until it answers", unavailable)
            self._trouble, self._cure = unavailable.what, unavailable.cure
            raise unavailable from None
        self._trouble = self._cure = None
        self._reader = Reader(
            link.connection,
            self._name,
            self._trust,
            agents=self._agents,
            arp=self._arp,
            neighbours=self._neighbours,
        )
        self._link = link
        _log.info("%s: connected", self._name)
        self._wake(Hint(self._name))

    def _asked(self, ask: Callable[[Reader], Result]) -> Result:
        link, reader = self._link, self._reader
        if link is None or reader is None or not link.check():
            raise self._not_yet()
        try:
            answer = ask(reader)
        except libvirt.libvirtError as error:
            if not link.check():
                raise self._not_yet() from None
            raise trouble(error, self._name, None) from None
        except BadXML as error:
            raise Unavailable(error.what, where=self._name, cure="see the log of libvirt's daemon") from None
        self._attempts = 0
        return answer

    def _drop(self) -> None:
        link, self._link, self._reader = self._link, None, None
        if link is not None:
            link.close()


def _is_uuid(identity: GuestId) -> bool:
    """Whether this is a libvirt guest's identity; those of other sources may look otherwise."""
    try:
        return str(UUID(identity)) == identity
    except ValueError:
        return False


def _nobody(_hint: Hint) -> None:
    """Wake nobody: nobody watches yet, or no more."""
