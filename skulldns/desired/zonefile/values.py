"""The values of a zone file's records: octoDNS's mappings, its texts or presentation format, to rdata."""

import re
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Several
from functools import cache, lru_cache

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.tokenizer
from dns.name import Name
from dns.rdata import Rdata
from dns.rdataclass import IN, RdataClass
from dns.rdatatype import RdataType

from skulldns.desired.yamltext import Kind, Mapping, Node, Scalar, Sequence, shown
from skulldns.desired.zonefile.shapes import rendered
from skulldns.desired.zonefile.where import Where, text_of

IDNA = dns.name.IDNA_2008_Practical
CHUNK = 255
"""Bytes of a character-string (RFC 1035 section 3.3)."""

CHUNKED = frozenset({RdataType.TXT, RdataType.SPF})
_MAX_RDATA = 65_535
_SHORT = 256
"""Characters of values that are worth remembering."""

_CURES = {
    RdataType.A: "write an IPv4 address such as 192.0.2.1",
    RdataType.AAAA: "write an IPv6 address such as 2001:db8::1",
    RdataType.MX: "write {preference: 10, exchange: mail.example.org.}",
}
_ONE_NAME = frozenset({RdataType.CNAME, RdataType.DNAME, RdataType.NS, RdataType.PTR})
_SIMPLE_NAME = re.compile(r"(?=.{2,254}\Z)(?:[a-z0-9_-]{1,63}\.)+")
_UNESCAPED = re.compile(r"\w;")
_ESCAPED_TWICE = re.compile(r"\\\\;")


