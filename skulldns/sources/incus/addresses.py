"""Which addresses of an instance are known from where. Pure."""

from collections.abc import Iterator, Mapping

from skulldns.model.guests import Address, GuestState, Interface, IPAddress, Origin, Trust, interface
from skulldns.sources.host.neighbours import Neighbours
from skulldns.sources.incus.answers import Instance, Lease, Nic


def interfaces(
    instance: Instance, leases: Mapping[str, tuple[Lease, ...]], neighbours: Neighbours, trust: Trust
) -> tuple[Interface, ...]:
    """The interfaces that the host defines, each with what is known of it; nothing of any other.

    A bridge or tunnel inside of the instance has a MAC of its own and drops out. Only the static addresses of
    a stopped instance count. Link-local addresses are left out: they mean nothing outside of the link.
    """
    running = instance.state is GuestState.RUNNING
    return tuple(
        interface(
            nic.mac,
            nic.network,
            (
                address
                for address in _told(nic, instance, leases.get(nic.mac or "", ()), neighbours)
                if _has_meaning(address.ip) and (running or address.origin is Origin.STATIC)
            ),
            trust,
        )
        for nic in instance.nics
    )


def hostnames(instance: Instance, leases: Mapping[str, tuple[Lease, ...]]) -> tuple[str, ...]:
    """What the instance called itself to DHCP. The daemon's own DHCP server puts its name in that place."""
    said = {lease.hostname for nic in instance.nics for lease in leases.get(nic.mac or "", ())}
    return tuple(sorted(said - {"", instance.name}))


def _told(
    nic: Nic, instance: Instance, leases: tuple[Lease, ...], neighbours: Neighbours
) -> Iterator[Address]:
    inside = instance.told.get(nic.mac or "", ())
    reckoned = {lease.ip for lease in leases if lease.reckoned}
    for ip in nic.static:
        yield Address(ip, Origin.STATIC)
    for lease in leases:
        # The host's word says which address the guest has if it uses SLAAC with its MAC; whether it does, it
        # alone can tell, and it cannot claim another one by that.
        if not lease.reckoned or (lease.ip in inside and not instance.heard_by_host):
            yield Address(lease.ip, Origin.LEASE)
    for ip in inside:
        if not instance.heard_by_host:
            yield Address(ip, Origin.AGENT)
        elif ip not in reckoned:  # the host lists that one whether it heard of it or not
            yield Address(ip, Origin.ARP)
    for ip in neighbours.get(nic.network or "", {}).get(nic.mac or "", ()):
        yield Address(ip, Origin.ARP)


def _has_meaning(ip: IPAddress) -> bool:
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_loopback)
