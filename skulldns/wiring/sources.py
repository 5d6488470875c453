"""The sources of the config, as live objects."""

from ipaddress import ip_address

from skulldns.config import (
    IncusSourceConfig,
    LibvirtSourceConfig,
    LxcSourceConfig,
    SourceConfig,
    StaticGuest,
    StaticSourceConfig,
)
from skulldns.model.certificates import shown
from skulldns.model.guests import GuestOptions, SourceName, Trust
from skulldns.sources.host.neighbours import HostNetwork
from skulldns.sources.incus.endpoint import LocalSocket, Remote
from skulldns.sources.incus.source import IncusSource
from skulldns.sources.libvirt import LibvirtSource
from skulldns.sources.lxc.source import LxcSource
from skulldns.sources.protocol import Source
from skulldns.sources.static import Machine, StaticSource


def source_name(source: SourceConfig) -> SourceName:
    """How a source is called in status and logs."""
    if isinstance(source, LibvirtSourceConfig):
        return SourceName(f"{source.kind} {source.uri}")
    if isinstance(source, LxcSourceConfig):
        return SourceName(f"{source.kind} {source.path}")
    if isinstance(source, IncusSourceConfig):
        return SourceName(f"{source.kind} {source.socket or source.url}")
    return SourceName(f"{source.kind} {shown(source.zone)}")


def source_of(source: SourceConfig, *, watch_leases: bool) -> Source:
    """A source that is not connected yet; with ``watch_leases`` it hears of leases on this host."""
    name = source_name(source)
    if isinstance(source, StaticSourceConfig):
        return StaticSource(name, {own: _machine(one) for own, one in source.guests.items()})
    trust = Trust(agent=source.agent, arp=source.arp)
    if isinstance(source, LxcSourceConfig):
        return LxcSource(source.path, name=name, leases=source.leases, trust=trust)
    found: LibvirtSource | IncusSource
    if isinstance(source, IncusSourceConfig):
        endpoint = _endpoint(source)
        found = IncusSource(endpoint, name=name, projects=source.projects, leases=source.leases, trust=trust)
    else:
        found = LibvirtSource(source.uri, name=name, trust=trust, neighbours=HostNetwork().neighbours)
    if watch_leases:
        found.watch_leases()
    return found


def _endpoint(source: IncusSourceConfig) -> LocalSocket | Remote:
    if source.socket is not None:
        return LocalSocket(source.socket)
    assert source.url is not None, "loading lets no other pass"
    assert source.certificate is not None, "loading lets no other pass"
    assert source.key is not None, "loading lets no other pass"
    return Remote(source.url, source.certificate, source.key, source.server_certificate)


def _machine(guest: StaticGuest) -> Machine:
    options = GuestOptions(
        owner=guest.owner,
        port=guest.port,
        names=guest.names,
        publish=str(guest.publish) if guest.publish else None,
        https=guest.https,
    )
    return Machine(tuple(map(ip_address, guest.addresses)), options)
