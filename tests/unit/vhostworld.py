"""Sites and settings for the tests of the proxy's files."""

from ipaddress import ip_address, ip_network
from pathlib import PurePosixPath

import dns.name
from dns.name import Name

from skulldns.model.sites import (
    BasicAuth,
    ForwardAuth,
    Header,
    Page,
    Scheme,
    Site,
    SiteOptions,
    Upstream,
)
from skulldns.targets.nginx.templates import template_loader
from skulldns.targets.vhost.rendering import Rendered, Renderer
from skulldns.targets.vhost.settings import Features, Listen, ProxySettings

ZONE = "vmsrv.test"
SETTINGS = ProxySettings(
    directory=PurePosixPath("/etc/nginx/skulldns"),
    challenges=PurePosixPath("/var/lib/skulldns/challenges"),
    http=(Listen(ip_address("203.0.113.5"), 80), Listen(ip_address("2001:db8::5"), 80)),
    https=(Listen(ip_address("203.0.113.5"), 443), Listen(ip_address("2001:db8::5"), 443)),
    networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8:1::/64")),
    zones=(dns.name.from_text(ZONE),),
    forbidden=frozenset({ip_address("192.0.2.1")}),
)
HASH = "$6$saltsalt$" + "x" * 86
FULL = SiteOptions(
    http=True,
    hsts=31_536_000,
    body_size=1_048_576,
    basic_auth=BasicAuth("Members' area", (("alice", HASH), ("bob", HASH))),
    allow=(ip_network("198.51.100.0/24"), ip_network("2001:db8:2::/48")),
    deny=(ip_network("198.51.100.66/32"),),
    forward_auth=ForwardAuth(Upstream(ip_address("192.0.2.9"), 9091), "/verify?a=b", "https://auth.test/in"),
    headers=(
        (Header.X_FRAME_OPTIONS, "DENY"),
        (Header.CONTENT_SECURITY_POLICY, "default-src 'self'; img-src *"),
    ),
)


def name(text: str) -> Name:
    return dns.name.from_text(text)


def upstream(address: str = "192.0.2.7", port: int = 80, scheme: Scheme = Scheme.HTTP) -> Upstream:
    return Upstream(ip_address(address), port, scheme)


def guest(label: str, address: str = "192.0.2.7", port: int = 80, owner: str | None = None) -> Site:
    """A site of the common case."""
    return Site((name(f"{label}.{ZONE}"),), ZONE, upstream=upstream(address, port), owner=owner)


def page(label: str, shown: Page, owner: str | None = None) -> Site:
    return Site((name(f"{label}.{ZONE}"),), ZONE, page=shown, owner=owner)


def own(
    *names: str, options: SiteOptions = FULL, to: Upstream | None = None, certificate: str | None = None
) -> Site:
    """A site with a server block of its own."""
    titles = names or ("www.example.test", "example.test")
    where = None if options.redirect else to or upstream("192.0.2.8", 8080)
    return Site(tuple(map(name, titles)), certificate or titles[0], upstream=where, options=options)


def render(
    *sites: Site,
    certificates: frozenset[str] = frozenset({ZONE, "www.example.test"}),
    settings: ProxySettings = SETTINGS,
) -> Rendered:
    return Renderer(settings, template_loader()).render(sites, certificates)


MODERN = Features(http2=True, http2_directive=True, http3=True)
