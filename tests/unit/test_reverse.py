"""The mapping between an address and its PTR record's zone and name."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import dns.name
import dns.reversename
import pytest
from dns.name import Name
from hypothesis import given
from hypothesis import strategies as st

from skulldns.desired.reverse import ReverseZones, address_of, classless, fault, is_reverse

_IPV4 = st.integers(0, 2**32 - 1).map(IPv4Address)
_IPV6 = st.integers(0, 2**128 - 1).map(IPv6Address)


def _zone(text: str) -> Name:
    return dns.name.from_text(text)


@pytest.mark.parametrize(
    ("zones", "ip", "pointer", "alias"),
    [
        (["2.0.192.in-addr.arpa"], "192.0.2.5", "5.2.0.192.in-addr.arpa.", None),
        (["0.192.in-addr.arpa"], "192.0.2.5", "5.2.0.192.in-addr.arpa.", None),
        (["2.0.192.in-addr.arpa"], "198.51.100.5", None, None),
        (["0/26.2.0.192.in-addr.arpa"], "192.0.2.5", "5.0/26.2.0.192.in-addr.arpa.", None),
        (["0/26.2.0.192.in-addr.arpa"], "192.0.2.64", None, None),
        (["64-127.2.0.192.in-addr.arpa"], "192.0.2.64", "64.64-127.2.0.192.in-addr.arpa.", None),
        (
            ["0/26.2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa"],
            "192.0.2.63",
            "63.0/26.2.0.192.in-addr.arpa.",
            "63.2.0.192.in-addr.arpa.",
        ),
        (
            ["0/26.2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa"],
            "192.0.2.64",
            "64.2.0.192.in-addr.arpa.",
            None,
        ),
        (
            ["0/25.2.0.192.in-addr.arpa", "0/28.2.0.192.in-addr.arpa"],
            "192.0.2.5",
            "5.0/28.2.0.192.in-addr.arpa.",
            None,
        ),
        (
            ["8.b.d.0.1.0.0.2.ip6.arpa"],
            "2001:db8::1",
            f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa.",
            None,
        ),
        (
            ["1.0.0.8.b.d.0.1.0.0.2.ip6.arpa"],
            "2001:db8:1::",
            None,
            None,
        ),
        (
            ["f.0.8.b.d.0.1.0.0.2.ip6.arpa"],  # 40 bits
            "2001:db8:0f00::1",
            f"1.{'0.' * 21}f.0.8.b.d.0.1.0.0.2.ip6.arpa.",
            None,
        ),
    ],
)
def test_where_a_pointer_stands(zones: list[str], ip: str, pointer: str | None, alias: str | None) -> None:
    found = ReverseZones(map(_zone, zones))
    assert found.pointer(ip_address(ip)) == (_zone(pointer) if pointer else None)
    assert found.alias(ip_address(ip)) == (_zone(alias) if alias else None)


@given(_IPV4, st.integers(25, 32), st.sampled_from(["a prefix", "a range"]), st.sampled_from([0, 1]))
def test_each_address_has_one_name_in_its_block_and_back(
    ip: IPv4Address, length: int, written: str, outer_zones: int
) -> None:
    size = 1 << (32 - length)
    octets = ip.packed
    first = octets[3] - octets[3] % size
    block = f"{first}-{first + size - 1}" if written == "a range" else f"{first}/{length}"
    outer = f"{octets[2]}.{octets[1]}.{octets[0]}.in-addr.arpa"
    zone = _zone(f"{block}.{outer}")
    found = ReverseZones([zone, *[_zone(outer)] * outer_zones])
    name = found.pointer(ip)
    assert name is not None
    assert (name.labels[0], name.parent()) == (str(octets[3]).encode(), zone)
    assert address_of(name) == ip
    assert classless(zone) == range(first, first + size)
    alias = found.alias(ip)
    assert (alias is not None) == bool(outer_zones)
    if alias is not None:
        assert alias == dns.reversename.from_address(str(ip))
        assert address_of(alias) == ip


@given(_IPV4, _IPV4, st.integers(25, 31))
def test_no_other_address_gets_into_a_block(ip: IPv4Address, other: IPv4Address, length: int) -> None:
    size = 1 << (32 - length)
    first = ip.packed[3] - ip.packed[3] % size
    outer = ".".join(str(octet) for octet in reversed(ip.packed[:3]))
    found = ReverseZones([_zone(f"{first}/{length}.{outer}.in-addr.arpa")])
    same_block = int(ip) // size == int(other) // size
    assert (found.pointer(other) is not None) == same_block


@given(st.one_of(_IPV4, _IPV6), st.integers(1, 32))
def test_at_every_boundary_of_octets_and_nibbles_the_name_is_the_usual_one(
    ip: IPv4Address | IPv6Address, depth: int
) -> None:
    usual = dns.reversename.from_address(str(ip))
    zone = Name(usual.labels[-3 - min(depth, len(usual) - 3) :])
    assert fault(zone) is None
    assert ReverseZones([zone]).pointer(ip) == usual
    assert address_of(usual) == ip


@pytest.mark.parametrize(
    ("zone", "why"),
    [
        ("256.192.in-addr.arpa", "'256' is not an octet, nor a block such as 0/26 or 0-63"),
        ("02.0.192.in-addr.arpa", "'02' is not an octet"),
        ("5/26.2.0.192.in-addr.arpa", "'5/26' is not an octet"),  # not where a /26 begins
        ("0/24.2.0.192.in-addr.arpa", "'0/24' is not an octet"),
        ("0/33.2.0.192.in-addr.arpa", "'0/33' is not an octet"),
        ("63-0.2.0.192.in-addr.arpa", "'63-0' is not an octet"),
        ("0-256.2.0.192.in-addr.arpa", "'0-256' is not an octet"),
        ("0/26.0.192.in-addr.arpa", "'0/26' is not an octet"),
        ("1.5.2.0.192.in-addr.arpa", "it has more than 4 labels"),
        ("g.1.0.0.2.ip6.arpa", "'g' is not a nibble"),
        ("20.1.0.0.2.ip6.arpa", "'20' is not a nibble"),
        (f"{'0.' * 33}ip6.arpa", "it has more than 32 labels"),
    ],
)
def test_zones_that_hold_no_address(zone: str, why: str) -> None:
    assert (fault(_zone(zone)) or "").startswith(why)
    assert ReverseZones([_zone(zone)]).pointer(ip_address("192.0.2.5")) is None


@pytest.mark.parametrize(
    "name",
    [
        "2.0.192.in-addr.arpa",
        "0/26.2.0.192.in-addr.arpa",
        "64.0/26.2.0.192.in-addr.arpa",
        "05.0/26.2.0.192.in-addr.arpa",
        "x.0/26.2.0.192.in-addr.arpa",
        "1.5.0/26.2.0.192.in-addr.arpa",
        "1.ip6.arpa",
        "in-addr.arpa",
    ],
)
def test_names_that_are_no_address(name: str) -> None:
    assert is_reverse(_zone(name))
    assert address_of(_zone(name)) is None
