"""WRITE, for the proxy: one worker that keeps all sites and rolls them out, many changes in one go."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dns.name import Name

from skulldns.desired.sites import wishes
from skulldns.errors import SkullDNSError, Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.letters import Answered, SiteDecisions
from skulldns.loop.mailbox import Call, Mailbox
from skulldns.model.certificates import CertificateWish
from skulldns.model.sites import Site
from skulldns.plan.cadence import RETRY_PAUSES, pause
from skulldns.plan.rollouts import DRIFT_EVERY, wait
from skulldns.targets.proxy import CertificatePaths, Proxy, Rollout

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CertificateChanged:
    """A letter: there is another certificate for ``identity``."""

    identity: str


@dataclass(frozen=True, slots=True)
class ProxyTrouble:
    """Why the proxy does not serve what it should, and since when (Unix time)."""

    since: float
    reason: str


class Sites:
    """Keeps every site. ``certificates`` are those that exist now; ``want`` is told which ones are needed.

    ``zones`` have a wildcard certificate from the beginning; ``ours`` are all zones that we write.

    ``rollout`` is the last one, ``drift`` the files that somebody edited since, ``trouble`` why the last try failed;
    ``awaiting`` are names whose sites have changed since.
    """

    def __init__(
        self,
        proxy: Proxy,
        zones: Sequence[Name],
        certificates: Callable[[], Mapping[str, CertificatePaths]],
        want: Callable[[Sequence[CertificateWish]], None],
        clock: Clock,
        *,
        ours: Sequence[Name],
    ) -> None:
        self.mailbox = Mailbox()
        self.sites: dict[Name, Site] = {}
        self.rollout: Rollout | None = None
        self.rolled_out_at: float | None = None
        self.drift: tuple[str, ...] = ()
        self.trouble: ProxyTrouble | None = None
        self.awaiting: frozenset[Name] = frozenset()
        self._proxy = proxy
        self._zones = zones
        self._ours = ours
        self._certificates = certificates
        self._want = want
        self._clock = clock
        self._wanted: Sequence[CertificateWish] | None = None
        self._begun = False
        self._remembered = False
        self._silent: tuple[str, ...] | None = None
        self._dirty: tuple[float, float] | None = None
        self._urgent = False
        self._last = -math.inf
        self._retry_at = -math.inf
        self._failures = 0
        self._drift_at = -math.inf

    def step(self) -> float | None:
        for letter in self.mailbox.drain():
            self._read_letter(letter)
        now = self._clock.steady()
        if not self._begun or self._silent is None:
            return None
        if self._dirty is not None:
            due = max(wait(now, self._last, *self._dirty, urgent=self._urgent), self._retry_at - now)
            if due > 0:
                return due
            self._roll_out()
            return 0.0
        if self.rollout is None:
            return None
        if now >= self._drift_at:
            self._look_for_drift()
        return max(0.0, self._drift_at - self._clock.steady())

    def certificate_changed(self, identity: str) -> None:
        """Roll out again, since a certificate is new. From any thread."""
        self.mailbox.put(CertificateChanged(identity))

    def look(self) -> None:
        """Look now whether the proxy runs what was rolled out last, and for edited files. In this worker's thread.

        After a roll-out that failed there is nothing to learn, and its next try must not be put off.
        """
        if self.rollout is not None and self.trouble is None:
            self._look_for_drift()

    def shared(self, site: Site) -> bool:
        """Whether the server block of a zone serves it together with others."""
        return any(site.is_common(zone) for zone in self._zones)

    def _read_letter(self, letter: object) -> None:
        match letter:
            case SiteDecisions() as decisions:
                self._take(decisions)
            case Answered(silent=silent):
                self._silent = silent
                self._mark()
            case CertificateChanged():
                self._mark()
            case Call() as call:
                call.run()

    def _take(self, decisions: SiteDecisions) -> None:
        before = dict(self.sites)
        for name, site in decisions.sites.items():
            if site is None:
                self.sites.pop(name, None)
            else:
                self.sites[name] = site
        if decisions.complete:
            self._begun = True
            self._remembered = decisions.remembered
        changed = {name for name in decisions.sites if self.sites.get(name) != before.get(name)}
        self.awaiting |= changed
        if decisions.complete or changed:
            # From one page to another there is no hurry: a guest that starts will have an address in a moment.
            sites = [found for name in changed for found in (before.get(name), self.sites.get(name))]
            self._mark(urgent=decisions.complete or any(site and site.upstream for site in sites))
            self._ask_for_certificates()

    def _mark(self, *, urgent: bool = True) -> None:
        now = self._clock.steady()
        self._dirty = (self._dirty[0] if self._dirty else now, now)
        self._urgent |= urgent

    def _ask_for_certificates(self) -> None:
        wanted = wishes(self.sites.values(), self._zones, self._ours)
        if wanted != self._wanted:
            self._wanted = wanted
            self._want(wanted)

    # Rolling out

    def _roll_out(self) -> None:
        try:
            if self._knows_too_little():
                self._wait_for_sources()
                return
            rollout = self._proxy.roll_out(_in_order(self.sites.values()), self._certificates())
        except SkullDNSError as error:
            self._failed(error)
            return
        self._dirty = None
        self._urgent = False
        self.awaiting = frozenset()
        self._failures = 0
        self._last = self._clock.steady()
        self._drift_at = self._last + DRIFT_EVERY
        self.drift = ()
        self.rolled_out_at = self._clock.wall()
        if self.trouble is not None:
            _log.info("the proxy serves what it should again")
            self.trouble = None
        self._say(rollout)
        self.rollout = rollout

    def _knows_too_little(self) -> bool:
        """Without a memory, sites of sources that have not answered yet would be taken from a proxy that has them."""
        if not self._silent or self._remembered:
            return False
        try:
            return self._proxy.running_generation() is not None
        except Unavailable:
            return True

    def _wait_for_sources(self) -> None:
        """The next answer of a source asks for another try."""
        self._dirty = None
        silent = ", ".join(self._silent or ())
        reason = f"no site is changed before {silent} has answered once, since nothing is remembered of it"
        self.trouble = self.trouble or ProxyTrouble(self._clock.wall(), reason)

    def _failed(self, error: SkullDNSError) -> None:
        if self.trouble is None or self.trouble.reason != str(error):
            _log.error("%s", error)
        self.trouble = (
            replace(self.trouble, reason=str(error))
            if self.trouble
            else ProxyTrouble(self._clock.wall(), str(error))
        )
        known = error.retry_after if isinstance(error, Unavailable) else None
        self._retry_at = self._clock.steady() + max(
            known or 0.0, 1.0, pause(RETRY_PAUSES, self._failures, self._clock.jitter())
        )
        self._failures += 1

    def _say(self, rollout: Rollout) -> None:
        before = self.rollout or Rollout(0)
        for title, error in {**rollout.quarantined, **rollout.certificates}.items():
            if str(before.quarantined.get(title) or before.certificates.get(title)) != str(error):
                _log.error("%s is not served as asked: %s", title, error)
        if rollout.changed:
            count = len(rollout.changed)
            _log.info("the proxy runs generation %d (%d files changed)", rollout.generation, count)

    def _look_for_drift(self) -> None:
        self._drift_at = self._clock.steady() + DRIFT_EVERY
        try:
            drift = tuple(self._proxy.drift())
            running = self._proxy.running_generation()
        except SkullDNSError as error:
            self._failed(error)
            self._mark()
            return
        if drift and drift != self.drift:
            files = ", ".join(drift)
            _log.warning("somebody changed %s; the next roll-out writes them anew", files)
        self.drift = drift
        if self.rollout is not None and running != self.rollout.generation:
            self._mark()


def _in_order(sites: Iterable[Site]) -> list[Site]:
    return sorted(sites, key=lambda site: site.names[0])
