"""A zone's files to static records. All errors are reported at once, each at its place."""

import re
from collections.abc import Sequence as Several
from dataclasses import dataclass
from functools import partial

import dns.exception
import dns.name
import dns.rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from skulldns.desired.yamltext import (
    EmptyFile,
    Include,
    Kind,
    Mapping,
    Node,
    PlainEntry,
    Scalar,
    Sequence,
    error_at,
    shown,
    stream_yaml,
)
from skulldns.desired.zonefile.options import DEFAULT, KEYS, Options, read_options
from skulldns.desired.zonefile.plain import PLAIN
from skulldns.desired.zonefile.types import read_type
from skulldns.desired.zonefile.values import IDNA, read_value
from skulldns.desired.zonefile.where import Where
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.interned import Data, data_of, held, ipv4, name_of
from skulldns.model.records import Key, RRset
from skulldns.model.statics import StaticRecord

MAX_ZONE_FILE = 50_000_000
"""Bytes of a zone file, and of all files of a zone together, that are read at most."""

MAX_TTL = 2**31 - 1
"""RFC 2181 section 8."""

_PLAIN_KEYS = frozenset(KEYS[:4])
_SIMPLE = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")

_SECONDS = re.compile(r"0|[1-9][0-9]{0,8}")
"""TTLs that nobody takes for something else."""


@dataclass(frozen=True, slots=True)
class ZoneText:
    """One file of a zone: its name, for errors, and what it says."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class ZoneRules:
    r"""How a zone's files are read: ``default_ttl`` (seconds) is for records without ``ttl``.

    ``escaped_semicolons`` is octoDNS's setting: whether TXT writes ``;`` as ``\;``.
    """

    zone: Name
    default_ttl: int
    escaped_semicolons: bool = True


@dataclass(frozen=True, slots=True)
class ZoneData:
    """What a zone's files say: records in their order, and what was left out of them, each with its place."""

    records: tuple[StaticRecord, ...]
    warnings: tuple[ConfigError, ...] = ()
    texts: tuple[ZoneText, ...] = ()
    """The zone's own files."""

    included: tuple[ZoneText, ...] = ()
    """The files that they include."""

    @property
    def files(self) -> tuple[ZoneText, ...]:
        """All files that were read: what ``cut_short`` compares, what is kept, and what is worth watching."""
        return self.texts + self.included


def parse_zone(text: str, zone: Name, file: str, default_ttl: int) -> tuple[StaticRecord, ...]:
    """Read the zone file ``file``, whose content is ``text``, in the order of the file.

    ``default_ttl`` (seconds) is for records without ``ttl``. Raises ``ConfigError``, or ``ConfigErrors`` for
    several, each with line, column and cure.
    """
    return read_zone([ZoneText(file, text)], ZoneRules(zone, default_ttl)).records


def read_zone(texts: Several[ZoneText], rules: ZoneRules, include: Include | None = None) -> ZoneData:
    """Read all files of a zone. ``include`` reads what ``!include`` names; without it the tag is an error.

    Raises ``ConfigError``, or ``ConfigErrors`` for several, each with file, line, column and cure.
    """
    reader = _Reader(rules)
    room = MAX_ZONE_FILE
    included: dict[str, ZoneText] = {}

    def remembered(path: str, file: str) -> tuple[str, str]:
        assert include is not None, "asked for only where there is one"
        name, text = include(path, file)
        included[name] = ZoneText(name, text)
        return name, text

    for text in texts:
        reader.read(text, room, remembered if include else None)
        room -= len(text.text)
    reader.finish()
    order = {text.file: index for index, text in enumerate(texts)}
    said = {str(error): error for error in reader.errors}  # an alias repeats what is wrong at its anchor
    errors = sorted(said.values(), key=lambda error: _place(error, order))
    if errors:
        raise ConfigErrors(errors) if len(errors) > 1 else errors[0]
    warnings = sorted(reader.warnings, key=lambda warning: _place(warning, order))
    return ZoneData(tuple(reader.records.values()), tuple(warnings), tuple(texts), tuple(included.values()))


def _place(error: ConfigError, order: dict[str, int]) -> tuple[int, str, int, int]:
    file = error.file or ""
    return order.get(file, len(order)), file, error.line or 0, error.column or 0


