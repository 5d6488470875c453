"""The JSON Schema of a zone file, for editors, from the table of shapes."""

import json

import dns.rdatatype
from dns.rdatatype import RdataType

from skulldns.desired.yamltext import Plain
from skulldns.desired.zonefile.options import NOT_DATA, OURS
from skulldns.desired.zonefile.reading import MAX_TTL
from skulldns.desired.zonefile.shapes import OLD_DS, SHAPES, Shape
from skulldns.desired.zonefile.values import CHUNKED

_Schema = dict[str, Plain]
_TEXT: _Schema = {"type": "string"}
_RECORD: _Schema = {"$ref": "#/$defs/record"}


def schema_text() -> str:
    """The JSON Schema, as ``skulldns/zone.schema.json`` holds it.

    It knows names, fields and ranges; what a value may be in presentation format only ``skulldns check`` knows.
    """
    schema: _Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Zone file of SkullDNS and octoDNS",
        "description": "Names relative to the zone ('' is the zone itself) lead to a record or a list of records.",
        "type": "object",
        "propertyNames": {"not": {"const": "@"}},
        "additionalProperties": {"anyOf": [_RECORD, {"type": "array", "items": _RECORD}]},
        "$defs": {
            "record": _record(),
            **{_text(rdtype): _structured(rdtype, shape) for rdtype, shape in SHAPES.items()},
            **{_text(rdtype): _strings() for rdtype in sorted(CHUNKED)},
        },
    }
    return json.dumps(schema, indent=2) + "\n"


def _record() -> _Schema:
    typed: list[Plain] = [_of_type(_text(rdtype)) for rdtype in (*SHAPES, *sorted(CHUNKED))]
    properties: _Schema = {
        "type": {"type": "string", "description": "A type that DNS has, such as A, AAAA, CNAME, MX or TXT."},
        "ttl": {
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_TTL,
            "description": "Seconds; the zone's 'ttl' where it is not given.",
        },
        "value": {"description": "The record's value, in fields or as a name server prints it."},
        "values": {
            "type": ["array", "string", "object"],
            "description": "Several values, in place of 'value'.",
        },
        "octodns": {
            "type": "object",
            "description": "octoDNS's options: ignored, lenient, included, excluded.",
        },
        "skulldns": {
            "type": "object",
            "additionalProperties": False,
            "properties": dict(OURS),
            "description": "Options of this project.",
        },
    }
    properties |= {name: {"description": f"Left out: {why}."} for name, why in NOT_DATA.items()}
    return {
        "type": "object",
        "required": ["type"],
        "oneOf": [{"required": ["value"]}, {"required": ["values"]}],
        "additionalProperties": False,
        "properties": properties,
        "allOf": typed,
    }


def _text(rdtype: RdataType) -> str:
    return dns.rdatatype.to_text(rdtype)


def _of_type(name: str) -> _Schema:
    value: _Schema = {"$ref": f"#/$defs/{name}"}
    several: _Schema = {"anyOf": [value, {"type": "array", "items": value}]}
    return {
        "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
        "then": {"properties": {"value": several, "values": several}},
    }


def _structured(rdtype: RdataType, shape: Shape) -> _Schema:
    shapes: list[Plain] = [_TEXT, _fields(shape)]
    if rdtype is RdataType.DS:
        shapes.append(_fields(OLD_DS))
    return {"anyOf": shapes}


def _fields(shape: Shape) -> _Schema:
    required: list[Plain] = [
        {"anyOf": [{"required": [name]} for name in field.names]} for field in shape if field.default is None
    ]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: field.form.schema() for field in shape for name in field.names},
        "allOf": required,
    }


def _strings() -> _Schema:
    strings: _Schema = {"type": "array", "items": _TEXT, "minItems": 1}
    fields: _Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"strings": strings},
        "required": ["strings"],
    }
    return {"anyOf": [_TEXT, fields]}
