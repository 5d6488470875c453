"""What one guest asks for: its names and its addresses, each checked by itself, before others are looked at."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

import dns.exception
import dns.name
import dns.reversename
from dns.name import Name

from skulldns.desired.policy import guest_label
from skulldns.desired.settings import GuestSettings
from skulldns.errors import Refused
from skulldns.model.desired import Refusal
from skulldns.model.guests import Address, IPAddress
from skulldns.model.policy import OnStop
from skulldns.model.presence import Known

_POINT_TO_POINT = 31
"""From this prefix length on an IPv4 network has no address of its own (RFC 3021)."""


MAX_FURTHER_NAMES = 100
"""How many further names a guest may have."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Valid names in the order of preference, usable addresses, and what was refused and why."""

    names: tuple[Name, ...] = ()
    addresses: tuple[Address, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def leaves_at(known: Known, settings: GuestSettings) -> float | None:
    """The Unix time from which the guest has no records any more; None while nothing ends them."""
    if known.gone_since is not None:
        return known.gone_since + settings.grace
    if known.stopped_since is not None and settings.on_stop is OnStop.WITHDRAW:
        return known.stopped_since + settings.grace
    return None


def wishes(known: Known, settings: GuestSettings, now: float) -> Wishes:
    """What ``known`` asks for at ``now``; nothing once its time is over."""
    end = leaves_at(known, settings)
    if end is not None and now >= end:
        return Wishes()
    names: list[Name] = []
    refusals: list[Refusal] = []
    further = known.guest.options.names
    if len(further) > MAX_FURTHER_NAMES:
        too_many = f"a guest may have {MAX_FURTHER_NAMES} further names, these are {len(further)}; the first ones count"
        refusals.append(Refusal("further names", too_many))
    asked = [
        (known.guest.name, _own_name),
        *((text, _further_name) for text in further[:MAX_FURTHER_NAMES]),
    ]
    for text, made_name in asked:
        try:
            name = made_name(text, settings)
        except Refused as refused:
            refusals.append(Refusal(f"name {text!r}", str(refused)))
            continue
        if name not in names:
            names.append(name)
    usable: list[Address] = []
    for address in known.addresses:
        if reason := _unusable(address.ip, known, settings):
            refusals.append(Refusal(f"address {address}", reason))
        elif address.ip not in {other.ip for other in usable}:
            usable.append(address)
    return Wishes(tuple(names), tuple(usable), tuple(refusals))


def reverse_name(ip: IPAddress, zones: tuple[Name, ...]) -> Name | None:
    """The PTR owner name of ``ip`` (RFC 1035 section 3.5, RFC 3596 section 2.5) if one of ``zones`` holds it."""
    name = dns.reversename.from_address(str(ip))
    return name if any(name.is_subdomain(zone) for zone in zones) else None


def _own_name(text: str, settings: GuestSettings) -> Name:
    """The absolute name for the hypervisor's name of a guest, which is one label."""
    return _below(settings.zone, [guest_label(text, settings.reserved)], text)


def _further_name(text: str, settings: GuestSettings) -> Name:
    """The absolute name for one of the further names, which may have several labels and may end in the zone."""
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


def _unusable(ip: IPAddress, known: Known, settings: GuestSettings) -> str | None:
    """Why an address may not be published for a guest; None if it may."""
    if ip in settings.forbidden or ip in known.guest.forbidden:
        return "it belongs to the network itself: a gateway, a host, a name server or a proxy"
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return "it is not an address others can reach"
    networks = [one for one in settings.networks if one.version == ip.version and ip in one]
    if any(_is_edge(ip, network) for network in networks):
        return "it is its network's own or broadcast address"
    return None if networks else "it is outside the networks of the config"


def _is_edge(ip: IPAddress, network: IPv4Network | IPv6Network) -> bool:
    """Whether an IPv4 address is its network's own or broadcast address (RFC 1122 section 3.2.1.3)."""
    edges = (network.network_address, network.broadcast_address)
    return isinstance(network, IPv4Network) and network.prefixlen < _POINT_TO_POINT and ip in edges
