"""The last links of a name's chain: its site, and what a visitor meets there, asked while explaining."""

from collections.abc import Iterator
from datetime import UTC, datetime

from dns.name import Name

from skulldns.loop.front import Front, left
from skulldns.loop.links import Link, LinkState
from skulldns.model.certificates import shown
from skulldns.model.probes import Probe
from skulldns.model.sites import Page, Site

_PAGES = {
    Page.STOPPED: "its guest is stopped, or another's by now; start it, or lead the name elsewhere",
    Page.STARTING: "its guest runs and has no address yet; see that it asks for a lease in an allowed network",
    Page.HELD: "its source does not show its guest just now; bring the source back",
}
_NO_ANSWER = "start a web server there, or tell its port with `skulldns guest assign NAME --port PORT`"


def visit(front: Front, name: Name, now: float) -> Iterator[Link]:
    """Walk on from the name servers: site, certificate, upstream, and a request through the proxy.

    Nothing for a name without a site, or where no proxy is looked after. Takes a few seconds at most.
    """
    site = front.site(name)
    if site is None:
        return
    yield site_link(front, site)
    yield certificate_link(front, site, name, now)
    if front.prober is None:
        return
    if site.upstream is None:
        yield Link("upstream", LinkState.NONE, "none: the proxy answers by itself")
    else:
        probe = front.prober.upstream(site.upstream, name)
        text = probe.text if probe.good else f"{probe.text}; {_NO_ANSWER}"
        yield Link("upstream", LinkState.GOOD if probe.good else LinkState.BROKEN, text)
    yield _https(front.prober.site(name), site)


def site_link(front: Front, site: Site) -> Link:
    """How the site is at the proxy."""
    proxy, title = front.proxy(), shown(site.names[0])
    if proxy and (why := proxy.quarantined.get(title)):
        return Link("site", LinkState.BROKEN, why)
    if proxy and proxy.reason:
        return Link("site", LinkState.BROKEN, proxy.reason)
    place = "in the map of its zone" if front.shared(site) else "with a server block of its own"
    if front.awaits_roll_out(site):
        return Link("site", LinkState.WAITING, f"{place}, is about to be rolled out")
    if site.page:
        because = _PAGES.get(site.page, "there is nothing else to show")
        return Link("site", LinkState.WAITING, f"{place}, shows the page {site.page.value!r}: {because}")
    leads = site.options.redirect or (
        site.upstream and f"port {site.upstream.port} of {site.upstream.address}"
    )
    return Link("site", LinkState.GOOD, f"{place}, leads to {leads}")


def certificate_link(front: Front, site: Site, name: Name, now: float) -> Link:
    """How the site's certificate is."""
    identity = site.certificate
    report, proxy = front.certificate(identity), front.proxy()
    if report is None:
        text = f"nobody gets one for {identity}; configure `acme`"
        return Link("certificate", LinkState.BROKEN, text)
    certificate = report.certificate
    if certificate is None:
        state = LinkState.BROKEN if report.reason and not report.trying else LinkState.WAITING
        because = "it is being ordered" if report.trying else report.reason or "it is about to be ordered"
        return Link("certificate", state, f"{identity} has none yet: {because}")
    ends = datetime.fromtimestamp(certificate.not_after, UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"{identity}, by {certificate.issuer}, until {ends} ({left(certificate.not_after, now)})"
    if proxy and (why := proxy.certificates.get(identity)):
        return Link("certificate", LinkState.BROKEN, f"{text} cannot be served: {why}")
    if not certificate.covers([name]):
        return Link("certificate", LinkState.BROKEN, f"{text} is not for this name; see `skulldns cert list`")
    if certificate.not_after <= now:
        return Link("certificate", LinkState.BROKEN, f"{text} has expired: {report.reason or 'renew it'}")
    if report.alarm:
        return Link(
            "certificate", LinkState.WAITING, f"{text} was not renewed: {report.reason or 'it is late'}"
        )
    return Link("certificate", LinkState.GOOD, text)


def _https(probe: Probe, site: Site) -> Link:
    """A page of the proxy's own is what a visitor should get where there is no upstream, whatever its status."""
    if site.page and probe.status is not None:
        return Link("https", LinkState.GOOD, f"{probe.text}: the page {site.page.value!r}")
    text = probe.text
    if probe.good and probe.seconds is not None:
        text = f"{text} after {probe.seconds * 1000:.0f} ms"
    return Link("https", LinkState.GOOD if probe.good else LinkState.BROKEN, text)
