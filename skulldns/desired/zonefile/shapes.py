"""The table of octoDNS's structured types (octodns/record/*.py), from which files are read, written and described.

Each field stands in the order of the type's presentation format, under octoDNS's names for it, the one that
is written first.
"""

from dataclasses import dataclass

from dns.rdatatype import RdataType

from skulldns.desired.yamltext import Mapping, Plain
from skulldns.desired.zonefile.fields import Decimal, Form, Params, String, Target, Whole, Word, tokens
from skulldns.desired.zonefile.where import Where


@dataclass(frozen=True, slots=True)
class Field:
    """One field: octoDNS's names for it, how it is written, and its default in presentation format."""

    names: tuple[str, ...]
    form: Form
    default: str | None = None


Shape = tuple[Field, ...]

_U8, _U16 = Whole(255), Whole(65_535)
_SVCB: Shape = (
    Field(("svcpriority",), _U16),
    Field(("targetname",), Target()),
    Field(("svcparams",), Params(), ""),
)

SHAPES: dict[RdataType, Shape] = {
    RdataType.MX: (Field(("preference", "priority"), _U16), Field(("exchange", "value"), Target())),
    RdataType.SRV: (
        Field(("priority",), _U16),
        Field(("weight",), _U16),
        Field(("port",), _U16),
        Field(("target",), Target()),
    ),
    RdataType.CAA: (Field(("flags",), _U8, "0"), Field(("tag",), Word()), Field(("value",), String())),
    RdataType.SSHFP: (
        Field(("algorithm",), _U8),
        Field(("fingerprint_type",), _U8),
        Field(("fingerprint",), Word()),
    ),
    RdataType.TLSA: (
        Field(("certificate_usage",), _U8),
        Field(("selector",), _U8),
        Field(("matching_type",), _U8),
        Field(("certificate_association_data",), Word()),
    ),
    RdataType.DS: (
        Field(("key_tag",), _U16),
        Field(("algorithm",), _U8),
        Field(("digest_type",), _U8),
        Field(("digest",), Word()),
    ),
    RdataType.NAPTR: (
        Field(("order",), _U16),
        Field(("preference",), _U16),
        Field(("flags",), String(empty=True, upper=True)),
        Field(("service",), String(empty=True)),
        Field(("regexp",), String(empty=True)),
        Field(("replacement",), Target()),
    ),
    RdataType.LOC: (  # the last three have defaults in RFC 1876 section 3; octoDNS wants them written
        Field(("lat_degrees",), Whole(90)),
        Field(("lat_minutes",), Whole(59)),
        Field(("lat_seconds",), Decimal()),
        Field(("lat_direction",), Word(upper=True)),
        Field(("long_degrees",), Whole(180)),
        Field(("long_minutes",), Whole(59)),
        Field(("long_seconds",), Decimal()),
        Field(("long_direction",), Word(upper=True)),
        Field(("altitude",), Decimal("m")),
        Field(("size",), Decimal("m"), "1m"),
        Field(("precision_horz",), Decimal("m"), "10000m"),
        Field(("precision_vert",), Decimal("m"), "10m"),
    ),
    RdataType.SVCB: _SVCB,
    RdataType.HTTPS: _SVCB,
    RdataType.URI: (Field(("priority",), _U16), Field(("weight",), _U16), Field(("target",), String())),
}

OLD_DS: Shape = (
    Field(("flags",), _U16),
    Field(("protocol",), _U8),
    Field(("algorithm",), _U8),
    Field(("public_key",), Word()),
)
"""octoDNS's first names for a DS record's key tag, algorithm, digest type and digest."""


def rendered(node: Mapping, where: Where) -> str:
    """A structured value in presentation format; raises ``ConfigError`` at what is wrong with it."""
    shape = SHAPES.get(where.type)
    if shape is None:
        raise where.error(node, "has no fields", "write the value as text in presentation format")
    if where.type is RdataType.DS and ("public_key" in node.entries or "flags" in node.entries):
        shape = OLD_DS
    known = [name for field in shape for name in field.names]
    for name, (key, _) in node.entries.items():
        if name not in known:
            raise where.error(key, f'has no field "{name}"', f"its fields are {', '.join(known)}")
    parts = []
    for field in shape:
        given = next((name for name in field.names if name in node.entries), None)
        if given is not None:
            parts.append(field.form.render(node.entries[given][1], given, where))
        elif field.default is not None:
            parts.append(field.default)
        else:
            raise where.error(node, f"lacks {field.names[0]}", f"add '{field.names[0]}:'")
    return " ".join(parts)


def fields_of(text: str, rdtype: RdataType) -> dict[str, Plain] | None:
    """The structured value of rdata in presentation format; None when its type has no fields."""
    shape = SHAPES.get(rdtype)
    if shape is None:
        return None
    parts = tokens(text)
    parts[len(shape) - 1 :] = [" ".join(parts[len(shape) - 1 :])] if len(parts) >= len(shape) else []
    value = {}
    for index, field in enumerate(shape):
        part = parts[index] if index < len(parts) else field.default
        if part is None:
            return None
        value[field.names[0]] = field.form.plain(part)
    return value
