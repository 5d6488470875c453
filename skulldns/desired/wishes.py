"""What one guest asks for: its names and its addresses, each checked by itself, before others are looked at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import dns.exception
import dns.name
from dns.name import Name

from skulldns.desired.options import Options
from skulldns.desired.policy import guest_label
from skulldns.desired.settings import GuestSettings
from skulldns.errors import Refused
from skulldns.model.desired import Refusal
from skulldns.model.guests import Address, Interface, IPAddress, Origin
from skulldns.model.policy import OnStop
from skulldns.model.presence import Known

_POINT_TO_POINT = 31
"""From this prefix length on an IPv4 network has no address of its own (RFC 3021)."""


MAX_FURTHER_NAMES = 100
"""How many further names a guest may have."""

_BROADCAST = IPv4Address("255.255.255.255")
_NO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Valid names in the order of preference, usable addresses, and what was refused and why.

    ``macs`` are those of the guest's interfaces, ``mac_of`` says which one an address belongs to, where that is
    known; ``shown`` are the addresses that the guest has now, others are remembered.
    """

    names: tuple[Name, ...] = ()
    addresses: tuple[Address, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    options: Options = field(default_factory=Options)
    macs: frozenset[str] = frozenset()
    mac_of: Mapping[IPAddress, str] = field(default_factory=dict)
    shown: frozenset[IPAddress] = frozenset()


def leaves_at(known: Known, settings: GuestSettings) -> float | None:
    """The Unix time from which the guest has no records any more; None while nothing ends them."""
    if known.gone_since is not None:
        return known.gone_since + settings.grace
    if known.stopped_since is not None and settings.on_stop is OnStop.WITHDRAW:
        return known.stopped_since + settings.grace
    return None


def wishes(known: Known, settings: GuestSettings, options: Options, now: float) -> Wishes:
    """What ``known`` asks for at ``now``; nothing once its time is over."""
    end = leaves_at(known, settings)
    if end is not None and now >= end:
        return Wishes(options=options)
    names, no_names = _names(known, settings, options)
    addresses, no_addresses = _addresses(known, settings)
    macs = frozenset(mac for one in known.guest.interfaces if (mac := _mac(one)))
    mac_of = {
        address.ip: mac
        for interface in reversed(known.interfaces)
        if (mac := _mac(interface)) in macs
        for address in interface.addresses
    }
    return Wishes(
        names=names,
        addresses=addresses,
        refusals=(*no_names, *no_addresses, *_unheard(known, settings), *options.refusals),
        options=options,
        macs=macs,
        mac_of=mac_of,
        shown=frozenset(address.ip for address in known.guest.addresses),
    )


def _mac(interface: Interface) -> str:
    """The MAC of an interface; empty where it has none of its own."""
    mac = (interface.mac or "").lower()
    return "" if mac == _NO_MAC else mac


def _names(known: Known, settings: GuestSettings, options: Options) -> tuple[tuple[Name, ...], list[Refusal]]:
    names: list[Name] = []
    refusals: list[Refusal] = []
    further = options.names
    if len(further) > MAX_FURTHER_NAMES:
        too_many = f"a guest may have {MAX_FURTHER_NAMES} further names, these are {len(further)}; the first ones count"
        refusals.append(Refusal("further names", too_many))
    asked = [
        (known.guest.name, _own_name),
        *((text, further_name) for text in further[:MAX_FURTHER_NAMES]),
    ]
    for text, made_name in asked:
        try:
            name = made_name(text, settings)
        except Refused as refused:
            refusals.append(Refusal(f"name {text!r}", str(refused)))
            continue
        if name not in names:
            names.append(name)
    return tuple(names), refusals


def _addresses(known: Known, settings: GuestSettings) -> tuple[tuple[Address, ...], list[Refusal]]:
    usable: dict[IPAddress, Address] = {}
    refusals = []
    for address in known.addresses:
        if reason := unusable(address.ip, known, settings):
            refusals.append(Refusal(f"address {address}", reason))
        else:
            usable.setdefault(address.ip, address)
    return tuple(usable.values()), refusals


def _unheard(known: Known, settings: GuestSettings) -> Iterator[Refusal]:
    """Why the addresses that only the guest itself vouches for are not used; those of its link are not told."""
    believed = {address.ip for address in known.addresses}
    for address in dict.fromkeys(known.guest.heard):
        if address.ip in believed or _stays_on_link(address.ip):
            continue
        option = "agent" if address.origin is Origin.AGENT else "arp"
        hearsay = (
            f"only the guest itself says so ({address.origin}); give it a lease or a static entry, or believe "
            f"`{option}` of its source in that network"
        )
        yield Refusal(f"address {address}", unusable(address.ip, known, settings) or hearsay)


def _own_name(text: str, settings: GuestSettings) -> Name:
    """The absolute name for the hypervisor's name of a guest, which is one label."""
    return _below(settings.zone, [guest_label(text, settings.reserved)], text)


def further_name(text: str, settings: GuestSettings) -> Name:
    """The absolute name for one of the further names, which may have several labels and may end in the zone.

    Raises ``Refused``.
    """
    zone = "." + settings.zone.to_text(omit_final_dot=True).lower()
    absolute = text.endswith(".")
    relative = text.removesuffix(".").lower().removesuffix(zone)
    if f".{relative}" == zone:
        raise Refused(f"{text!r} is the zone itself", cure="give a name in it")
    if absolute and relative == text.removesuffix(".").lower():
        raise Refused(f"{text!r} is not in {zone[1:]}", cure="give a name in the zone of the guest's source")
    return _below(
        settings.zone, [guest_label(label, settings.reserved) for label in relative.split(".")], text
    )


def _below(zone: Name, labels: list[str], text: str) -> Name:
    try:
        return Name([label.encode() for label in labels] + list(zone.labels))
    except dns.exception.DNSException as error:
        raise Refused(f"{text!r} is too long for a name", cure="shorten it") from error


def unusable(ip: IPAddress, known: Known, settings: GuestSettings) -> str | None:
    """Why an address may not be published for a guest; None if it may."""
    if forbidden(ip, known, settings):
        return "it belongs to the network itself: a gateway, a host, a name server or a proxy"
    if is_in(ip, settings.excluded):
        return "the config excludes it (`excluded`)"
    if _stays_on_link(ip):
        return "it is not an address others can reach"
    networks = [one for one in settings.networks if is_in(ip, (one,))]
    if any(_is_edge(ip, network) for network in networks):
        return "it is its network's own or broadcast address"
    return None if networks else "it is outside the networks of the config (`networks`)"


def forbidden(ip: IPAddress, known: Known, settings: GuestSettings) -> bool:
    """Whether an address is a gateway's, a host's, a name server's or a proxy's."""
    return ip in settings.forbidden or ip in known.guest.forbidden


def is_in(ip: IPAddress, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    """Whether one of ``networks`` holds ``ip``."""
    return any(network.version == ip.version and ip in network for network in networks)


def _stays_on_link(ip: IPAddress) -> bool:
    """Whether an address means nothing to others: link-local, site-local (RFC 3879), a group's, mapped IPv4, none."""
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip == _BROADCAST:
        return True
    return isinstance(ip, IPv6Address) and (ip.is_site_local or ip.ipv4_mapped is not None)


def _is_edge(ip: IPAddress, network: IPv4Network | IPv6Network) -> bool:
    """Whether an IPv4 address is its network's own or broadcast address (RFC 1122 section 3.2.1.3)."""
    edges = (network.network_address, network.broadcast_address)
    return isinstance(network, IPv4Network) and network.prefixlen < _POINT_TO_POINT and ip in edges
