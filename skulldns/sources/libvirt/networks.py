"""Libvirt's virtual networks over one open connection: their definitions, and who leases what in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import libvirt

from skulldns.model.guests import IPAddress
from skulldns.sources.host.leases import is_anothers
from skulldns.sources.libvirt.addresses import Sighting
from skulldns.sources.libvirt.domainxml import Network, Nic, parse_ip, parse_network

UNSUPPORTED = frozenset(
    {
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
    }
)
"""Codes of errors that say that a driver cannot tell."""


@dataclass(frozen=True, slots=True)
class Leases:
    """What a network's DHCP server says: addresses by MAC, and what each MAC called itself when it asked."""

    addresses: Sighting = field(default_factory=dict)
    hostnames: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, mac: str) -> "Leases":
        """Those of one MAC."""
        return Leases({mac: self.addresses.get(mac, ())}, {mac: self.hostnames.get(mac, ())})


class Networks:
    """The networks of one connection. All methods may raise ``libvirt.libvirtError``."""

    def __init__(self, connection: libvirt.virConnect) -> None:
        self._connection = connection
        self._handles: dict[str, libvirt.virNetwork] = {}
        self._networks: dict[str, Network] = {}
        self._stale = True

    def changed(self) -> None:
        """Read all of them again when they are needed next. Any thread may call this."""
        self._stale = True

    def gateways(self) -> frozenset[IPAddress]:
        """The host's own addresses in all networks, as read last."""
        return frozenset().union(*(network.gateways for network in self._networks.values()))

    def read(self) -> None:
        """Read all networks."""
        self._stale = False
        try:
            handles = self._connection.listAllNetworks()
        except libvirt.libvirtError as error:
            if error.get_error_code() not in UNSUPPORTED:
                self._stale = True
                raise
            handles = []
        self._handles = {handle.name(): handle for handle in handles}
        self._networks = {}
        for name in tuple(self._handles):
            self._read(name)

    def of(self, nics: Sequence[Nic], *, fresh: bool) -> Mapping[str, Network]:
        """Return the network of each MAC, joined by its name or by its bridge; ``fresh`` reads these again."""
        unknown = {nic.network for nic in nics if nic.network} - self._networks.keys()
        if fresh and (self._stale or unknown):
            self.read()
            fresh = False
        by_bridge = {network.bridge: name for name, network in self._networks.items() if network.bridge}
        joined = {nic.mac: nic.network or by_bridge.get(nic.bridge or "") for nic in nics}
        if fresh:
            for name in {*joined.values()} & self._handles.keys():
                if name is not None:
                    self._read(name)
        return {mac: self._networks[name] for mac, name in joined.items() if name in self._networks}

    def leases(self, network: str, mac: str | None = None) -> Leases:
        """Return the leases of a network that have not expired, or those of one MAC in it."""
        try:
            return _by_mac(self._handles[network].DHCPLeases(mac))
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_NETWORK:
                return Leases()
            raise

    def _read(self, name: str) -> None:
        try:
            self._networks[name] = parse_network(self._handles[name].XMLDesc())
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
                self._stale = True
                raise
            self._networks.pop(name, None)
            self._handles.pop(name, None)
            self._stale = True


def _by_mac(answer: Iterable[Mapping[str, Any]]) -> Leases:
    addresses: dict[str, list[IPAddress]] = {}
    hostnames: dict[str, tuple[str, ...]] = {}
    for lease in answer:
        mac, ip, hostname = (lease.get("mac") or "").lower(), parse_ip(lease["ipaddr"]), lease.get("hostname")
        if mac and ip is not None and not is_anothers(lease.get("clientid"), mac):
            addresses.setdefault(mac, []).append(ip)
        if mac and hostname and hostname not in hostnames.get(mac, ()):
            hostnames[mac] = (*hostnames.get(mac, ()), hostname)
    return Leases(addresses, hostnames)
