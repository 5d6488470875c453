"""Merge what several origins say of a guest's addresses. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from skulldns.model.guests import Address, Interface, IPAddress, Origin, Trust, interface
from skulldns.sources.libvirt.domainxml import Nic

Sighting = Mapping[str, Iterable[IPAddress]]
"""Addresses by MAC (lower case), as one origin says."""


def interfaces(
    nics: Sequence[Nic], sightings: Mapping[Origin, Sighting], trust: Trust
) -> tuple[Interface, ...]:
    """Give each interface the addresses that the origins tie to its MAC, in an order of their own.

    Link-local, multicast and unspecified addresses are left out: they mean nothing outside of the link.
    Addresses of a MAC that no interface has (a bridge inside of the guest) are left out too.
    """
    return tuple(interface(nic.mac, nic.network or nic.bridge, _told(nic, sightings), trust) for nic in nics)


def _told(nic: Nic, sightings: Mapping[Origin, Sighting]) -> Iterable[Address]:
    for origin, sighting in sightings.items():
        for ip in sorted(sighting.get(nic.mac, ()), key=lambda ip: (ip.version, int(ip))):
            if not (ip.is_link_local or ip.is_multicast or ip.is_unspecified):
                yield Address(ip, origin)
