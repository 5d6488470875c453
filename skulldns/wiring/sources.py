"""The sources of the config, as live objects."""

from ipaddress import ip_address
from typing import TYPE_CHECKING

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
from skulldns.sources.protocol import Source

if TYPE_CHECKING:
    from skulldns.sources.incus.endpoint import LocalSocket, Remote
    from skulldns.sources.incus.source import IncusSource
    from skulldns.sources.libvirt import LibvirtSource
    from skulldns.sources.static import Machine

# Each kind of source brings libraries that take long to load: it is loaded where the config has one.


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
    if isinstance(source, StaticSourceConfig):
        return _static(source)
    if isinstance(source, LxcSourceConfig):
        from skulldns.sources.lxc.source import LxcSource  # noqa: PLC0415 - see above

        trust = Trust(agent=source.agent, arp=source.arp)
        return LxcSource(source.path, name=source_name(source), leases=source.leases, trust=trust)
    found = _incus(source) if isinstance(source, IncusSourceConfig) else _libvirt(source)
    if watch_leases:
        found.watch_leases()
    return found


def _libvirt(source: LibvirtSourceConfig) -> "LibvirtSource":
    from skulldns.sources.host.neighbours import HostNetwork  # noqa: PLC0415 - see above
    from skulldns.sources.libvirt import LibvirtSource  # noqa: PLC0415 - see above

    trust = Trust(agent=source.agent, arp=source.arp)
    return LibvirtSource(
        source.uri, name=source_name(source), trust=trust, neighbours=HostNetwork().neighbours
    )


def _incus(source: IncusSourceConfig) -> "IncusSource":
    from skulldns.sources.incus.source import IncusSource  # noqa: PLC0415 - see above

    trust = Trust(agent=source.agent, arp=source.arp)
    return IncusSource(
        _endpoint(source),
        name=source_name(source),
        projects=source.projects,
        leases=source.leases,
        trust=trust,
    )


def _endpoint(source: IncusSourceConfig) -> "LocalSocket | Remote":
    from skulldns.sources.incus.endpoint import LocalSocket, Remote  # noqa: PLC0415 - see above

    if source.socket is not None:
        return LocalSocket(source.socket)
    assert source.url is not None, "loading lets no other pass"
    assert source.certificate is not None, "loading lets no other pass"
    assert source.key is not None, "loading lets no other pass"
    return Remote(source.url, source.certificate, source.key, source.server_certificate)


def _static(source: StaticSourceConfig) -> Source:
    from skulldns.sources.static import StaticSource  # noqa: PLC0415 - see above

    return StaticSource(source_name(source), {own: _machine(one) for own, one in source.guests.items()})


def _machine(guest: StaticGuest) -> "Machine":
    from skulldns.sources.static import Machine  # noqa: PLC0415 - see above

    options = GuestOptions(
        owner=guest.owner,
        port=guest.port,
        names=guest.names,
        publish=str(guest.publish) if guest.publish else None,
        https=guest.https,
    )
    return Machine(tuple(map(ip_address, guest.addresses)), options)