class _Reader:
    def __init__(self, rules: ZoneRules) -> None:
        self._zone = rules.zone.canonicalize()
        self._tail = self._zone.labels[:-1]
        self._rules = rules
        self._wheres: dict[RdataType, Where] = {}
        self._aliases: dict[tuple[bytes, ...], StaticRecord] = {}
        self.records: dict[tuple[tuple[bytes, ...], RdataType, str | None], StaticRecord] = {}
        self.errors: list[ConfigError] = []
        self.warnings: list[ConfigError] = []

    def read(self, source: ZoneText, limit: int, include: Include | None) -> None:
        try:
            plainly = partial(self._plainly, source.file)
            for key, node in stream_yaml(source.text, source.file, limit, self.errors, plainly, include):
                self._entry(key, node)
        except EmptyFile as nothing:
            self.warnings.append(
                nothing
            )  # octoDNS's empty zone; the loop takes it for one only if a person does
        except ConfigError as error:
            self.errors.append(error)

    def _plainly(self, file: str, entry: PlainEntry) -> bool:
        """Take an entry that is right and unlike all others; the rest is for who says what is wrong."""
        read, ttl = PLAIN.get(entry.type), entry.ttl
        if read is None or not _SIMPLE.fullmatch(entry.name) or not (ttl is None or _SECONDS.fullmatch(ttl)):
            return False
        labels, (rdtype, data) = tuple(entry.name.encode().split(b".")), read(entry.value)
        if not data or labels[-len(self._tail) :] == self._tail:
            return False
        try:
            owner = name_of(labels + self._zone.labels)
        except dns.exception.DNSException:
            return False
        key = owner.labels, rdtype, None
        if key in self.records:
            return False
        seconds = self._rules.default_ttl if ttl is None else int(ttl)
        record = StaticRecord(RRset(owner, rdtype, seconds, data), file, entry.line, entry.column)
        self.records[key] = record
        if rdtype is RdataType.CNAME:
            self._aliases[owner.labels] = record
        return True

    def _entry(self, key: Scalar, node: Node) -> None:
        try:
            owner = self._owner(key)
            for record in node.items if isinstance(node, Sequence) else (node,):
                self._record(owner, key, record)
        except ConfigError as error:
            self.errors.append(error)

    def _owner(self, key: Scalar) -> Name:
        text, zone, tail = key.text, self._zone, self._tail
        simple = _SIMPLE.fullmatch(text)
        labels = tuple(text.encode().split(b".")) if simple else self._unusual_owner(key)
        if tail and labels[-len(tail) :] == tail:
            relative = Name(labels[: -len(tail)]).to_text() if len(labels) > len(tail) else ""
            raise error_at(key, f"the name {shown(text)} repeats the zone's", f"write '{relative}'")
        try:
            return name_of(labels + zone.labels)
        except dns.exception.DNSException as error:
            raise _not_a_name(key, error) from None

    def _unusual_owner(self, key: Scalar) -> tuple[bytes, ...]:
        """The labels of a name with escapes, upper case, UTF-8 (IDNA 2008) or mistakes in it."""
        text = key.text
        if text == "@":
            raise error_at(key, 'the name "@" is not used here', "write '' for the apex")
        if any(char.isspace() or not char.isprintable() for char in text):
            raise error_at(key, f"the name {shown(text)} has blanks or control characters", "take them out")
        try:
            name = dns.name.from_text(text, None, idna_codec=IDNA).canonicalize()
        except dns.exception.DNSException as error:
            raise _not_a_name(key, error) from None
        if not name.is_absolute():
            return name.labels
        if name.is_subdomain(self._zone):
            relative = name.relativize(self._zone).to_text() if name != self._zone else ""
            raise error_at(key, f"the name {shown(text)} repeats the zone's", f"write '{relative}'")
        what = f"the name {shown(text)} is outside of {self._zone.to_text(omit_final_dot=True)}"
        raise error_at(key, what, "write names relative to the zone, without a final dot")

    def _record(self, owner: Name, key: Scalar, node: Node) -> None:
        if not isinstance(node, Mapping):
            said = f" is {node.kind}" if isinstance(node, Scalar) else " is a list in a list"
            what = f"the record of {shown(key.text)}{said}"
            self._note(node, what, "write '{type: A, value: 192.0.2.1}' or a list of such")
            return
        before, given = len(self.errors), node.entries
        options = DEFAULT if given.keys() <= _PLAIN_KEYS else read_options(node, self.errors, self.warnings)
        ttl = self._ttl(given["ttl"][1]) if "ttl" in given else self._rules.default_ttl
        rdtype = self._type(node, owner)
        if rdtype is None:
            return
        data = self._data(node, self._where(rdtype))
        if len(self.errors) == before and options.published:
            self._add(node, RRset(owner, rdtype, ttl, data), options)

    def _type(self, node: Mapping, owner: Name) -> RdataType | None:
        given = node.entries.get("type")
        if given is None:
            self._note(node, "the record has no type", "add 'type:'")
            return None
        try:
            found = read_type(given[1], apex=len(owner) == len(self._zone))
        except ConfigError as error:
            self.errors.append(error)
            return None
        if isinstance(found, ConfigError):
            self.warnings.append(found)
            return None
        return found

    def _where(self, rdtype: RdataType) -> Where:
        where = self._wheres.get(rdtype)
        if where is None:
            where = Where(self._zone, rdtype, self._rules.escaped_semicolons)
            self._wheres[rdtype] = where
        return where

    def _data(self, node: Mapping, where: Where) -> Data:
        given = node.get("values") or node.get("value")
        if "values" in node.entries and "value" in node.entries:
            what = "has both 'value' and 'values'"
            self.errors.append(where.error(node.entries["value"][0], what, "keep one of them"))
        if given is None or (isinstance(given, Sequence) and not given.items):
            self.errors.append(where.error(given or node, "has no value", "add 'value:' or 'values:'"))
            return data_of(where.type, ())
        if where.type is RdataType.A and isinstance(given, Scalar) and (address := ipv4(given.text)):
            return data_of(where.type, [address])
        data = []
        for value in given.items if isinstance(given, Sequence) else (given,):
            try:
                data.append(read_value(value, where))
            except ConfigError as error:
                self.errors.append(error)
        different = frozenset(data)
        if len(different) > 1 and dns.rdatatype.is_singleton(where.type):
            what = f"has {len(different)} values, but a name has one"
            self.errors.append(where.error(given, what, "keep one"))
        return held(where.type, different)

    def _ttl(self, given: Node) -> int:
        if (
            isinstance(given, Scalar)
            and given.kind in (Kind.INTEGER, Kind.TEXT)  # octoDNS takes it in quotes too
            and given.text.isdecimal()
            and given.text.isascii()
            and len(given.text) <= len(str(MAX_TTL))
            and int(given.text) <= MAX_TTL
        ):
            return int(given.text)
        said = f" {shown(given.text)}" if isinstance(given, Scalar) else ""
        self._note(given, f"the TTL{said} is not valid", f"write seconds, a whole number from 0 to {MAX_TTL}")
        return 0

    def _add(self, node: Mapping, rrset: RRset, options: Options) -> None:
        record = StaticRecord(rrset, node.file, node.line, node.column, options.reserved, options.view)
        labels = rrset.name.labels
        key = (labels, rrset.type, options.view)
        first = self.records.setdefault(key, record)
        if first is not record:
            what = f"{rrset.key} is there twice, first in {_line(first, node.file)}"
            self._note(node, what, "put all its values into one record's 'values:'")
        elif rrset.type is RdataType.CNAME:
            self._aliases[labels] = record

    def finish(self) -> None:
        """RFC 1034 section 3.6.2: no other data beside a CNAME. Servers drop it without a word."""
        if not self._aliases:
            return
        for (labels, rdtype, view), record in self.records.items():
            if labels not in self._aliases or rdtype is RdataType.CNAME:
                continue
            for beside in {view, None} if view else {one for _, _, one in self.records}:
                alias = self.records.get((labels, RdataType.CNAME, beside))
                if alias is not None:
                    key = Key(record.rrset.name, rdtype)
                    what = f"{key} stands beside the CNAME of {_line(alias, record.file)}"
                    cure = "a CNAME stands alone: keep one of them"
                    self.errors.append(
                        ConfigError(what, file=record.file, line=record.line, column=record.column, cure=cure)
                    )

    def _note(self, node: Node, what: str, cure: str) -> None:
        self.errors.append(error_at(node, what, cure))


def _line(record: StaticRecord, file: str) -> str:
    return f"line {record.line}" if record.file == file else record.where


def _not_a_name(key: Scalar, error: dns.exception.DNSException) -> ConfigError:
    reason = (str(error) or type(error).__name__).rstrip(".")
    return error_at(key, f"the name {shown(key.text)} is not valid: {reason}", "correct it")
