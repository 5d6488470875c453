"""What the proxy should show under a name: its guest's web server, or a page that says why not.

A site follows its name: whoever holds the name in the registry has the site. An address that the registry gives to
another guest is never an upstream, so that a name never shows somebody else's content.
"""

from collections.abc import Iterable, Sequence

import dns.name
from dns.name import Name

from skulldns.desired.registry import Registry, Verdict
from skulldns.model.certificates import CertificateWish, Challenge, shown
from skulldns.model.guests import GuestState
from skulldns.model.policy import Https
from skulldns.model.sites import Page, Site, Upstream


def site(registry: Registry, name: Name) -> Site | None:
    """The site at ``name``; None if nobody holds the name or its guest has no site."""
    rivals = registry.rivals(name)
    if not rivals:
        return None
    verdict = registry.verdict(rivals[0])
    settings = registry.settings(verdict.known)
    if settings is None or name not in verdict.names or verdict.options.https is Https.OFF:
        return None
    upstream, page = _upstream(verdict), None
    if upstream is None:
        page = _page(verdict)
    return Site(
        names=(name,),
        certificate=certificate_for(name, settings.zone),
        upstream=upstream,
        page=page,
        owner=verdict.options.owner,
    )


def certificate_for(name: Name, zone: Name) -> str:
    """The identity of the certificate for ``name``: its zone's wildcard covers one label (RFC 6125 section 6.4.3)."""
    covered = len(name) == len(zone) + 1
    return shown(zone if covered else name)


def wishes(sites: Iterable[Site], zones: Sequence[Name]) -> Sequence[CertificateWish]:
    """The certificates that ``sites`` need: each of ``zones`` has a wildcard from the beginning, so that a new guest
    waits for none; a deeper name has its own.
    """
    found = {
        shown(zone): CertificateWish(shown(zone), {dns.name.from_text("*", zone): Challenge.DNS01})
        for zone in zones
    }
    for site in sorted(sites, key=lambda one: one.names[0]):
        names = dict.fromkeys(site.names, Challenge.DNS01)
        found.setdefault(site.certificate, CertificateWish(site.certificate, names))
    return tuple(found.values())


def _upstream(verdict: Verdict) -> Upstream | None:
    """Where the guest's web server is; a guest that is gone, or stopped, or not seen with an address, has none."""
    known = verdict.known
    if known.gone_since is not None or known.guest.state is not GuestState.RUNNING or not verdict.addresses:
        return None
    first = min(verdict.addresses, key=lambda address: (address.ip.version, verdict.addresses.index(address)))
    return Upstream(first.ip, verdict.options.port)


def _page(verdict: Verdict) -> Page:
    known = verdict.known
    if known.gone_since is None and not known.present:
        return Page.HELD
    if known.gone_since is None and known.guest.state is GuestState.RUNNING:
        return Page.STARTING
    return Page.STOPPED
