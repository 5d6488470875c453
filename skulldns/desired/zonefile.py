"""A zone's YAML, in octoDNS's format, to static records.

Top level: a name relative to the zone ('' is the apex) leads to one record or a list of them; a record is a
mapping of ``type``, ``ttl``, and ``value`` or ``values``. All errors of a file are reported at once.
"""

import difflib
from collections.abc import Iterator

import dns.exception
import dns.name
import dns.rdatatype
from dns.name import Name
from dns.rdata import Rdata
from dns.rdatatype import RdataType

from skulldns.desired.yamltext import Kind, Mapping, Node, Scalar, Sequence, misread, parse_yaml, shown
from skulldns.desired.zonevalues import IDNA, Where, read_value
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.records import Key, RRset
from skulldns.model.statics import StaticRecord

MAX_ZONE_FILE = 50_000_000
"""Bytes of a zone file that are read at most."""

MAX_TTL = 2**31 - 1
"""RFC 2181 section 8."""

_SERVERS_OWN = frozenset(
    {RdataType.RRSIG, RdataType.NSEC, RdataType.NSEC3, RdataType.NSEC3PARAM, RdataType.DNSKEY}
)
_NOT_DATA = {
    "ALIAS": "ALIAS is a feature of some providers, not DNS",
    "URLFWD": "URLFWD is a feature of some providers, not DNS",
}
_KEYS = ("type", "ttl", "value", "values", "octodns")


def parse_zone(text: str, zone: Name, file: str, default_ttl: int) -> tuple[StaticRecord, ...]:
    """Read the zone file ``file``, whose content is ``text``, in the order of the file.

    ``default_ttl`` (seconds) is for records without ``ttl``. Raises ``ConfigError``, or ``ConfigErrors`` for
    several, each with line, column and cure.
    """
    reader = _Reader(zone, file, default_ttl)
    root, errors = parse_yaml(text, file, MAX_ZONE_FILE)
    reader.read(root)
    errors = sorted([*errors, *reader.errors], key=lambda error: (error.line or 0, error.column or 0))
    if errors:
        raise ConfigErrors(errors) if len(errors) > 1 else errors[0]
    return tuple(reader.records.values())


