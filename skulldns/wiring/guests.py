"""What the config says about the guests of each source."""

import platform
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

import psutil

from skulldns.config import Config, IncusSourceConfig, LibvirtSourceConfig, SourceConfig
from skulldns.desired.settings import GuestSettings
from skulldns.model.assignments import Assignment
from skulldns.model.guests import IPAddress


def guest_settings(config: Config, source: SourceConfig) -> GuestSettings:
    """How the guests of one source are published."""
    zone = config.zones[source.zone]
    proxy = config.proxy.addresses if config.proxy else ()
    return GuestSettings(
        zone=zone.name,
        ttl=zone.ttl,
        networks=config.networks,
        reverse=zone.reverse,
        publish=config.guests.publish,
        views={one.view: one.publish or config.guests.publish for one in zone.views if one.view is not None},
        https=config.guests.https,
        port=config.guests.port,
        show_owner=config.guests.show_owner,
        on_stop=config.guests.on_stop,
        grace=config.guests.grace,
        reserved=(*config.policy.reserved, *host_labels(config)),
        forbidden=forbidden(config),
        excluded=config.excluded,
        proxy_addresses=tuple(ip_address(one) for one in proxy),
        assigned={guest: Assignment(**dict(one)) for guest, one in config.guests.assign.items()},
    )


def host_labels(config: Config) -> tuple[str, ...]:
    """What this machine and the hypervisors are called: labels that neither guests nor members get by themselves."""
    hosts = (platform.node(), *(urlsplit(_url(source)).hostname or "" for source in config.sources))
    labels = (host.partition(".")[0].lower() for host in hosts if not _is_address(host))
    return tuple(dict.fromkeys(filter(None, labels)))


def forbidden(config: Config) -> frozenset[IPAddress]:
    """Addresses of name servers, proxies and of this host, which no guest may publish."""
    servers = [one.address for zone in config.zones.values() for one in zone.servers]
    proxies = config.proxy.addresses if config.proxy else ()
    return frozenset(ip_address(address) for address in (*servers, *proxies, *_own_addresses()))


def _url(source: SourceConfig) -> str:
    """Where the source's hypervisor is; empty for this machine."""
    match source:
        case LibvirtSourceConfig():
            return source.uri
        case IncusSourceConfig():
            return source.url or ""
        case _:
            return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _own_addresses() -> Iterable[str]:
    """The addresses of this host's interfaces, without their scopes."""
    for found in psutil.net_if_addrs().values():
        for one in found:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                yield one.address.partition("%")[0]
