"""The proxy and the CAs of the config, as live objects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, ip_address
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from dns.name import Name

from skulldns.config import AcmeConfig, AuthoritySection, Config, ProxyConfig
from skulldns.loop.certifier import Certifier, Want
from skulldns.loop.clock import Clock
from skulldns.loop.issuing import Issuer, Office
from skulldns.loop.sites import Sites
from skulldns.model.certificates import Certificate, CertificateWish, Challenge
from skulldns.model.guests import IPAddress
from skulldns.model.policy import Https as HttpsPolicy
from skulldns.store.acme import CertificateStore, PlacedStore
from skulldns.targets.acme.account import ExternalAccount
from skulldns.targets.acme.authority import AcmeAuthority, CaSettings
from skulldns.targets.acme.domains import registered
from skulldns.targets.certificates.files import CertificateDirectory
from skulldns.targets.challenges.dns01 import DnsProver
from skulldns.targets.challenges.http01 import Door, TokenFiles
from skulldns.targets.challenges.lookups import NameLookups
from skulldns.targets.nginx.program import Commands
from skulldns.targets.nginx.target import Nginx
from skulldns.targets.nginx.templates import template_loader
from skulldns.targets.probe import HttpProber
from skulldns.targets.protocol import Prober
from skulldns.targets.proxy import CertificatePaths
from skulldns.targets.vhost.settings import Listen, ProxySettings
from skulldns.wiring.certificates import limits
from skulldns.wiring.guests import forbidden
from skulldns.wiring.members import page_upstream
from skulldns.wiring.nameservers import connections, resolver

_CHALLENGES = PurePosixPath(".well-known/acme-challenge")


@dataclass(frozen=True, slots=True)
class Https:
    """What serves sites: their keeper, who gets their certificates and with what (None without ``acme``), and who
    tries them. ``wild`` are the zones with a wildcard certificate.
    """

    sites: Sites
    certifier: Certifier | None
    office: Office | None
    prober: Prober
    wild: tuple[Name, ...] = ()


def build_https(
    config: Config, proxy: ProxyConfig, certificates: CertificateStore, placed: PlacedStore, clock: Clock
) -> Https:
    """The proxy and the CAs of ``config``. Raises ``ConfigError``."""
    settings = _settings(config, proxy)
    files = CertificateDirectory(config.state / "certificates")

    def issued(identity: str, _: Certificate) -> None:
        sites.certificate_changed(identity)

    certifier, office = None, None
    if config.acme is not None:
        door = Door(_front(proxy), proxy.http_port, bool(proxy.proxy_protocol))
        tokens = TokenFiles(Path(settings.challenges / _CHALLENGES), door)
        office = _office(config, config.acme, files, certificates, placed, tokens, clock)
        certifier = Certifier(office, clock, issued)
    commands = Commands(proxy.program, proxy.test, proxy.reload)
    sites = Sites(
        Nginx(settings, template_loader(proxy.templates), commands, proxy.error_log),
        settings.zones if config.guests.https is HttpsPolicy.AUTO else (),
        lambda: _paths(files),
        _want(certifier),
        clock,
        ours=tuple(config.zones),
    )
    roots = [one.root for one in config.acme.authorities.values() if one.root] if config.acme else []
    where = (_front(proxy), proxy.https_port)
    prober = HttpProber(where, next(iter(roots), None), proxy_protocol=bool(proxy.proxy_protocol))
    return Https(sites, certifier, office, prober, settings.zones)


def _settings(config: Config, proxy: ProxyConfig) -> ProxySettings:
    directory = PurePosixPath(proxy.directory)
    behind = bool(proxy.proxy_protocol)
    addresses = tuple(map(ip_address, proxy.listen))
    return ProxySettings(
        directory=directory,
        challenges=directory / "challenges",
        http=tuple(Listen(address, proxy.http_port, behind) for address in addresses),
        https=tuple(Listen(address, proxy.https_port, behind) for address in addresses),
        networks=config.networks,
        zones=tuple(zone.name for zone in config.zones.values() if zone.guests and config.acme),
        forbidden=forbidden(config),
        own=frozenset({(page.address, page.port)}) if (page := page_upstream(config)) else frozenset(),
        senders=proxy.proxy_protocol,
        status=Listen(IPv4Address("127.0.0.1"), proxy.status_port),
        body_size=proxy.body_size,
        catch_all=proxy.catch_all,
    )


def _front(proxy: ProxyConfig) -> IPAddress:
    """An address at which this host reaches its own proxy."""
    first = ip_address(proxy.listen[0])
    if not first.is_unspecified:
        return first
    return ip_address("127.0.0.1" if isinstance(first, IPv4Address) else "::1")


def _paths(files: CertificateDirectory) -> Mapping[str, CertificatePaths]:
    return {identity: CertificatePaths(*files.paths(identity)) for identity in files.identities()}


def _want(certifier: Certifier | None) -> Callable[[Sequence[CertificateWish]], None]:
    if certifier is None:
        return lambda _: None
    mailbox = certifier.mailbox
    return lambda wishes: mailbox.put(Want(wishes))


# Certificates


def _office(
    config: Config,
    acme: AcmeConfig,
    files: CertificateDirectory,
    certificates: CertificateStore,
    placed: PlacedStore,
    tokens: TokenFiles,
    clock: Clock,
) -> Office:
    servers = connections(config)
    addresses = config.proxy.addresses if config.proxy else ()
    return Office(
        [_issuer(config, acme, directory, clock) for directory in acme.directories],
        {Challenge.DNS01: DnsProver(servers, placed), Challenge.HTTP01: tokens},
        NameLookups(servers, partial(resolver, config)),
        files,
        certificates,
        registered,
        frozenset(map(ip_address, addresses)),
    )


def _issuer(config: Config, acme: AcmeConfig, directory: str, clock: Clock) -> Issuer:
    special = acme.authorities.get(directory, AuthoritySection())
    eab = ExternalAccount(special.eab.kid, special.eab.hmac_file) if special.eab else None

    def authority(url: str, account: ExternalAccount | None) -> AcmeAuthority:
        settings = CaSettings(
            url,
            acme.contact,
            account,
            special.profile or acme.profile,
            special.root,
            special.issuer,
            special.caa,
        )
        home = config.state / "acme" / quote(url, safe="")
        return AcmeAuthority(settings, home, wall=clock.wall, steady=clock.steady)

    staging = authority(special.staging, None) if special.staging else None
    return Issuer(authority(directory, eab), staging, limits(special.limits))
