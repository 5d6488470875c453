"""What the templates get to see: texts and numbers, all checked."""

from collections.abc import Collection, Iterable
from typing import Any

from dns.name import Name

from skulldns.errors import Refused, SkullDNSError
from skulldns.model.sites import ForwardAuth, Page, Scheme, Site
from skulldns.targets.vhost import checks
from skulldns.targets.vhost.settings import Listen, ProxySettings

Values = dict[str, Any]
"""A template's variables; see proxy_templates/README.md."""

RETRY_AFTER = {
    Page.STOPPED: 120,
    Page.STARTING: 5,
    Page.HELD: 60,
    Page.NO_CERTIFICATE: 30,
    Page.NO_ANSWER: 30,
}
"""When a visitor may look again, in seconds (RFC 9110 section 10.2.3)."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SMALLEST_HASH = 1024
_SMALLEST_BUCKET = 128
_ELEMENT = 24  # a pointer, a length and the end's alignment (NGX_HASH_ELT_SIZE in src/core/ngx_hash.c)


def order(site: Site) -> list[bytes]:
    """Sites in the order of their names, so that the same sites always give the same bytes."""
    return [b".".join(name.labels).lower() for name in site.names]


class Index:
    """Which site has which name, and what the common server block has to know of each."""

    def __init__(self, settings: ProxySettings, certificates: Collection[str]) -> None:
        self._settings = settings
        self._certificates = certificates
        self._zones = {checks.hostname(zone): zone for zone in settings.zones}
        self.names: dict[str, str] = {}
        self._upstreams: list[tuple[str, str]] = []
        self._pages: list[tuple[str, str]] = []
        self._owners: list[tuple[str, str]] = []
        self.own: dict[str, Site] = {}
        self.refused: dict[str, SkullDNSError] = {}

    def take(self, site: Site) -> None:
        """File a site under its names, or refuse it."""
        title = ""
        try:
            names = self._free(site)
            title = names[0]
            identity = checks.identity(site.certificate)
            _check_kind(site)
            zone = self._zones.get(site.certificate)
            common = zone is not None and site.is_common(zone)
            if common and site.upstream:
                where = checks.upstream(site.upstream, self._settings)
                self._upstreams += [(name, where) for name in names]
            elif common and site.page:
                self._pages += [(name, site.page.value) for name in names]
            elif identity not in self._certificates:
                # Until it has a certificate of its own, a name in a zone is answered with the zone's.
                self._pages += [(name, Page.NO_CERTIFICATE.value) for name in names]
        except Refused as error:
            self.refuse(title or (site.names[0].to_text(omit_final_dot=True) if site.names else ""), error)
            return
        if not common:
            self.own[title] = site
        self.names.update(dict.fromkeys(names, title))
        if site.owner:
            owner = checks.owner(site.owner)
            self._owners += [(name, owner) for name in names]

    def refuse(self, title: str, error: SkullDNSError) -> None:
        """Leave a site out; a name that it has stays its own."""
        self.refused.setdefault(title, error)

    def maps(self) -> Values:
        """The variables of maps.conf.j2."""
        return {
            "upstreams": sorted(self._upstreams),
            "pages": sorted(self._pages),
            "owners": sorted(self._owners),
            "retry_after": sorted((page.value, seconds) for page, seconds in RETRY_AFTER.items()),
        }

    def sizes(self) -> Values:
        """Sizes of nginx's hashes: too small ones cost seconds, or fail."""
        longest = max(map(len, self.names), default=0)
        return {
            "hash_size": _power_of_two(max(_SMALLEST_HASH, 2 * len(self.names))),
            "hash_bucket_size": _power_of_two(max(_SMALLEST_BUCKET, longest + _ELEMENT)),
        }

    def _free(self, site: Site) -> list[str]:
        if not site.names:
            raise Refused("the site has no name", cure="give it one")
        names = list(dict.fromkeys(checks.hostname(name) for name in site.names))
        for name in names:
            if name in self.names:
                raise Refused(
                    f"{name} is served by the site {self.names[name]}",
                    where=names[0],
                    cure="take another name",
                )
        return names


def common(settings: ProxySettings) -> Values:
    """What every template sees."""
    features = settings.features
    return {
        "directory": str(settings.current),
        "challenges": str(settings.challenges),
        "http": [_listen(listen) for listen in settings.http],
        "https": [_listen(listen) for listen in settings.https],
        "http_port": _port_suffix("http", settings.http),
        "https_port": _port_suffix("https", settings.https),
        "status": str(settings.status),
        "http2": features.http2,
        "http2_directive": features.http2_directive,
        "http3": features.http3,
        "alt_svc": f"h3=':{settings.https[0].port}'; ma=86400",
        "catch_all": settings.catch_all,
        "default_body_size": settings.body_size,
        "roots": str(settings.roots),
        "generations": str(settings.directory / "generations"),
        "senders": [str(network) for network in settings.senders],
    }


def zone(name: Name, *, served: bool, settings: ProxySettings) -> Values:
    """The variables of zone.conf.j2; ``served``: whether the zone's certificate is there."""
    title = checks.hostname(name)
    return {
        **_no_options(settings),
        "zone": title,
        "certificate": _certificate(title, settings) if served else None,
    }


