"""The values of a zone file's records: octoDNS's mappings or presentation format, to rdata.

``SHAPES`` is the table of octoDNS's structured types (octodns/record/*.py): each field in the order of the
type's presentation format, under octoDNS's names for it. All types may be given in presentation format.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
from dns.name import Name
from dns.rdata import Rdata
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from skulldns.desired.yamltext import Kind, Mapping, Node, Scalar, Sequence, misread, shown
from skulldns.errors import ConfigError

IDNA = dns.name.IDNA_2008_Practical
_MAX_RDATA = 65_535
_CHUNK = 255
_CURES = {
    RdataType.A: "write an IPv4 address such as 192.0.2.1",
    RdataType.AAAA: "write an IPv6 address such as 2001:db8::1",
}
_CHUNKED = frozenset({RdataType.TXT, RdataType.SPF})


@dataclass(frozen=True, slots=True)
class Where:
    """What the values belong to, for errors and for reading names."""

    file: str
    zone: Name
    type: RdataType

    def error(self, node: Node, what: str, cure: str) -> ConfigError:
        """An error at ``node``; ``what`` follows the type's name."""
        type_name = dns.rdatatype.to_text(self.type)
        return ConfigError(
            f"{type_name} {what}", file=self.file, line=node.line, column=node.column, cure=cure
        )


_Render = Callable[[Node, str, Where], str]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a structured value: octoDNS's names for it, how it becomes text, and its default."""

    names: tuple[str, ...]
    render: _Render
    default: str | None = None


def _text(node: Node, name: str, where: Where) -> str:
    if not isinstance(node, Scalar):
        raise where.error(node, f"{name} must be text", "write one value")
    if node.kind is not Kind.TEXT:
        raise misread(node, name, where.file)
    return node.text


def _whole(limit: int) -> _Render:
    def render(node: Node, name: str, where: Where) -> str:
        if isinstance(node, Scalar) and node.kind is Kind.INTEGER and 0 <= int(node.text) <= limit:
            return node.text
        said = f" {shown(node.text)}" if isinstance(node, Scalar) else ""
        raise where.error(node, f"{name}{said} is out of range", f"write a whole number from 0 to {limit}")

    return render


def _decimal(unit: str = "") -> _Render:
    def render(node: Node, name: str, where: Where) -> str:
        if isinstance(node, Scalar) and re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", node.text):
            return node.text + unit
        raise where.error(node, f"{name} must be a number", "write it like 12.5")

    return render


def _word(node: Node, name: str, where: Where) -> str:
    text = _text(node, name, where)
    if not re.fullmatch(r"[^\s\"();\\]+", text):
        raise where.error(node, f"{name} {shown(text)} is not one word", "write it without blanks and quotes")
    return text


def _string(node: Node, name: str, where: Where) -> str:
    return _quoted(_text(node, name, where))


def _name(node: Node, name: str, where: Where) -> str:
    text = _text(node, name, where)
    if not text.endswith("."):
        raise _relative(node, text, where)
    return text


def _params(node: Node, name: str, where: Where) -> str:
    """SvcParams (RFC 9460 section 2.1): ``{alpn: [h2, h3], port: 8443, no-default-alpn: }``."""
    if not isinstance(node, Mapping):
        raise where.error(node, f"{name} must be a mapping", "write {alpn: [h2], port: 443}")
    rendered = []
    for key, value in node.entries.values():
        word = _word(Scalar(key.text, Kind.TEXT, key.line, key.column), "parameter", where)
        items = value.items if isinstance(value, Sequence) else (value,)
        if isinstance(value, Scalar) and value.kind is Kind.EMPTY:
            rendered.append(word)
        else:
            texts = [
                item.text
                if isinstance(item, Scalar) and item.kind is Kind.INTEGER
                else _text(item, word, where)
                for item in items
            ]
            rendered.append(f"{word}={_quoted(','.join(texts))}")
    return " ".join(rendered)


_U8, _U16 = _whole(255), _whole(65_535)
_SVCB = (
    Field(("svcpriority",), _U16),
    Field(("targetname",), _name),
    Field(("svcparams",), _params, ""),
)

SHAPES: dict[RdataType, tuple[Field, ...]] = {
    RdataType.MX: (Field(("preference", "priority"), _U16), Field(("exchange", "value"), _name)),
    RdataType.SRV: (
        Field(("priority",), _U16),
        Field(("weight",), _U16),
        Field(("port",), _U16),
        Field(("target",), _name),
    ),
    RdataType.CAA: (Field(("flags",), _U8, "0"), Field(("tag",), _word), Field(("value",), _string)),
    RdataType.SSHFP: (
        Field(("algorithm",), _U8),
        Field(("fingerprint_type",), _U8),
        Field(("fingerprint",), _word),
    ),
    RdataType.TLSA: (
        Field(("certificate_usage",), _U8),
        Field(("selector",), _U8),
        Field(("matching_type",), _U8),
        Field(("certificate_association_data",), _word),
    ),
    RdataType.DS: (
        Field(("key_tag",), _U16),
        Field(("algorithm",), _U8),
        Field(("digest_type",), _U8),
        Field(("digest",), _word),
    ),
    RdataType.NAPTR: (
        Field(("order",), _U16),
        Field(("preference",), _U16),
        Field(("flags",), _string),
        Field(("service",), _string),
        Field(("regexp",), _string),
        Field(("replacement",), _name),
    ),
    RdataType.LOC: (
        Field(("lat_degrees",), _whole(90)),
        Field(("lat_minutes",), _whole(59)),
        Field(("lat_seconds",), _decimal()),
        Field(("lat_direction",), _word),
        Field(("long_degrees",), _whole(180)),
        Field(("long_minutes",), _whole(59)),
        Field(("long_seconds",), _decimal()),
        Field(("long_direction",), _word),
        Field(("altitude",), _decimal("m")),
        Field(("size",), _decimal("m")),
        Field(("precision_horz",), _decimal("m")),
        Field(("precision_vert",), _decimal("m")),
    ),
    RdataType.SVCB: _SVCB,
    RdataType.HTTPS: _SVCB,
    RdataType.URI: (Field(("priority",), _U16), Field(("weight",), _U16), Field(("target",), _string)),
}


