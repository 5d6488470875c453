"""What the proxy should show under a name: its guest's web server, or a page that says why not.

A site follows its name: whoever holds the name in the registry has the site. An address that the registry gives to
another guest is never an upstream, so that a name never shows somebody else's content.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import dns.name
from dns.name import Name

from skulldns.desired.registry import Registry, Verdict
from skulldns.model.certificates import CertificateWish, Challenge, shown
from skulldns.model.claims import Claim, GuestTarget, RedirectTarget
from skulldns.model.guests import GuestState
from skulldns.model.policy import Https
from skulldns.model.sites import ForwardAuth, Page, Site, SiteRule, Upstream

AUTH_PATH = "/auth"
"""Where the members' page answers whether a visitor is a member."""
HANDOVER_PATH = "/.skulldns/enter"
"""The path of a site for members only where they come in from the page (``webui.machines.entry``)."""


def site(registry: Registry, name: Name) -> Site | None:
    """The site at ``name``; None if nobody holds the name or its holder has no site."""
    if claim := registry.claims.at(name):
        return _claimed(registry, claim)
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
        owner=verdict.options.owner if settings.show_owner else None,
    )


def _claimed(registry: Registry, claim: Claim) -> Site | None:
    """The site of a member's claim; None for one that leads to addresses."""
    settings, options = registry.claim_settings, claim.options
    if claim.members_only and settings.page is not None:
        auth = ForwardAuth(settings.page, AUTH_PATH, settings.login, HANDOVER_PATH)
        options = replace(options, forward_auth=auth)
    zone = max((one for one in settings.zones if claim.name.is_subdomain(one)), key=len, default=None)
    certificate = certificate_for(claim.name, zone) if zone is not None else shown(claim.name)
    if claim.members_only and settings.page is None:  # nobody is there to ask whether a visitor is a member
        return Site((claim.name,), certificate, page=Page.HELD, options=options)
    match claim.target:
        case RedirectTarget(url):
            return Site((claim.name,), certificate, options=replace(options, redirect=url))
        case GuestTarget(direct=False, port=port, scheme=scheme):
            verdict = registry.guest_of(claim)
            upstream = _upstream(verdict) if verdict else None
            page = None if upstream else (_page(verdict) if verdict else Page.STOPPED)
            if upstream is not None:
                upstream = replace(upstream, port=port, scheme=scheme)
            return Site((claim.name,), certificate, upstream, page, options=options)
        case _:
            return None


def ruled(registry: Registry, rule: SiteRule, zones: Collection[Name]) -> Site:
    """The site of an admin's ``rule``; ``zones`` are those that have a wildcard certificate."""
    certificate = _common_certificate(rule.names, zones)
    if rule.upstream is not None or rule.options.redirect is not None:
        upstream = None if rule.options.redirect else rule.upstream
        return Site(rule.names, certificate, upstream, options=rule.options)
    found = site(registry, rule.guest or rule.names[0])
    if found is None:
        return Site(rule.names, certificate, page=Page.UNKNOWN, options=rule.options)
    upstream = found.upstream
    if upstream is not None and rule.scheme is not None:
        upstream = replace(upstream, scheme=rule.scheme)
    return replace(found, names=rule.names, certificate=certificate, upstream=upstream, options=rule.options)


def _common_certificate(names: Sequence[Name], zones: Collection[Name]) -> str:
    """The wildcard's that covers all ``names``, or one of their own."""
    parents = {name.parent() for name in names}
    zone = next(iter(parents))
    return shown(zone if parents == {zone} and zone in zones else names[0])


def certificate_for(name: Name, zone: Name) -> str:
    """The identity of the certificate for ``name``: its zone's wildcard covers one label (RFC 6125 section 6.4.3)."""
    covered = len(name) == len(zone) + 1
    return shown(zone if covered else name)


def wishes(
    sites: Iterable[Site], eager: Iterable[Name], zones: Collection[Name]
) -> Sequence[CertificateWish]:
    """The certificates that ``sites`` need; the wildcards of the zones in ``eager`` from the beginning.

    Names in ``zones``, which are ours to write, are proved by DNS-01, all others by HTTP-01.
    """
    wild = {shown(zone): zone for zone in zones}
    found = {shown(zone): _wildcard(zone) for zone in eager}
    for one in sorted(sites, key=lambda one: one.names[0]):
        zone = wild.get(one.certificate)
        names = found.setdefault(one.certificate, {} if zone is None else _wildcard(zone))
        # A zone's own name is no child of it, so that its wildcard does not cover it.
        names.update((name, _challenge(name, zones)) for name in one.names if name.parent() != zone)
    return tuple(CertificateWish(identity, names) for identity, names in found.items())


def _wildcard(zone: Name) -> dict[Name, Challenge]:
    return {dns.name.from_text("*", zone): Challenge.DNS01}


def _challenge(name: Name, zones: Collection[Name]) -> Challenge:
    return Challenge.DNS01 if any(name.is_subdomain(zone) for zone in zones) else Challenge.HTTP01


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
