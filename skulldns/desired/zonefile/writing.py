"""Records to YAML that this project and octoDNS read."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import dns.exception
import dns.name
import dns.rdatatype
from dns.name import Name
from dns.rdata import Rdata
from dns.rdatatype import RdataType

from skulldns.desired.yamltext import Kind, Mapping, Node, Plain, Scalar
from skulldns.desired.yamltext import Sequence as List
from skulldns.desired.yamlwriting import write_yaml
from skulldns.desired.zonefile.shapes import SHAPES, fields_of
from skulldns.desired.zonefile.values import CHUNK, CHUNKED, IDNA, read_value
from skulldns.desired.zonefile.where import Where
from skulldns.errors import ConfigError
from skulldns.model.statics import StaticRecord

OCTODNS_TYPES = (
    SHAPES.keys()
    | CHUNKED
    | {
        RdataType.A,
        RdataType.AAAA,
        RdataType.CNAME,
        RdataType.DNAME,
        RdataType.NS,
        RdataType.OPENPGPKEY,
        RdataType.PTR,
    }
)
"""The types that octoDNS knows; ALIAS and URLFWD are not DNS."""

END = "...\n"
"""YAML's end of a document: a file that has it is whole, and octoDNS reads it too."""

_PRINTABLE = range(0x20, 0x7F)


class Written(NamedTuple):
    """The text of a file, and a sentence for each thing that it could not hold."""

    text: str
    left_out: tuple[str, ...] = ()


def to_yaml(records: Iterable[StaticRecord], zone: Name, comments: Sequence[str] = ()) -> str:
    """A zone file of ours, with everything, and an end that tells a whole file from a cut one."""
    names: dict[str, list[Plain]] = defaultdict(list)
    for record in _sorted(records):
        names[_key(record.rrset.name, zone)].append(_record(record))
    return _document(names, comments) + END


def to_octodns(records: Iterable[StaticRecord], zone: Name, comments: Sequence[str] = ()) -> Written:
    """A zone file for octoDNS's YamlProvider, in the order that its ``enforce_order`` wants.

    Left out are types that octoDNS does not know, records of one view, and marks of ours.
    """
    names: dict[str, list[Plain]] = defaultdict(list)
    left_out = []
    for record in _sorted(records):
        key = record.rrset.key
        if record.view is not None:
            left_out.append(f"{key} is left out: it is for the view {record.view} only")
            continue
        written = _record(record)
        if record.rrset.type not in OCTODNS_TYPES or not _fits_octodns(written, record.rrset.type):
            left_out.append(f"{key} is left out: octoDNS cannot hold it")
            continue
        if record.reserved:
            left_out.append(f"{key} loses its mark: octoDNS knows no reserved names")
        names[_key(record.rrset.name, zone)].append(
            {name: value for name, value in written.items() if name != "skulldns"}
        )
    return Written(_document(names, comments), tuple(left_out))


def _document(names: dict[str, list[Plain]], comments: Sequence[str]) -> str:
    lines = "".join(f"# {line}".rstrip() + "\n" for line in comments)
    flat: dict[str, Plain] = {name: found[0] if len(found) == 1 else found for name, found in names.items()}
    return f"{lines}---\n{write_yaml(flat)}"


def _sorted(records: Iterable[StaticRecord]) -> list[StaticRecord]:
    return sorted(
        records, key=lambda one: (one.rrset.name, dns.rdatatype.to_text(one.rrset.type), one.view or "")
    )


def _key(name: Name, zone: Name) -> str:
    """The name relative to the zone, in UTF-8 where that leads back to the same name."""
    relative = name.relativize(zone)
    if not relative.labels:
        return ""
    text = relative.to_text()
    if "xn--" not in text:
        return text
    try:
        decoded = relative.to_unicode(idna_codec=IDNA)
        return decoded if dns.name.from_text(decoded, None, idna_codec=IDNA) == relative else text
    except (dns.exception.DNSException, UnicodeError):
        return text


def _record(record: StaticRecord) -> dict[str, Plain]:
    rrset = record.rrset
    written: dict[str, Plain] = {"type": dns.rdatatype.to_text(rrset.type), "ttl": rrset.ttl}
    values = [value_of(rdata) for rdata in sorted(rrset.data, key=lambda one: one.to_digestable())]
    if len(values) == 1:
        written["value"] = values[0]
    else:
        written["values"] = values
    marks: dict[str, Plain] = {}
    if record.reserved:
        marks["reserved"] = True
    if record.view is not None:
        marks["view"] = record.view
    if marks:
        written["skulldns"] = marks
    return written


def value_of(rdata: Rdata) -> Plain:
    """The value for YAML, in octoDNS's fields where these lead back to the same rdata."""
    text = rdata.to_text()
    where = Where(dns.name.root, rdata.rdtype)
    candidates = _texts(rdata) if rdata.rdtype in CHUNKED else [fields_of(text, rdata.rdtype)]
    for candidate in candidates:
        if candidate is not None and _reads_as(candidate, rdata, where):
            return candidate
    return text


def _texts(rdata: Rdata) -> list[Plain]:
    """Ways to write TXT: as one text, with its quotes escaped, or as strings of other lengths than octoDNS's."""
    strings: tuple[bytes, ...] = getattr(rdata, "strings", ())
    whole = b"".join(strings)
    chunks = tuple(whole[start : start + CHUNK] for start in range(0, len(whole), CHUNK)) or (b"",)
    if strings == chunks:
        return [_escaped(whole), _escaped(whole).replace('"', r"\"")]
    return [{"strings": [_escaped(one) for one in strings]}]


def _escaped(raw: bytes) -> str:
    return "".join(
        f"\\{chr(byte)}" if byte in b"\\;" else chr(byte) if byte in _PRINTABLE else f"\\{byte:03d}"
        for byte in raw
    )


def _reads_as(value: Plain, rdata: Rdata, where: Where) -> bool:
    try:
        return bool(read_value(_node(value), where) == rdata)
    except ConfigError:
        return False


def _node(value: Plain) -> Node:
    match value:
        case dict():
            return Mapping(
                {key: (Scalar(key, Kind.TEXT, 1, 1), _node(item)) for key, item in value.items()}, 1, 1
            )
        case list():
            return List(tuple(_node(item) for item in value), 1, 1)
        case None:
            return Scalar("", Kind.EMPTY, 1, 1)
        case str():
            return Scalar(value, Kind.TEXT, 1, 1)
        case _:
            return Scalar(str(value), Kind.INTEGER if isinstance(value, int) else Kind.DECIMAL, 1, 1)


def _fits_octodns(written: dict[str, Plain], rdtype: RdataType) -> bool:
    """Whether octoDNS reads the values as we do.

    It takes structured types as mappings only, knows no strings of other lengths, and its releases differ in
    what a backslash in TXT means unless a semicolon follows.
    """
    values = written.get("values") or [written.get("value")]
    assert isinstance(values, list), "several values are a list"
    if rdtype in CHUNKED:
        return all(isinstance(one, str) and "\\" not in one.replace("\\;", "") for one in values)
    return rdtype not in SHAPES or all(isinstance(one, dict) for one in values)