class _Reader:
    def __init__(self, zone: Name, file: str, default_ttl: int) -> None:
        self._zone = zone.canonicalize()
        self._file = file
        self._default_ttl = default_ttl
        self.records: dict[Key, StaticRecord] = {}
        self.errors: list[ConfigError] = []

    def read(self, root: Node) -> None:
        if not isinstance(root, Mapping):
            self._note(
                root, "a zone file leads from names to records", "write 'www: {type: A, value: 192.0.2.1}'"
            )
            return
        for key, node in root.entries.values():
            try:
                owner = self._owner(key)
            except ConfigError as error:
                self.errors.append(error)
                continue
            for record in node.items if isinstance(node, Sequence) else (node,):
                try:
                    self._record(owner, key, record)
                except ConfigErrors as several:
                    self.errors += several.errors
                except ConfigError as error:
                    self.errors.append(error)
        self._aliases_alone()

    def _owner(self, key: Scalar) -> Name:
        text, zone = key.text, self._zone
        if text == "@":
            raise self._error(key, 'the name "@" is not used here', "write '' for the apex")
        if any(char.isspace() or not char.isprintable() for char in text):
            raise self._error(
                key, f"the name {shown(text)} has blanks or control characters", "take them out"
            )
        try:
            given = _lower_case_name(text)
            name = given.derelativize(zone)
        except dns.exception.DNSException as error:
            reason = (str(error) or type(error).__name__).rstrip(".")
            raise self._error(key, f"the name {shown(text)} is not valid: {reason}", "correct it") from None
        labels, tail = given.relativize(dns.name.root).labels, zone.labels[:-1]
        if tail and labels[-len(tail) :] == tail:
            relative = Name(labels[: -len(tail)]).to_text() if len(labels) > len(tail) else ""
            raise self._error(key, f"the name {shown(text)} repeats the zone's", f"write '{relative}'")
        if given.is_absolute():
            what = f"the name {shown(text)} is outside of {zone.to_text(omit_final_dot=True)}"
            raise self._error(key, what, "write names relative to the zone, without a final dot")
        return name

    def _record(self, owner: Name, key: Scalar, node: Node) -> None:
        if not isinstance(node, Mapping):
            said = f" is {node.kind}" if isinstance(node, Scalar) else " is a list in a list"
            what = f"the record of {shown(key.text)}{said}"
            raise self._error(node, what, "write '{type: A, value: 192.0.2.1}' or a list of such")
        errors = list(self._unknown(node))
        ttl = self._default_ttl
        try:
            ttl = self._ttl(node)
        except ConfigError as error:
            errors.append(error)
        try:
            rdtype = self._type(node, owner)
        except ConfigError as error:
            raise ConfigErrors([*errors, error]) from None
        data = self._data(node, Where(self._file, self._zone, rdtype), errors)
        if errors:
            raise ConfigErrors(errors)
        rrset = RRset(owner, rdtype, ttl, frozenset(data))
        self._add(node, StaticRecord(rrset, self._file, node.line, node.column))

    def _data(self, node: Mapping, where: Where, errors: list[ConfigError]) -> set[Rdata]:
        given = node.get("values") or node.get("value")
        if given is None or (isinstance(given, Sequence) and not given.items):
            errors.append(where.error(given or node, "has no value", "add 'value:' or 'values:'"))
            return set()
        data = set()
        for value in given.items if isinstance(given, Sequence) else (given,):
            try:
                data.add(read_value(value, where))
            except ConfigError as error:
                errors.append(error)
        if len(data) > 1 and dns.rdatatype.is_singleton(where.type):
            errors.append(where.error(given, f"has {len(data)} values, but a name has one", "keep one"))
        return data

    def _unknown(self, node: Mapping) -> Iterator[ConfigError]:
        for name, (key, value) in node.entries.items():
            if name in ("geo", "dynamic"):
                yield self._error(key, f"{shown(name)} is not DNS data", "take it out")
            elif name == "octodns":
                if not (isinstance(value, Mapping) and set(value.entries) <= {"lenient"}):
                    yield self._error(
                        key, "of the 'octodns' options only 'lenient' is known", "take the others out"
                    )
            elif name not in _KEYS:
                near = difflib.get_close_matches(name, _KEYS, 1)
                cure = f"did you mean '{near[0]}'?" if near else f"a record has {', '.join(_KEYS[:4])}"
                yield self._error(key, f"unknown key {shown(name)}", cure)

    def _type(self, node: Mapping, owner: Name) -> RdataType:
        given = node.get("type")
        if given is None:
            raise self._error(node, "the record has no type", "add 'type:'")
        if not isinstance(given, Scalar):
            raise self._error(given, "the type must be text", "write one type, such as A")
        if given.kind is not Kind.TEXT:
            raise misread(given, "the type", self._file)
        if given.text in _NOT_DATA:
            raise self._error(given, _NOT_DATA[given.text], "write a type that name servers know")
        try:
            rdtype = dns.rdatatype.from_text(given.text)
        except (dns.exception.DNSException, ValueError):  # ValueError: TYPE99999
            near = difflib.get_close_matches(given.text.upper(), RdataType.__members__, 1)
            cure = f"did you mean {near[0]}?" if near else "write a type that DNS has, such as A or TXT"
            raise self._error(given, f"unknown type {shown(given.text)}", cure) from None
        name = dns.rdatatype.to_text(rdtype)
        if rdtype is RdataType.SOA:
            raise self._error(given, "the SOA is the name server's own", "take the record out")
        if rdtype in _SERVERS_OWN:
            raise self._error(given, f"{name} comes from the name server that signs", "take the record out")
        if dns.rdatatype.is_metatype(rdtype) or rdtype == RdataType.NONE:
            raise self._error(given, f"{name} is no type of data", "take the record out")
        if rdtype is RdataType.CNAME and owner == self._zone:
            raise self._error(
                given, "the apex cannot have a CNAME, since it has SOA and NS", "write A and AAAA records"
            )
        return rdtype

    def _ttl(self, node: Mapping) -> int:
        given = node.get("ttl")
        if given is None:
            return self._default_ttl
        if isinstance(given, Scalar) and given.kind is Kind.INTEGER and 0 <= int(given.text) <= MAX_TTL:
            return int(given.text)
        said = f" {shown(given.text)}" if isinstance(given, Scalar) else ""
        raise self._error(
            given, f"the TTL{said} is not valid", f"write seconds, a whole number from 0 to {MAX_TTL}"
        )

    def _add(self, node: Mapping, record: StaticRecord) -> None:
        key = record.rrset.key
        if (first := self.records.get(key)) is not None:
            what = f"{key} is there twice, first in line {first.line}"
            raise self._error(node, what, "put all its values into one record's 'values:'")
        self.records[key] = record

    def _aliases_alone(self) -> None:
        """RFC 1034 section 3.6.2: no other data beside a CNAME. Servers drop it without a word."""
        for key, record in self.records.items():
            alias = self.records.get(Key(key.name, RdataType.CNAME))
            if alias is not None and alias is not record:
                what = f"{key} stands beside the CNAME of line {alias.line}"
                self._note(record, what, "a CNAME stands alone: keep one of them")

    def _note(self, place: "Node | StaticRecord", what: str, cure: str) -> None:
        self.errors.append(self._error(place, what, cure))

    def _error(self, place: "Node | StaticRecord", what: str, cure: str) -> ConfigError:
        return ConfigError(what, file=self._file, line=place.line, column=place.column, cure=cure)


def _lower_case_name(text: str) -> Name:
    """A name, relative unless ``text`` ends with a dot; '' has no labels. UTF-8 becomes IDNA 2008."""
    name = dns.name.from_text(text, None, idna_codec=IDNA)
    return name.canonicalize() if "\\" in text or not text.islower() else name
