"""How it stands with what visitors meet: the proxy, the sites and their certificates. Read from the workers."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dns.name import Name

from skulldns.loop.certifier import CertificateReport
from skulldns.loop.sites import Sites
from skulldns.model.alarms import Alarm
from skulldns.model.certificates import shown
from skulldns.model.sites import Site
from skulldns.plan.cadence import ALARM_AFTER
from skulldns.targets.protocol import Prober

_SEE = "see `skulldns cert list`"
_ALARM_FAILURES = 2
"""After so many failed tries to get a first certificate a person should look: the CA's own hiccups are over by then."""


@dataclass(frozen=True, slots=True)
class ProxyReport:
    """The proxy: which generation of our files it runs and since when (Unix time), and what is wrong with it.

    ``quarantined`` has for canonical names of sites, and ``certificates`` for identities, why they are not served as
    asked; ``drift`` the files that somebody edited.
    """

    state: str
    reason: str
    generation: int | None
    since: float | None
    sites: int
    quarantined: Mapping[str, str]
    certificates: Mapping[str, str]
    drift: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """A certificate that is wanted, in plain values; times are Unix time. None where there is none yet.

    ``due_at`` is when the next try to get or renew it is due; None for at once. ``reason`` tells why it is not as
    it should be.
    """

    identity: str
    names: tuple[str, ...]
    ca: str | None
    issuer: str | None
    serial: str | None
    not_before: float | None
    not_after: float | None
    due_at: float | None
    trying: bool
    failures: int
    reason: str | None
    alarm: bool


class Front:
    """Reads the workers; callable from any thread.

    ``reports`` tells of certificates. Without ``sites`` (no daemon looks after the proxy) only these are known.
    """

    def __init__(
        self,
        reports: Callable[[], Sequence[CertificateReport]],
        sites: Sites | None = None,
        prober: Prober | None = None,
    ) -> None:
        self.reports = reports
        self.prober = prober
        self._sites = sites

    def proxy(self) -> ProxyReport | None:
        """How the proxy is; None where it is not known."""
        sites = self._sites
        if sites is None:
            return None
        trouble, rollout = sites.trouble, sites.rollout
        state = "unavailable" if trouble else "ready" if rollout else "not answered yet"
        return ProxyReport(
            state,
            trouble.reason if trouble else "",
            rollout.generation if rollout else None,
            trouble.since if trouble else sites.rolled_out_at,
            len(sites.sites),
            {title: str(error) for title, error in rollout.quarantined.items()} if rollout else {},
            {one: str(error) for one, error in rollout.certificates.items()} if rollout else {},
            sites.drift,
        )

    def certificates(self) -> tuple[CertificateLine, ...]:
        """Every certificate that is wanted, by identity."""
        return tuple(sorted(map(_line, self.reports()), key=lambda line: line.identity))

    def site(self, name: Name) -> Site | None:
        """The site at ``name``, if there is one."""
        if self._sites is None:
            return None
        sites = self._sites.sites
        return sites.get(name) or next((one for one in list(sites.values()) if name in one.names), None)

    def awaits_roll_out(self, site: Site) -> bool:
        """Whether the proxy does not run this version of the site yet."""
        return self._sites is not None and not self._sites.awaiting.isdisjoint(site.names)

    def shared(self, site: Site) -> bool:
        """Whether the server block of a zone serves it together with others."""
        return self._sites is not None and self._sites.shared(site)

    def certificate(self, identity: str) -> CertificateReport | None:
        """How it stands with one certificate; None if nobody wants it."""
        return next((one for one in self.reports() if one.wish.identity == identity), None)

    def problems(self, now: float) -> Iterator[str]:
        """What is wrong, in sentences."""
        proxy = self.proxy()
        if proxy:
            if proxy.reason:
                yield f"the proxy: {proxy.reason}"
            yield from _unserved(proxy).values()
            if proxy.drift:
                yield _drift(proxy)
        for line in self.certificates():
            if trouble := _trouble(line, now):
                yield trouble

    def alarms(self, now: float) -> Iterator[Alarm]:
        """What needs a person."""
        proxy = self.proxy()
        if proxy:
            if proxy.reason and proxy.since is not None and now - proxy.since > ALARM_AFTER:
                yield Alarm("proxy", f"the proxy: {proxy.reason}", None, proxy.since)
            for title, sentence in _unserved(proxy).items():
                yield Alarm(f"proxy {title}", sentence, None, now)
            if proxy.drift:
                yield Alarm("proxy files", _drift(proxy), None, now)
        for line in self.certificates():
            missing = line.not_after is None and line.failures >= _ALARM_FAILURES
            if (line.alarm or missing) and (trouble := _trouble(line, now)):
                yield Alarm(f"certificate {line.identity}", trouble, None, now)


def _line(report: CertificateReport) -> CertificateLine:
    certificate = report.certificate
    names = certificate.names if certificate else report.wish.names
    return CertificateLine(
        report.wish.identity,
        tuple(sorted(map(shown, names))),
        report.ca,
        certificate.issuer if certificate else None,
        certificate.serial if certificate else None,
        certificate.not_before if certificate else None,
        certificate.not_after if certificate else None,
        report.due_at if math.isfinite(report.due_at) else None,
        report.trying,
        report.failures,
        report.reason,
        report.alarm,
    )


def _unserved(proxy: ProxyReport) -> Mapping[str, str]:
    """A sentence for each site and each certificate that the proxy does not serve as asked."""
    sites = {
        f"site {title}": f"the site {title} is not served as asked: {why}"
        for title, why in proxy.quarantined.items()
    }
    return sites | {
        f"certificate {one}": f"the certificate of {one} is not served: {why}"
        for one, why in proxy.certificates.items()
    }


def _drift(proxy: ProxyReport) -> str:
    files = ", ".join(proxy.drift)
    return f"somebody changed {files} of the proxy; put it into a template of yours: the next roll-out writes it anew"


def _trouble(line: CertificateLine, now: float) -> str | None:
    """What is wrong with a certificate; None while all is well."""
    because = f": {line.reason}" if line.reason else f"; {_SEE}"
    if line.not_after is None:
        return f"{line.identity} has no certificate{because}" if line.reason else None
    if line.not_after <= now:
        return f"the certificate of {line.identity} has expired{because}"
    if line.alarm:
        return f"the certificate of {line.identity} ends in {left(line.not_after, now)} and was not renewed{because}"
    if line.reason:
        return f"the certificate of {line.identity} was not renewed: {line.reason}"
    return None


def left(until: float, now: float) -> str:
    """How long it is until a Unix time: ``12 days``, ``3 h``, ``40 min``."""
    seconds = max(0.0, until - now)
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"
