"""Which addresses a member's own name may have."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model.guests import ZONE_INDEX

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in disguise
_CLOUD = (IPv4Address("169.254.169.254"), IPv6Address("fd00:ec2::254"))


def network(text: str) -> IPv4Network | IPv6Network:
    """The network, or the address as one of its own, that was written. Raises ``ValueError``, also for a zone index."""
    if ZONE_INDEX in text:
        raise ValueError("it is good on one link only")
    return ip_network(text)


def judge_address(address: IPv4Address | IPv6Address, rules: Rules) -> None:
    """Refuse an address that is not the member's own to give: ours, a guest's, or one that others cannot reach."""
    if address in rules.forbidden or address in _CLOUD:
        raise _refused(address, "belongs to the network itself")
    if is_within(address, rules.excluded):
        raise _refused(address, "is for nobody (`excluded`)")
    if _unreachable(address):
        raise _refused(address, "is not an address others can reach")
    if is_within(address, rules.networks):
        raise Refused(f"{address} is in the guests' network", cure="choose the guest as target instead")
    if not address.is_global and not is_within(address, rules.address_networks):
        raise _refused(address, "is not a public address")


def is_within(address: IPv4Address | IPv6Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    """Whether one of ``networks`` holds ``address``."""
    return any(address.version == one.version and address in one for one in networks)


def _unreachable(address: IPv4Address | IPv6Address) -> bool:
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return True
    if isinstance(address, IPv4Address):
        return address.is_reserved
    disguised = address.ipv4_mapped or address.sixtofour or address.teredo or address in _NAT64
    return bool(disguised) or address.is_site_local or address.scope_id is not None


def _refused(address: IPv4Address | IPv6Address, why: str) -> Refused:
    return Refused(f"{address} {why}", cure="give the address that your router has in the Internet")
