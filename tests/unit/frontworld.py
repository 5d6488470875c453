"""Sites on a proxy in memory, with a clock of their own, read by the front."""

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import dns.name

from skulldns.loop.certifier import CertificateReport
from skulldns.loop.clock import Clock
from skulldns.loop.front import Front
from skulldns.loop.letters import Answered, SiteDecisions
from skulldns.loop.sites import Sites
from skulldns.model.certificates import Certificate, CertificateWish, Challenge
from skulldns.model.sites import Page, Site, Upstream
from skulldns.targets.fakeprober import FakeProber
from skulldns.targets.fakeproxy import FakeProxy
from skulldns.targets.proxy import CertificatePaths

ZONE = dns.name.from_text("vmsrv.test")
WEB = dns.name.from_text("web", ZONE)
UPSTREAM = Upstream(ip_address("192.0.2.10"), 80)
DAY = 86_400.0
NOW = 1_800_000_000.0


def site(name: dns.name.Name = WEB, page: Page | None = None) -> Site:
    """A site under the zone's wildcard, with an upstream unless it shows ``page``."""
    return Site((name,), "vmsrv.test", upstream=None if page else UPSTREAM, page=page)


def report(
    *, days: float | None = 60.5, alarm: bool = False, reason: str | None = None, failures: int = 0
) -> CertificateReport:
    """How it stands with the zone's wildcard, which ends in ``days``; None: there is none yet."""
    name = dns.name.from_text("*", ZONE)
    certificate = None
    if days is not None:
        certificate = Certificate(frozenset({name}), NOW - DAY, NOW + days * DAY, "1f", "A test CA", None)
    wish = CertificateWish("vmsrv.test", {name: Challenge.DNS01})
    return CertificateReport(
        wish,
        certificate,
        "https://ca.test/directory",
        NOW + DAY,
        trying=False,
        alarm=alarm,
        failures=failures,
        reason=reason,
    )


class FrontWorld:
    """One proxy with the site ``web``, rolled out. ``reports`` is what the front hears of certificates."""

    def __init__(self, *sites: Site) -> None:
        self.now = NOW
        self.proxy = FakeProxy()
        self.prober = FakeProber()
        self.reports: Sequence[CertificateReport] = [report()]
        self.paths = {"vmsrv.test": CertificatePaths(Path("chain.pem"), Path("key.pem"))}
        clock = Clock(lambda: self.now, lambda: self.now, lambda: 0.0)
        self.sites = Sites(self.proxy, [ZONE], lambda: self.paths, lambda _: None, clock, ours=[ZONE])
        self.front = Front(lambda: self.reports, self.sites, self.prober)
        self.decide(*(sites or (site(),)))

    def decide(self, *sites: Site) -> None:
        """Have exactly these sites, and roll them out."""
        found = {name: one for one in sites for name in one.names}
        self.sites.mailbox.put(SiteDecisions(found, complete=True), Answered(()))
        self.run(10)

    def run(self, seconds: float) -> None:
        """Let the worker work for ``seconds`` of the clock."""
        end = self.now + seconds
        while (wait := self.sites.step()) is not None and self.now + wait <= end:
            self.now += max(wait, 0.001)
        self.now = end
        self.sites.step()

    def problems(self) -> list[str]:
        """What is wrong."""
        return list(self.front.problems(self.now))

    def alarms(self) -> list[str]:
        """What needs a person."""
        return [alarm.what for alarm in self.front.alarms(self.now)]
