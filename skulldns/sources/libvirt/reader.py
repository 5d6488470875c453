"""Read guests over one open connection. One thread uses a `Reader`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import libvirt

from skulldns.model.guests import Guest, GuestId, GuestState, IPAddress, Origin, SourceName, Trust
from skulldns.sources.libvirt.addresses import Sighting, interfaces
from skulldns.sources.libvirt.domainxml import BadXML, Network, Nic, parse_domain, parse_ip
from skulldns.sources.libvirt.hearsay import Hearsay
from skulldns.sources.libvirt.neighbourhood import Neighbourhood
from skulldns.sources.libvirt.networks import UNSUPPORTED, Leases, Networks

_LIST_RUNNING = libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING | libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED
_STOPPED = frozenset({libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED})
# There is nothing to be known: the driver cannot tell, the network is gone, or the domain stopped meanwhile.
_NOTHING_TO_TELL = UNSUPPORTED | {libvirt.VIR_ERR_NO_NETWORK, libvirt.VIR_ERR_OPERATION_INVALID}

_FROM_LEASE = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE
_FROM_AGENT = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT
_FROM_ARP = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP


class Reader:
    """Looks at guests with the fewest requests. All methods may raise ``libvirt.libvirtError``.

    ``agents`` are asked if they are given. Of ARP ``neighbours`` tells at once for all guests. Without it each guest
    costs a request, in which libvirt's daemon reads its host's whole table: ``arp`` bounds these.
    """

    def __init__(
        self,
        connection: libvirt.virConnect,
        source: SourceName,
        trust: Trust,
        *,
        agents: Hearsay | None = None,
        arp: Hearsay | None = None,
        neighbours: Neighbourhood | None = None,
    ) -> None:
        self._connection = connection
        self._source = source
        self._trust = trust
        self._agents = agents
        self._arp = arp
        self._neighbours = neighbours
        self._networks = Networks(connection)
        self._tells_leases_by_network = True
        self._tells_arp = True

    def networks_changed(self) -> None:
        """Read all networks again at the next look. Any thread may call this."""
        self._networks.changed()

    def guests(self) -> tuple[Sequence[Guest], frozenset[GuestId]]:
        """Return all guests, and the ids of those that exist but cannot be read."""
        self._begin_look()
        self._networks.read()
        leases: dict[str, Leases] = {}
        guests: dict[GuestId, Guest] = {}
        unreadable: set[GuestId] = set()
        surely_running = {identity(domain) for domain in self._connection.listAllDomains(_LIST_RUNNING)}
        domains = self._connection.listAllDomains()
        for domain in self._in_turn(domains):
            try:
                # The two lists spare a request for each guest's state. An inactive domain has no id.
                active = domain.ID() >= 0
                running = active and (identity(domain) in surely_running or _is_running(domain))
                guest = self._guest(domain, running=running, leases=leases)
                guests[guest.id] = guest
            except libvirt.libvirtError as error:
                if not self._connection.isAlive():
                    raise
                if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    unreadable.add(identity(domain))
            except BadXML:
                unreadable.add(identity(domain))
        for hearsay in self._hearsay():
            hearsay.keep(unreadable | guests.keys())
        in_order = (identity(domain) for domain in domains)
        return [guests[one] for one in in_order if one in guests], frozenset(unreadable)

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

    def _hearsay(self) -> Iterable[Hearsay]:
        return (one for one in (self._agents, self._arp) if one is not None)

    def _begin_look(self) -> None:
        for hearsay in self._hearsay():
            hearsay.begin_look()

    def _in_turn(self, domains: Sequence[libvirt.virDomain]) -> Sequence[libvirt.virDomain]:
        if self._arp is None:
            return domains
        arp = self._arp
        return sorted(domains, key=lambda domain: arp.asked(identity(domain)))

    def _guest(self, domain: libvirt.virDomain, *, running: bool, leases: dict[str, Leases] | None) -> Guest:
        definition = parse_domain(domain.XMLDesc())
        # A look at everything has just read the networks; a look at one guest reads those that it joins.
        networks = self._networks.of(definition.nics, fresh=leases is None)
        sightings: dict[Origin, Sighting] = {Origin.STATIC: _static(definition.nics, networks)}
        hostnames: tuple[str, ...] = ()
        if running:
            leased = self._leased(domain, networks, leases)
            sightings[Origin.LEASE] = leased.addresses
            hostnames = tuple(dict.fromkeys(name for names in leased.hostnames.values() for name in names))
            if self._agents is not None and definition.agent:
                sightings[Origin.AGENT] = self._agents.ask(
                    identity(domain), lambda: _ask(domain, _FROM_AGENT)
                )
            sightings[Origin.ARP] = self._heard_of(domain, fresh=leases is not None)
        else:
            for hearsay in self._hearsay():
                hearsay.forget(identity(domain))
        return Guest(
            id=identity(domain),
            source=self._source,
            name=definition.name,
            state=GuestState.RUNNING if running else GuestState.STOPPED,
            interfaces=interfaces(definition.nics, sightings, self._trust),
            options=definition.options,
            forbidden=self._networks.gateways(),
            hostnames=hostnames,
        )

    def _leased(
        self, domain: libvirt.virDomain, networks: Mapping[str, Network], leases: dict[str, Leases] | None
    ) -> Leases:
        """Ask the networks, which answer for all their guests at once, or the domain where they cannot."""
        if self._tells_leases_by_network:
            try:
                found = [self._lease(network.name, mac, leases) for mac, network in networks.items()]
            except libvirt.libvirtError as error:
                if error.get_error_code() not in UNSUPPORTED:
                    raise
                self._tells_leases_by_network = False
            else:
                return Leases(
                    {mac: ips for one in found for mac, ips in one.addresses.items()},
                    {mac: names for one in found for mac, names in one.hostnames.items()},
                )
        return Leases(_told(domain, _FROM_LEASE))

    def _lease(self, network: str, mac: str, leases: dict[str, Leases] | None) -> Leases:
        if leases is None:
            return self._networks.leases(network, mac).of(mac)
        if network not in leases:
            leases[network] = self._networks.leases(network)
        return leases[network].of(mac)

    def _heard_of(self, domain: libvirt.virDomain, *, fresh: bool) -> Sighting:
        """What the guest's host heard of it by ARP and neighbour discovery."""
        if self._neighbours is not None:
            # Where nobody believes it, a look at one guest need not wait for it.
            return self._neighbours.heard() if fresh or self._trust.arp else self._neighbours.heard_before()
        if self._arp is None or not self._tells_arp:
            return {}
        return self._arp.ask(identity(domain), lambda: self._ask_arp(domain))

    def _ask_arp(self, domain: libvirt.virDomain) -> Sighting:
        try:
            return _ask(domain, _FROM_ARP)
        except libvirt.libvirtError as error:
            if error.get_error_code() in UNSUPPORTED:
                self._tells_arp = False  # nor can the driver for any other guest
            if error.get_error_code() not in _NOTHING_TO_TELL:
                raise
            return {}


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
    found: dict[str, list[IPAddress]] = {}
    for told in answer.values():
        for address in told["addrs"] or ():
            mac, ip = told.get("hwaddr"), parse_ip(address["addr"])
            if mac and ip is not None:
                found.setdefault(mac.lower(), []).append(ip)
    return found