def site(site: Site, *, served: bool, settings: ProxySettings) -> tuple[Values, str | None]:
    """The variables of site.conf.j2, and the text of its password file."""
    options = site.options
    names = [checks.hostname(name) for name in site.names]
    values: Values = {
        **_no_options(settings),
        "names": list(dict.fromkeys(names)),
        "certificate": _certificate(checks.identity(site.certificate), settings) if served else None,
        "page": site.page.value if site.page else None,
        "retry_after": RETRY_AFTER.get(site.page, 0) if site.page else 0,
        "plain_http": options.http,
        "websockets": options.websockets,
        "allow": [checks.network(one) for one in options.allow],
        "deny": [checks.network(one) for one in options.deny],
        "headers": sorted(checks.header(name, value) for name, value in dict(options.headers).items()),
    }
    if site.upstream:
        scheme = Scheme(site.upstream.scheme)
        values["upstream"] = checks.upstream(site.upstream, settings)
        values["scheme"] = scheme.value
        values["verify"] = site.upstream.verify and checks.secure(scheme)
        values["kind"] = "grpc" if scheme in {Scheme.GRPC, Scheme.GRPCS} else "proxy"
    if options.redirect is not None:
        values["redirect"] = checks.url(options.redirect)
        values["redirect_path"] = values["redirect"].count("/") > len("//")
    if options.hsts is not None:
        values["hsts"] = checks.age(options.hsts)
    if options.body_size is not None:
        values["body_size"] = checks.body_size(options.body_size)
    if options.forward_auth:
        values["forward_auth"] = _forward_auth(options.forward_auth, settings)
    passwords = None
    if options.basic_auth:
        passwords = checks.htpasswd(options.basic_auth)
        values["realm"] = checks.realm(options.basic_auth.realm)
        values["passwords"] = f"{settings.current}/passwords/{checks.file_stem(names[0])}"
    return values, passwords


def upstreams(site: Site, settings: ProxySettings) -> frozenset[str]:
    """Where a site's own server block passes requests on to. Raises Refused for what is no upstream."""
    found = set()
    if site.upstream:
        found.add(f"{Scheme(site.upstream.scheme)}://{checks.upstream(site.upstream, settings)}")
    if site.options.forward_auth:
        asked = _forward_auth(site.options.forward_auth, settings)
        found |= {str(asked["url"])} | ({str(asked["handover_url"])} if asked["handover"] else set())
    return frozenset(found)


def _no_options(settings: ProxySettings) -> Values:
    """A site without any option, for the shared parts of the templates."""
    return {
        "names": [],
        "certificate": None,
        "upstream": None,
        "scheme": "http",
        "verify": False,
        "kind": "proxy",
        "page": None,
        "retry_after": 0,
        "plain_http": False,
        "redirect": None,
        "redirect_path": False,
        "hsts": None,
        "body_size": settings.body_size,
        "realm": None,
        "passwords": None,
        "allow": [],
        "deny": [],
        "websockets": True,
        "forward_auth": None,
        "headers": [],
    }


def _forward_auth(auth: ForwardAuth, settings: ProxySettings) -> Values:
    scheme = Scheme(auth.upstream.scheme)
    if scheme not in {Scheme.HTTP, Scheme.HTTPS}:
        raise Refused("gRPC cannot answer who may enter", cure="give a server that speaks HTTP")
    where = checks.upstream(auth.upstream, settings)
    # It is in the config, as browsers here reach it: that may be a short name.
    login = checks.url(auth.login, short=True) if auth.login is not None else None
    return {
        "url": f"{scheme}://{where}{checks.path(auth.path)}",
        "handover": checks.path(auth.handover) if auth.handover is not None else None,
        "handover_url": f"{scheme}://{where}{checks.path(auth.handover or '/')}",
        "verify": auth.upstream.verify and checks.secure(scheme),
        "login": login,
        "login_query": "&" if login and "?" in login else "?",
    }


def _check_kind(site: Site) -> None:
    answers = [answer for answer in (site.upstream, site.page, site.options.redirect) if answer is not None]
    if len(answers) != 1:
        raise Refused("the site needs one of an upstream, a page and a redirection", cure="choose one")
    options = site.options
    if options.redirect and (options.allow or options.deny or options.basic_auth or options.forward_auth):
        raise Refused("nginx redirects before it asks who may enter", cure="redirect everybody or nobody")


def _certificate(identity: str, settings: ProxySettings) -> str:
    return f"{settings.current}/certificates/{checks.file_stem(identity)}.pem"


def _listen(listen: Listen) -> Values:
    return {"address": str(listen), "proxy_protocol": listen.proxy_protocol}


def _port_suffix(scheme: str, listens: Iterable[Listen]) -> str | None:
    """What follows the host in a URL, None for the scheme's own port."""
    ports = [listen.port for listen in listens if not listen.proxy_protocol]
    if not ports or _DEFAULT_PORTS[scheme] in ports:
        return None
    return f":{ports[0]}"


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