def read_value(node: Node, where: Where) -> Rdata:
    """One value of a record; raises ``ConfigError`` at its place."""
    if isinstance(node, Mapping):
        shape = SHAPES.get(where.type)
        if shape is None:
            raise where.error(node, "has no fields", "write the value as text in presentation format")
        return _from_text(node, _rendered(node, shape, where), where)
    text = _text(node, "value", where)
    if where.type in _CHUNKED:
        return _from_text(node, _chunks(node, text, where), where)
    return _from_text(node, text.strip(), where)


def _rendered(node: Mapping, shape: tuple[Field, ...], where: Where) -> str:
    known = [name for field in shape for name in field.names]
    for name, (key, _) in node.entries.items():
        if name not in known:
            raise where.error(key, f"has no field {shown(name)}", f"its fields are {', '.join(known)}")
    parts = []
    for field in shape:
        given = [name for name in field.names if name in node.entries]
        if given:
            parts.append(field.render(node.entries[given[0]][1], given[0], where))
        elif field.default is not None:
            parts.append(field.default)
        else:
            raise where.error(node, f"lacks {field.names[0]}", f"add '{field.names[0]}:'")
    return " ".join(parts)


def _quoted(text: str) -> str:
    """A quoted character-string. Escapes stay, since octoDNS passes them on; bare quotes get one."""
    escaped = re.sub(r'\\.|"', lambda match: '\\"' if match[0] == '"' else match[0], text)
    return f'"{escaped}"'


def _chunks(node: Node, text: str, where: Where) -> str:
    r"""TXT as octoDNS reads it: one text of any length, ``;`` written ``\;``, chunked here at 255 bytes."""
    if not text.isascii():
        raise where.error(node, "value has characters beyond ASCII", r"write their UTF-8 bytes as \195\169")
    if re.search(r"\w;", text):
        raise where.error(node, f"value {shown(text)} has an unescaped semicolon", r"write '\;'")
    if re.search(r"\\\\;", text):
        raise where.error(node, f"value {shown(text)} has a semicolon escaped twice", r"write '\;'")
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    text = text.replace('" "', "")
    try:
        token = dns.tokenizer.Token(dns.tokenizer.QUOTED_STRING, text, has_escape=True)
        raw = token.unescape_to_bytes().value
    except dns.exception.DNSException:
        raise where.error(
            node, f"value {shown(text)} has a broken escape", r"write a backslash as '\\'"
        ) from None
    pieces = [raw[start : start + _CHUNK] for start in range(0, len(raw), _CHUNK)] or [b""]
    return " ".join('"' + "".join(f"\\{byte:03d}" for byte in piece) + '"' for piece in pieces)


def _from_text(node: Node, text: str, where: Where) -> Rdata:
    if "\n" in text or "\r" in text:
        raise where.error(node, "value has a line break", "write one line for each value")
    try:
        rdata = dns.rdata.from_text(dns.rdataclass.IN, where.type, text, relativize=False, idna_codec=IDNA)
    except dns.exception.DNSException as error:
        cure = _CURES.get(where.type, "correct it")
        raise where.error(node, f"value {shown(text)} is not valid: {_reason(error)}", cure) from None
    if getattr(rdata, "rdcomment", None) is not None:
        raise where.error(
            node, f"value {shown(text)} has a ';' that starts a comment", 'put it into "quotes"'
        )
    for name in _names(rdata):
        if not name.is_absolute():
            raise _relative(node, name.to_text(), where)
    if len(text) > _MAX_RDATA // 4 and len(rdata.to_wire() or b"") > _MAX_RDATA:
        raise where.error(node, f"value is longer than {_MAX_RDATA} bytes", "shorten it")
    return rdata


def _reason(error: dns.exception.DNSException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")


def _names(rdata: Rdata) -> Iterator[Name]:
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


def _relative(node: Node, text: str, where: Where) -> ConfigError:
    zone = where.zone.to_text()
    if text in ("@", ""):
        return where.error(node, f"value {shown(text)} is not a full name", f"write '{zone}'")
    return where.error(
        node, f"value {shown(text)} has no trailing dot", f"write '{text}.' or '{text}.{zone}'"
    )
