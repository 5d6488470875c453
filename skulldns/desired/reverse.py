"""Where the PTR record of an address stands: in a zone of octets or nibbles, or in a classless one (RFC 2317)."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

import dns.exception
import dns.reversename
from dns.name import Name

from skulldns.model.guests import IPAddress

_IPV4, _IPV6 = dns.reversename.ipv4_reverse_domain, dns.reversename.ipv6_reverse_domain
_OCTETS, _NIBBLES = 4, 32
_OCTET = re.compile(rb"0|[1-9][0-9]{0,2}")
_NIBBLE = re.compile(rb"[0-9a-f]")
_BLOCK = re.compile(rb"(?P<first>[0-9]{1,3})(?:/(?P<length>[0-9]{2})|-(?P<last>[0-9]{1,3}))")
_LAST = 255
"""The last octet."""

_SMALLEST, _LARGEST = 32, 25
"""Prefix lengths of the blocks that one classless zone may have."""


def is_reverse(name: Name) -> bool:
    """Whether ``name`` stands for an address or a block of them."""
    if name.labels[-2:-1] != (b"arpa",):  # which is so for most, and quickly seen
        return False
    return name.is_subdomain(_IPV4) or name.is_subdomain(_IPV6)


@lru_cache(maxsize=65_536)
def plain_name(ip: IPAddress) -> Name:
    """The PTR owner name of ``ip`` (RFC 1035 section 3.5, RFC 3596 section 2.5) where no zone is classless.

    Asked for again with each look at a guest, and slow to make.
    """
    return dns.reversename.from_address(str(ip))


def address_of(name: Name) -> IPAddress | None:
    """The address a PTR owner name stands for, in a classless zone too; None for a name that is not one address."""
    block = classless(name.parent()) if name.is_subdomain(_IPV4) and name != _IPV4 else None
    if block is not None:
        octet, outer = name.labels[0], name.labels[2:]
        if not _OCTET.fullmatch(octet) or int(octet) not in block:
            return None
        name = Name((octet, *outer))
    try:
        return ip_address(dns.reversename.to_address(name))
    except (ValueError, dns.exception.DNSException):
        return None


def classless(zone: Name) -> range | None:
    """The last octets of the addresses of a classless zone (RFC 2317 section 4); None if ``zone`` is none.

    Its first label is the first address and the prefix length, ``64/26``, or the first and the last one, ``64-127``.
    """
    if len(zone) != len(_IPV4) + _OCTETS or not zone.is_subdomain(_IPV4):
        return None
    found = _BLOCK.fullmatch(zone.labels[0])
    if found is None or _octets(zone.labels[1:_OCTETS]):
        return None
    first = int(found["first"])
    if found["length"] is None:
        return range(first, last + 1) if first <= (last := int(found["last"])) <= _LAST else None
    length = int(found["length"])
    if not _LARGEST <= length <= _SMALLEST:
        return None
    size = 1 << (_SMALLEST - length)
    return range(first, first + size) if first % size == 0 and first <= _LAST else None


def fault(zone: Name) -> str | None:
    """Why no address can have its PTR record in ``zone``; None if some can."""
    if classless(zone) is not None:
        return None
    if zone.is_subdomain(_IPV4):
        labels, most, wrong = zone.relativize(_IPV4).labels, _OCTETS, _octets
    else:
        labels, most, wrong = zone.relativize(_IPV6).labels, _NIBBLES, _nibbles
    if len(labels) > most:
        return f"it has more than {most} labels"
    label = wrong(labels)
    if label is None:
        return None
    kind = "an octet, nor a block such as 0/26 or 0-63" if most == _OCTETS else "a nibble"
    return f"{label.decode('ascii', 'backslashreplace')!r} is not {kind}"


def _octets(labels: Iterable[bytes]) -> bytes | None:
    """The first label that is no octet; None if all are."""
    return next((one for one in labels if not _OCTET.fullmatch(one) or int(one) > _LAST), None)


def _nibbles(labels: Iterable[bytes]) -> bytes | None:
    return next((one for one in labels if not _NIBBLE.fullmatch(one)), None)


class ReverseZones:
    """All reverse zones that we publish. A block's own zone goes before the zone around it."""

    def __init__(self, zones: Iterable[Name] = ()) -> None:
        self._plain: set[Name] = set()
        self._blocks: dict[Name, list[tuple[range, Name]]] = {}
        for zone in set(zones):
            block = classless(zone)
            if block is None:
                self._plain.add(zone)
            else:
                self._blocks.setdefault(zone.parent(), []).append((block, zone))
        for blocks in self._blocks.values():
            blocks.sort(key=lambda one: (len(one[0]), one[1]))

    def pointer(self, ip: IPAddress) -> Name | None:
        """The owner name of the PTR record of ``ip``; None if no zone holds it."""
        plain = plain_name(ip)
        return self._in_block(ip, plain) or (plain if self._holds(plain) else None)

    def alias(self, ip: IPAddress) -> Name | None:
        """The owner name of the CNAME that leads to a classless zone of ours, where the zone around it is ours too."""
        plain = plain_name(ip)
        return plain if self._in_block(ip, plain) and self._holds(plain) else None

    def names(self, ip: IPAddress) -> list[Name]:
        """The names at which something may stand for ``ip``."""
        return [name for name in (self.pointer(ip), self.alias(ip)) if name is not None]

    def _in_block(self, ip: IPAddress, plain: Name) -> Name | None:
        if not self._blocks or not isinstance(ip, IPv4Address):
            return None
        octet = ip.packed[-1]
        zone = next((zone for block, zone in self._blocks.get(plain.parent(), ()) if octet in block), None)
        return Name((plain.labels[0], *zone.labels)) if zone is not None else None

    def _holds(self, plain: Name) -> bool:
        return any(plain.is_subdomain(zone) for zone in self._plain)
