"""What a zone's records will meet at name servers, as far as the files alone can tell."""

import re
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Several

import dns.rdatatype
from dns.name import Name
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.NS import NS

from skulldns.errors import ConfigError
from skulldns.model.interned import wires_of
from skulldns.model.records import RRset
from skulldns.model.statics import StaticRecord

_MANY = 100
"""Records of one type at a name that BIND takes by default (``max-records-per-type``, since 9.18.28)."""

_MESSAGE = 65_535 - 512
"""Bytes of records that one UPDATE holds (RFC 1035 section 4.2.2), with room for its header and signature."""

_RR = 12
"""Bytes of a record beside its name and data; the zone's name is a pointer (RFC 1035 section 4.1.4)."""

_HOSTS = frozenset({RdataType.A, RdataType.AAAA, RdataType.MX})
"""Types of which BIND's ``check-names`` wants a host's name (RFC 952, RFC 1123) as their owner."""

_LEADS_TO_HOST = {RdataType.MX: "exchange", RdataType.NS: "target", RdataType.SRV: "target"}
"""Types of which it wants one in their data, and dnspython's name for it; of PTR in reverse zones only."""

_ARPA = (b"arpa", b"")
_HOST = re.compile(rb"(?:\*(?:\.|\Z))?(?:(?!-)[a-z0-9-]*[a-z0-9](?:\.|\Z))*", re.IGNORECASE)
_LABEL = re.compile(rb"[a-z0-9]+(?:-+[a-z0-9]+)*")
_DIRECTORY = (b"gc", b"_msdcs")
"""Names of Active Directory, which BIND lets pass."""

_CUTS = frozenset({RdataType.NS, RdataType.DNAME})
_ADDRESSES = frozenset({RdataType.A, RdataType.AAAA})


def doubts(records: Several[StaticRecord], zone: Name) -> list[ConfigError]:
    """Warnings for what servers will probably refuse or hide, each at its record, in the order of ``records``."""
    apex = len(zone)
    cuts = [one for one in records if one.rrset.type in _CUTS and len(one.rrset.name) > apex]
    hidden = _hidden(cuts, apex) if cuts else None
    found: list[ConfigError] = []
    for record in records:
        rrset = record.rrset
        if rrset.type in _ADDRESSES and hidden is None and len(rrset.data) == 1:  # most of a zone
            labels = rrset.name.labels[:-apex]
            if len(labels) == 1 and _LABEL.fullmatch(labels[0]):
                continue
        found += _doubts(record, apex, hidden)
    return found


_Hidden = Callable[[StaticRecord], StaticRecord | None]


def _doubts(record: StaticRecord, apex: int, hidden: _Hidden | None) -> Iterator[ConfigError]:
    rrset = record.rrset
    labels = rrset.name.labels[:-apex]
    number = len(rrset.data)
    if number > _MANY:
        what = f"{_key(record)} has {number} values, and BIND takes {_MANY} by default"
        yield _warning(record, what, "spread them over several names, or raise its max-records-per-type")
    if rrset.type not in _ADDRESSES or number > _MANY:
        size = sum(map(len, wires_of(rrset.type, rrset.data)))
        size += number * (_RR + sum(map(len, labels)) + len(labels))
        if size > _MESSAGE:
            what = f"{_key(record)} takes {size:,} bytes, but one update holds {_MESSAGE:,}"
            yield _warning(record, what, "give the name fewer or shorter values")
    if (strange := _no_host(rrset, labels)) is not None:
        what = f"{_key(record)}: no host may be called {strange}, and BIND refuses it (check-names)"
        cure = "use letters, digits and hyphens, or say 'check-names primary ignore;' there"
        yield _warning(record, what, cure)
    if hidden is not None and (cut := hidden(record)) is not None:
        kind = "delegation" if cut.rrset.type is RdataType.NS else "DNAME"
        what = f"{_key(record)} stands below the {kind} of {_text(cut.rrset.name)} (line {cut.line})"
        yield _warning(record, what, "nobody would be answered it: take out one of them")


def _no_host(rrset: RRset, labels: tuple[bytes, ...]) -> str | None:
    """A name that should be a host's and cannot be; ``labels`` are those of the owner below the zone."""
    if rrset.type in _HOSTS and labels[:2] != _DIRECTORY and not _HOST.fullmatch(b".".join(labels)):
        return _text(rrset.name)
    field = _LEADS_TO_HOST.get(rrset.type)
    if rrset.type is RdataType.PTR and rrset.name.labels[-2:] == _ARPA:
        field = "target"
    if field is None:
        return None
    names: Iterator[Name] = (getattr(data, field) for data in rrset.data)
    return next((_text(name) for name in names if not _HOST.fullmatch(b".".join(name.labels[:-1]))), None)


def _hidden(cuts: Several[StaticRecord], apex: int) -> _Hidden:
    """Finds what hides a record: a delegation hides all but the addresses of name servers (glue), a DNAME all."""
    at: dict[tuple[bytes, ...], list[StaticRecord]] = {}
    for cut in cuts:
        at.setdefault(cut.rrset.name.labels, []).append(cut)
    servers = {data.target for cut in cuts for data in cut.rrset.data if isinstance(data, NS)}

    def above(record: StaticRecord) -> StaticRecord | None:
        labels = record.rrset.name.labels
        for start in range(1, len(labels) - apex):
            for cut in at.get(labels[start:], ()):
                glue = record.rrset.type in _ADDRESSES and record.rrset.name in servers
                apart = None not in (cut.view, record.view) and cut.view != record.view
                if not apart and not (glue and cut.rrset.type is RdataType.NS):
                    return cut
        return None

    return above


def _warning(record: StaticRecord, what: str, cure: str) -> ConfigError:
    return ConfigError(what, file=record.file, line=record.line, column=record.column, cure=cure)


def _key(record: StaticRecord) -> str:
    return f"{_text(record.rrset.name)} {dns.rdatatype.to_text(record.rrset.type)}"


def _text(name: Name) -> str:
    return name.to_text(omit_final_dot=True)