class _Unfit(Exception):
    """Text that is no rdata of its type: what is wrong, and the cure if it is special."""

    def __init__(self, what: str, cure: str = "", relative: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure
        self.relative = relative


def read_value(node: Node, where: Where) -> Rdata:
    """One value of a record; raises ``ConfigError`` at its place."""
    if isinstance(node, Scalar):
        if where.type not in CHUNKED:
            found = _read(node, node.text.strip(), where) if node.kind is not Kind.EMPTY else None
            if found is not None and node.kind is Kind.TEXT:
                return found
        text = text_of(node, "value", where)  # raises: it is all right but for its missing quotes
        return _of_strings(node, _chunks(node, text, where), where)
    if isinstance(node, Mapping):
        if where.type in CHUNKED:
            return _of_strings(node, _strings(node, where), where)
        return _read(node, rendered(node, where), where)
    raise where.error(node, "value must be text", "write one value")


def _read(node: Node, text: str, where: Where) -> Rdata:
    from_text = _from_text if len(text) < _SHORT else _from_text.__wrapped__
    try:
        return from_text(where.type, text)
    except _Unfit as unfit:
        if unfit.relative is not None:
            raise where.relative(node, unfit.relative) from None
        raise where.error(
            node, f"value {unfit.what}", unfit.cure or _CURES.get(where.type, "correct it")
        ) from None


@lru_cache(maxsize=1024)
def _from_text(rdtype: RdataType, text: str) -> Rdata:
    """Rdata of presentation format. Many records share their values: mail servers, name servers, targets."""
    if "\n" in text or "\r" in text:
        raise _Unfit("has a line break", "write one line for each value")
    try:
        if rdtype is RdataType.A:  # these two are most of a zone, and their constructors check all
            return dns.rdtypes.IN.A.A(IN, rdtype, text)  # type: ignore[no-untyped-call]
        if rdtype is RdataType.AAAA:
            return dns.rdtypes.IN.AAAA.AAAA(IN, rdtype, text)  # type: ignore[no-untyped-call]
        if rdtype in _ONE_NAME and _SIMPLE_NAME.fullmatch(text):  # nor need plain names a tokenizer
            name = Name((*text.encode().split(b".")[:-1], b""))
            return _class(rdtype)(IN, rdtype, name)
        rdata = dns.rdata.from_text(IN, rdtype, text, relativize=False, idna_codec=IDNA)
    except dns.exception.DNSException as error:
        reason = (str(error) or type(error).__name__).rstrip(".")
        raise _Unfit(f"{shown(text)} is not valid: {reason}") from None
    if getattr(rdata, "rdcomment", None) is not None:
        raise _Unfit(f"{shown(text)} has a ';' that starts a comment", 'put it into "quotes"')
    for name in names_in(rdata):
        if not name.is_absolute():
            raise _Unfit("", relative=name.to_text())
    if len(text) > _MAX_RDATA // 4 and len(rdata.to_wire() or b"") > _MAX_RDATA:
        raise _Unfit(f"is longer than {_MAX_RDATA} bytes", "shorten it")
    return rdata


@cache
def _class(rdtype: RdataType) -> Callable[..., Rdata]:
    return dns.rdata.get_rdata_class(IN, rdtype)  # type: ignore[no-any-return, no-untyped-call]


def _of_strings(node: Node, strings: Several[bytes], where: Where) -> Rdata:
    """Rdata of character-strings."""
    if sum(map(len, strings)) + len(strings) > _MAX_RDATA:
        raise where.error(node, f"value is longer than {_MAX_RDATA} bytes", "shorten it")
    return _class(where.type)(IN, where.type, strings)


def _chunks(node: Node, text: str, where: Where) -> list[bytes]:
    r"""TXT as octoDNS reads it: one text of any length, ``;`` written ``\;``, chunked here at 255 bytes."""
    if not text.isascii():
        raise where.error(node, "value has characters beyond ASCII", r"write their UTF-8 bytes as \195\169")
    if where.semicolons:
        if _UNESCAPED.search(text):
            raise where.error(node, f"value {shown(text)} has an unescaped semicolon", r"write '\;'")
        if _ESCAPED_TWICE.search(text):
            raise where.error(node, f"value {shown(text)} has a semicolon escaped twice", r"write '\;'")
    elif r"\;" in text:
        what = f"value {shown(text)} has an escaped semicolon, but the zone's file is said to have none"
        raise where.error(node, what, "write ';'")
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    raw = _unescaped(node, text.replace('" "', ""), where)
    return [raw[start : start + CHUNK] for start in range(0, len(raw), CHUNK)] or [b""]


def _strings(node: Mapping, where: Where) -> list[bytes]:
    """TXT whose character-strings are given one by one, since they are not those that octoDNS would make."""
    given = node.get("strings")
    if not isinstance(given, Sequence) or not given.items or len(node.entries) > 1:
        raise where.error(node, "has no list of strings", "write {strings: [one, two]}, or one text")
    pieces = [_unescaped(item, text_of(item, "string", where), where) for item in given.items]
    if any(len(piece) > CHUNK for piece in pieces):
        raise where.error(node, f"has a string longer than {CHUNK} bytes", "split it")
    return pieces


def _unescaped(node: Node, text: str, where: Where) -> bytes:
    if not text.isascii():
        raise where.error(node, "value has characters beyond ASCII", r"write their UTF-8 bytes as \195\169")
    if "\\" not in text:
        return text.encode()
    try:
        token = dns.tokenizer.Token(dns.tokenizer.QUOTED_STRING, text, has_escape=True)
        return bytes(token.unescape_to_bytes().value)
    except dns.exception.DNSException:
        raise where.error(
            node, f"value {shown(text)} has a broken escape", r"write a backslash as '\\'"
        ) from None


def names_in(rdata: Rdata) -> Iterator[Name]:
    """All domain names that the rdata holds, in its own fields or in tuples of them."""
    for slot in _slots(rdata.rdclass, rdata.rdtype):
        value = getattr(rdata, slot, None)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Name):
                yield item


@cache
def _slots(rdclass: RdataClass, rdtype: RdataType) -> tuple[str, ...]:
    """The attributes of the type's rdata (dnspython's classes all have ``__slots__``)."""
    bases = dns.rdata.get_rdata_class(rdclass, rdtype).__mro__  # type: ignore[no-untyped-call]
    return tuple(slot for base in bases for slot in getattr(base, "__slots__", ()))
