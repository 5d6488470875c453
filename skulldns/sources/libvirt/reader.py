"""Read guests over one open connection. One thread uses a `Reader`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import libvirt

from skulldns.model.guests import Guest, GuestId, GuestState, IPAddress, Origin, SourceName
from skulldns.sources.libvirt.addresses import Sighting, interfaces
from skulldns.sources.libvirt.agents import Agents
from skulldns.sources.libvirt.domainxml import BadXML, Network, Nic, parse_domain, parse_ip, parse_network

Leases = dict[str, Sighting]
"""The leases of a whole network, by its name; filled as networks are met."""

_LIST_RUNNING = libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING | libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED
_STOPPED = frozenset({libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED})
_UNSUPPORTED = frozenset(
    {
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
    }
)
# There is nothing to be known: the driver cannot tell, the network is gone, or the domain stopped meanwhile.
_NOTHING_TO_TELL = _UNSUPPORTED | {libvirt.VIR_ERR_NO_NETWORK, libvirt.VIR_ERR_OPERATION_INVALID}


class Reader:
    """Looks at guests with the fewest requests. All methods may raise ``libvirt.libvirtError``."""

    def __init__(
        self, connection: libvirt.virConnect, source: SourceName, *, agents: Agents | None, arp: bool
    ) -> None:
        self._connection = connection
        self._source = source
        self._agents = agents
        self._arp = arp
        self._handles: dict[str, libvirt.virNetwork] = {}
        self._networks: dict[str, Network] = {}
        self._networks_stale = True
        self._tells_leases_by_network = True

    def networks_changed(self) -> None:
        """Read all networks again at the next look. Any thread may call this."""
        self._networks_stale = True

    def guests(self) -> tuple[Sequence[Guest], frozenset[GuestId]]:
        """Return all guests, and the ids of those that exist but cannot be read."""
        self._begin_look()
        self._read_networks()
        leases: Leases = {}
        guests: list[Guest] = []
        unreadable: set[GuestId] = set()
        surely_running = {identity(domain) for domain in self._connection.listAllDomains(_LIST_RUNNING)}
        for domain in self._connection.listAllDomains():
            try:
                # The two lists spare a request for each guest's state. An inactive domain has no id.
                active = domain.ID() >= 0
                running = active and (identity(domain) in surely_running or _is_running(domain))
                guests.append(self._guest(domain, running=running, leases=leases))
            except libvirt.libvirtError as error:
                if not self._connection.isAlive():
                    raise
                if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    unreadable.add(identity(domain))
            except BadXML:
                unreadable.add(identity(domain))
        if self._agents is not None:
            self._agents.keep({guest.id: guest for guest in guests} | dict.fromkeys(unreadable))
        return guests, frozenset(unreadable)

    def guest(self, wanted: GuestId) -> Guest | None:
        """Return one guest; None if there is none. May raise `BadXML`."""
        self._begin_look()
        try:
            domain = self._connection.lookupByUUIDString(wanted)
            return self._guest(domain, running=_is_running(domain), leases=None)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
            return None

    def _begin_look(self) -> None:
        if self._agents is not None:
            self._agents.begin_look()

    def _guest(self, domain: libvirt.virDomain, *, running: bool, leases: Leases | None) -> Guest:
        definition = parse_domain(domain.XMLDesc())
        # A look at everything has just read the networks; a look at one guest reads those that it joins.
        networks = self._networks_of(definition.nics, fresh=leases is None)
        sightings: dict[Origin, Sighting] = {Origin.STATIC: _static(definition.nics, networks)}
        if running:
            sightings[Origin.LEASE] = self._leased(domain, definition.nics, networks, leases)
            if self._agents is not None and definition.agent:
                sightings[Origin.AGENT] = self._agents.ask(
                    identity(domain), lambda: _ask(domain, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
                )
            if self._arp:
                sightings[Origin.ARP] = _told(domain, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP)
        elif self._agents is not None:
            self._agents.forget(identity(domain))
        return Guest(
            id=identity(domain),
            source=self._source,
            name=definition.name,
            state=GuestState.RUNNING if running else GuestState.STOPPED,
            interfaces=interfaces(definition.nics, sightings),
            options=definition.options,
            forbidden=frozenset().union(*(network.gateways for network in self._networks.values())),
        )

    def _read_networks(self) -> None:
        self._networks_stale = False
        try:
            handles = self._connection.listAllNetworks()
        except libvirt.libvirtError as error:
            if error.get_error_code() not in _UNSUPPORTED:
                self._networks_stale = True
                raise
            handles = []
        self._handles = {handle.name(): handle for handle in handles}
        self._networks = {}
        for name in tuple(self._handles):
            self._read_network(name)

    def _read_network(self, name: str) -> None:
        try:
            self._networks[name] = parse_network(self._handles[name].XMLDesc())
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
                self._networks_stale = True
                raise
            self._networks.pop(name, None)
            self._handles.pop(name, None)
            self._networks_stale = True

    def _networks_of(self, nics: Sequence[Nic], *, fresh: bool) -> Mapping[str, Network]:
        """Return the libvirt network of each MAC, joined by its name or by its bridge."""
        unknown = {nic.network for nic in nics if nic.network} - self._networks.keys()
        if fresh and (self._networks_stale or unknown):
            self._read_networks()
            fresh = False
        by_bridge = {network.bridge: name for name, network in self._networks.items() if network.bridge}
        joined = {nic.mac: nic.network or by_bridge.get(nic.bridge or "") for nic in nics}
        if fresh:
            for name in {*joined.values()} & self._handles.keys():
                if name is not None:
                    self._read_network(name)
        return {mac: self._networks[name] for mac, name in joined.items() if name in self._networks}

    def _leased(
        self,
        domain: libvirt.virDomain,
        nics: Sequence[Nic],
        networks: Mapping[str, Network],
        leases: Leases | None,
    ) -> Sighting:
        """Ask the networks, which answer for all their guests at once, or the domain where they cannot."""
        if self._tells_leases_by_network:
            try:
                return {
                    nic.mac: self._lease(networks[nic.mac].name, nic.mac, leases)
                    for nic in nics
                    if nic.mac in networks
                }
            except libvirt.libvirtError as error:
                if error.get_error_code() not in _UNSUPPORTED:
                    raise
                self._tells_leases_by_network = False
        return _told(domain, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)

    def _lease(self, network: str, mac: str, leases: Leases | None) -> Iterable[IPAddress]:
        if leases is None:
            return self._network_leases(network, mac).get(mac, ())
        if network not in leases:
            leases[network] = self._network_leases(network, None)
        return leases[network].get(mac, ())

    def _network_leases(self, network: str, mac: str | None) -> Sighting:
        """Return the leases of a network that have not expired, or those of one MAC in it."""
        try:
            answer = self._handles[network].DHCPLeases(mac)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_NETWORK:
                return {}
            raise
        return _by_mac((lease["mac"], lease["ipaddr"]) for lease in answer)


def identity(domain: libvirt.virDomain) -> GuestId:
    """Return a domain's UUID, which its handle holds: no request."""
    return GuestId(domain.UUIDString().lower())


def _is_running(domain: libvirt.virDomain) -> bool:
    """Ask for a domain's state. Whatever is neither off nor crashed runs: paused, blocked, shutting down."""
    return domain.state()[0] not in _STOPPED


def _static(nics: Sequence[Nic], networks: Mapping[str, Network]) -> Sighting:
    return {
        nic.mac: (*(networks[nic.mac].hosts.get(nic.mac, ()) if nic.mac in networks else ()), *nic.addresses)
        for nic in nics
    }


def _told(domain: libvirt.virDomain, origin: int) -> Sighting:
    try:
        return _ask(domain, origin)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _NOTHING_TO_TELL:
            raise
        return {}


def _ask(domain: libvirt.virDomain, origin: int) -> Sighting:
    answer: Mapping[str, Any] = domain.interfaceAddresses(origin)
    return _by_mac(
        (told.get("hwaddr"), address["addr"]) for told in answer.values() for address in told["addrs"] or ()
    )


def _by_mac(pairs: Iterable[tuple[str | None, str]]) -> Sighting:
    found: dict[str, list[IPAddress]] = {}
    for mac, text in pairs:
        ip = parse_ip(text)
        if mac and ip is not None:
            found.setdefault(mac.lower(), []).append(ip)
    return found
