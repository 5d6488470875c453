"""Values in their plainest spelling to data, without dnspython: most of a large zone."""

import re
from collections.abc import Callable
from functools import partial
from ipaddress import AddressValueError, IPv6Address

from dns.rdatatype import RdataType

from skulldns.model.interned import Data, data_of, ipv4

_NAME = re.compile(r"(?=.{2,254}\Z)(?:[a-z0-9_-]{1,63}\.)+")
_STRING = 255
"""Bytes of a character-string (RFC 1035 section 3.3)."""

Found = tuple[RdataType, Data | None]
"""The type, and its data; None for what is not plain, which may be right or wrong."""


def _address(value: str) -> Found:
    packed = ipv4(value)
    return RdataType.A, data_of(RdataType.A, [packed]) if packed else None


def _address6(value: str) -> Found:
    try:
        packed = IPv6Address(value).packed
    except AddressValueError:
        return RdataType.AAAA, None
    return RdataType.AAAA, data_of(RdataType.AAAA, [packed])


def _name(rdtype: RdataType, value: str) -> Found:
    if not _NAME.fullmatch(value):
        return rdtype, None
    labels = value.encode().split(b".")
    wire = b"".join([bytes([len(label)]) + label for label in labels])
    return rdtype, data_of(rdtype, [wire], checked=True)


def _text(value: str) -> Found:
    """A text without quotes, backslashes and semicolons."""
    if len(value) > _STRING:
        return RdataType.TXT, None
    return RdataType.TXT, data_of(RdataType.TXT, [bytes([len(value)]) + value.encode()], checked=True)


PLAIN: dict[str, Callable[[str], Found]] = {
    "A": _address,
    "AAAA": _address6,
    "CNAME": partial(_name, RdataType.CNAME),
    "NS": partial(_name, RdataType.NS),
    "PTR": partial(_name, RdataType.PTR),
    "TXT": _text,
}
"""Reads a value of a type that has so plain values."""
