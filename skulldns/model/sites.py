"""What the web proxy serves, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from dns.name import Name

from skulldns.model.guests import IPAddress


class Scheme(StrEnum):
    """How the proxy talks to an upstream."""

    HTTP = "http"
    HTTPS = "https"
    GRPC = "grpc"
    GRPCS = "grpcs"


class Page(StrEnum):
    """What a name shows while there is no upstream to show: a page of the proxy's own."""

    STOPPED = "stopped"
    STARTING = "starting"
    HELD = "held"
    UNKNOWN = "unknown"
    NO_ANSWER = "no-answer"


class Header(StrEnum):
    """Response headers that an owner may set; nothing else reaches a template."""

    CONTENT_SECURITY_POLICY = "Content-Security-Policy"
    PERMISSIONS_POLICY = "Permissions-Policy"
    REFERRER_POLICY = "Referrer-Policy"
    X_CONTENT_TYPE_OPTIONS = "X-Content-Type-Options"
    X_FRAME_OPTIONS = "X-Frame-Options"
    X_ROBOTS_TAG = "X-Robots-Tag"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a site's requests go: an address literal, never a name that somebody could change."""

    address: IPAddress
    port: int = 80
    scheme: Scheme = Scheme.HTTP


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """Who may enter with a password: ``users`` has login and its crypt(3) hash."""

    realm: str
    users: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ForwardAuth:
    """A server that is asked about each request (nginx's auth_request): 2xx lets it pass."""

    upstream: Upstream
    path: str = "/"


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """How a site is served. ``hsts`` is max-age in seconds, ``body_size`` in bytes; ``redirect`` sends all requests there.

    ``allow`` empty means everybody; ``deny`` goes before ``allow``. ``http``: whether port 80 serves the site
    itself; otherwise it redirects to HTTPS.
    """

    http: bool = False
    redirect: str | None = None
    hsts: int | None = None
    body_size: int | None = None
    basic_auth: BasicAuth | None = None
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    deny: tuple[IPv4Network | IPv6Network, ...] = ()
    websockets: bool = True
    forward_auth: ForwardAuth | None = None
    headers: Mapping[Header, str] = field(default_factory=dict)
    proxy_protocol: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """Names that one server answers, the first of them canonical.

    Exactly one of ``upstream`` and ``page`` is set, but where ``options.redirect`` is. ``certificate`` is the identity of the
    certificate to serve them with: a wildcard's is its zone. ``owner`` is shown on pages if policy allows.
    """

    names: tuple[Name, ...]
    certificate: str
    upstream: Upstream | None = None
    page: Page | None = None
    owner: str | None = None
    options: SiteOptions = field(default_factory=SiteOptions)
