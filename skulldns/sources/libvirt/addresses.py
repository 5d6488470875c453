"""Merge what several origins say of a guest's addresses. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from skulldns.model.guests import Address, Interface, IPAddress, Origin
from skulldns.sources.libvirt.domainxml import Nic

Sighting = Mapping[str, Iterable[IPAddress]]
"""Addresses by MAC (lower case), as one origin says."""


def interfaces(nics: Sequence[Nic], sightings: Mapping[Origin, Sighting]) -> tuple[Interface, ...]:
    """Give each address once, to the interface and with the origin that is trusted most (`Origin`'s order).

    Link-local, multicast and unspecified addresses are left out: they mean nothing outside of the link.
    Addresses of a MAC that no interface has (a bridge inside of the guest) are left out too. The order does
    not depend on the order of the answers.
    """
    found: dict[IPAddress, tuple[int, Origin]] = {}
    for origin in Origin:
        sighting = sightings.get(origin, {})
        for index, nic in enumerate(nics):
            for ip in sighting.get(nic.mac, ()):
                if _has_meaning(ip):
                    found.setdefault(ip, (index, origin))
    trust = {origin: rank for rank, origin in enumerate(Origin)}
    in_order = sorted(found, key=lambda ip: (trust[found[ip][1]], ip.version, int(ip)))
    return tuple(
        Interface(
            mac=nic.mac,
            network=nic.network or nic.bridge,
            addresses=tuple(Address(ip, found[ip][1]) for ip in in_order if found[ip][0] == index),
        )
        for index, nic in enumerate(nics)
    )


def _has_meaning(ip: IPAddress) -> bool:
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified)
