"""What DHCP lease files say, as frozen values. Pure: no file, no clock.

Two formats: dnsmasq's own text (dnsmasq(8), `--dhcp-leasefile`; dnsmasq's `lease.c`) and the JSON list that libvirt's
helper for dnsmasq keeps for each bridge (`<bridge>.status`; libvirt's `leaseshelper.c`).

A lease counts only if the server itself saw the MAC. In dnsmasq's text that holds for IPv4; a DHCPv6 lease
has a DUID there, which the client chooses at will (RFC 8415 section 11), even one with another's MAC in it. So
those lines are left out. Libvirt's list has the MAC for both, as dnsmasq found it on the wire.

dnsmasq knows a client by its client id first (RFC 2131 section 4.2), which anybody may send, and then writes the
sender's MAC into that client's lease. A lease whose client id is another MAC was taken so, and counts for nobody.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

from skulldns.model.guests import ZONE_INDEX, IPAddress

_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_ETHERNET = "01-"  # dnsmasq writes the hardware type before the MAC unless it is this
_ETHERNET_ID = "01:"  # a client id that is a MAC (RFC 2132 section 9.14)
_NO_NAME = "*"
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Lease:
    """An address that the host's DHCP server lent to a MAC (lower case).

    ``hostname`` is what the client called itself. ``expires`` is in seconds since 1970, None for never.
    """

    mac: str
    ip: IPAddress
    hostname: str | None = None
    expires: int | None = None

    def holds(self, now: float) -> bool:
        """Whether it has not expired at ``now``, in seconds since 1970."""
        return self.expires is None or now < self.expires


def parse_dnsmasq(text: str) -> tuple[Lease, ...]:
    """Read dnsmasq's own lease file; lines that are no lease of a MAC are left out."""
    return tuple(_lines(text.splitlines()))


def parse_status(text: str) -> tuple[Lease, ...] | None:
    """Read libvirt's list; None for half a file or something else."""
    try:
        entries = json.loads(text) if text.strip() else []
    except (ValueError, RecursionError):
        return None
    if not isinstance(entries, list):
        return None
    return tuple(_entries(entries))


def is_anothers(client_id: object, mac: str) -> bool:
    """Whether a client id of DHCPv4, as dnsmasq writes it, is the MAC of somebody else than ``mac``."""
    own = parse_mac(client_id[len(_ETHERNET_ID) :]) if isinstance(client_id, str) else None
    return own is not None and str(client_id).startswith(_ETHERNET_ID) and own != mac


def parse_mac(text: object) -> str | None:
    """Read a MAC and return it in lower case; None for what is none."""
    lower = text.lower() if isinstance(text, str) else ""
    return lower if _MAC.fullmatch(lower) else None


def parse_ip(text: object) -> IPAddress | None:
    """Read an address; None for what is none, or good on one link only."""
    try:
        return ip_address(text) if isinstance(text, str) and ZONE_INDEX not in text else None
    except ValueError:
        return None


def _lines(lines: Iterable[str]) -> Iterator[Lease]:
    """Yield the IPv4 leases: expiry, MAC, address, host name and client id, separated by spaces."""
    for line in lines:
        words = line.split(" ")
        if words[0] == "duid":
            return  # the server's own DUID: what follows are DHCPv6 leases
        if len(words) < 4:  # noqa: PLR2004  the fields above but the client id
            continue
        mac, ip = parse_mac(words[1].removeprefix(_ETHERNET)), parse_ip(words[2])
        if not mac or is_anothers("".join(words[4:]), mac):
            continue
        if isinstance(ip, IPv4Address) and words[0].isascii() and words[0].isdecimal():
            yield Lease(mac, ip, _hostname(words[3]), int(words[0]) or None)


def _entries(entries: Iterable[object]) -> Iterator[Lease]:
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        mac, ip = parse_mac(entry.get("mac-address")), parse_ip(entry.get("ip-address"))
        expires = entry.get("expiry-time")
        if mac and ip and not is_anothers(entry.get("client-id"), mac):
            yield Lease(
                mac, ip, _hostname(entry.get("hostname")), (isinstance(expires, int) and expires) or None
            )


def _hostname(text: object) -> str | None:
    return text[:_MAX_NAME] if isinstance(text, str) and text and text != _NO_NAME else None
