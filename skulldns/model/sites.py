"""What the web proxy serves, as frozen values."""

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
    NO_CERTIFICATE = "no-certificate"


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
    """Where a site's requests go: an address literal, never a name that somebody could change.

    ``verify`` asks an upstream that speaks TLS for a certificate that the system's CAs vouch for, for the name that
    the client asked for. Without it any certificate will do: guests sign their own.
    """

    address: IPAddress
    port: int = 80
    scheme: Scheme = Scheme.HTTP
    verify: bool = False


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """Who may enter with a password: ``users`` has login and its crypt(3) hash."""

    realm: str
    users: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ForwardAuth:
    """A server that is asked about each request (nginx's auth_request): 2xx lets it pass.

    ``login`` is where a client goes that it answers with 401, with the page it came for as query parameter ``rd``.
    ``handover`` is a path of the site that goes to that server too, for clients on their way back.
    """

    upstream: Upstream
    path: str = "/"
    login: str | None = None
    handover: str | None = None


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """How a site is served. ``hsts`` is max-age in seconds, ``body_size`` in bytes.

    ``redirect`` sends all requests to this URL; where it has no path of its own, with the path and query asked for.

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
    headers: tuple[tuple[Header, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """Names that one server answers, the first of them canonical.

    Exactly one of ``upstream``, ``page`` and ``options.redirect`` is set. ``certificate`` is the identity of the
    certificate to serve them with: a wildcard's is its zone. ``owner`` is shown on pages if policy allows.
    """

    names: tuple[Name, ...]
    certificate: str
    upstream: Upstream | None = None
    page: Page | None = None
    owner: str | None = None
    options: SiteOptions = field(default_factory=SiteOptions)

    def is_common(self, zone: Name) -> bool:
        """Whether one server block for all of ``zone`` can serve it: its names are children, and nothing is special."""
        return (
            self.certificate == zone.to_text(omit_final_dot=True)
            and self.options == SiteOptions()
            and (self.upstream is None or self.upstream.scheme is Scheme.HTTP)
            and all(len(name) == len(zone) + 1 and name.is_subdomain(zone) for name in self.names)
        )


@dataclass(frozen=True, slots=True)
class SiteRule:
    """What an admin says of one site: its names, where it leads, and how it is served.

    Where it leads is ``upstream``, else the web server of the guest that holds ``guest``, else that of the guest that
    holds the first of ``names``; with ``options.redirect`` nowhere.
    """

    names: tuple[Name, ...]
    guest: Name | None = None
    upstream: Upstream | None = None
    scheme: Scheme | None = None
    options: SiteOptions = field(default_factory=SiteOptions)
