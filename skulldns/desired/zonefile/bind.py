"""BIND's zone files (RFC 1035 section 5): records from their text, and their text from records."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import dns.exception
import dns.name
import dns.rdatatype
import dns.zone
from dns.name import Name
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from skulldns.desired.zonefile.reading import MAX_TTL
from skulldns.desired.zonefile.types import SIGNERS_OWN
from skulldns.desired.zonefile.values import IDNA
from skulldns.desired.zonefile.writing import Written
from skulldns.errors import ConfigError
from skulldns.model.records import Key, RRset
from skulldns.model.statics import StaticRecord

_INCLUDE = re.compile(r"^\$INCLUDE\b", re.IGNORECASE | re.MULTILINE)
_ORIGIN = re.compile(r"^\$ORIGIN\s+(\S+\.)(?:\s|$)", re.IGNORECASE | re.MULTILINE)
_SOA = re.compile(r"^([^\s;$]\S*\.)\s+(?:\S+\s+){0,2}SOA\s", re.IGNORECASE | re.MULTILINE)
_PLACE = re.compile(r":(?P<line>[0-9]+): (?P<what>.*)", re.DOTALL)


class _AllNames(dns.zone.Zone):
    """A zone that is read with the names outside of it, which dnspython would pass over without a word."""

    def __init__(self, soa: Name, origin: Name, rdclass: RdataClass, relativize: bool) -> None:  # noqa: FBT001 - dnspython's
        super().__init__(origin, rdclass, relativize)
        self._soa = soa

    def origin_information(self) -> tuple[Name | None, bool, Name | None]:
        """Names may be anywhere below the first; the last is the only one that may have an SOA."""
        return dns.name.root, False, self._soa


class Imported(NamedTuple):
    """Records that can be ours, and a sentence for each kind of record that cannot."""

    records: tuple[StaticRecord, ...]
    left_out: tuple[str, ...] = ()


_ERRORS = (dns.exception.DNSException, ValueError)
"""What dnspython raises for zone files; ValueError for an SOA elsewhere."""


def _read(text: str, zone: Name) -> dns.zone.Zone:
    return dns.zone.from_text(
        f"$ORIGIN {zone.to_text()}\n{text}",
        origin=dns.name.root,
        relativize=False,
        zone_factory=partial(_AllNames, zone),
        check_origin=False,
        idna_codec=IDNA,
    )


def zone_of(text: str) -> Name | None:
    """The zone that a zone file is of, if it says so: its first ``$ORIGIN``, or the full name of its SOA."""
    found = _ORIGIN.search(text) or _SOA.search(text)
    try:
        return dns.name.from_text(found[1], idna_codec=IDNA).canonicalize() if found else None
    except dns.exception.DNSException:
        return None


def from_bind(text: str, zone: Name, file: str) -> Imported:
    """Read the zone file ``file`` of ``zone``. ``$INCLUDE`` is refused: the files would be read unseen.

    Raises ``ConfigError`` with file and line.
    """
    if found := _INCLUDE.search(text):
        raise ConfigError(
            "$INCLUDE is not followed",
            file=file,
            line=text.count("\n", 0, found.start()) + 1,
            column=1,
            cure=f"join the files with 'named-compilezone -o FILE {zone.to_text(omit_final_dot=True)} {file}'",
        )
    try:
        read = _read(text, zone)
    except _ERRORS as error:
        raise _unreadable(error, text, zone, file) from None
    found_rrsets = {
        Key(name.canonicalize(), rdataset.rdtype): RRset(
            name.canonicalize(), rdataset.rdtype, min(rdataset.ttl, MAX_TTL), frozenset(rdataset)
        )
        for name, rdataset in read.iterate_rdatasets()
        if rdataset.rdtype not in SIGNERS_OWN  # RRSIGs come in one rdataset for each type that they cover
    }
    signed = sum(rdataset.rdtype in SIGNERS_OWN for _, rdataset in read.iterate_rdatasets())
    return from_rrsets(found_rrsets, zone, file, signed=signed)


def from_rrsets(rrsets: Mapping[Key, RRset], zone: Name, source: str, *, signed: int = 0) -> Imported:
    """The RRsets of a zone that can be static records; ``signed`` RRsets of a signer were seen before."""
    records, left_out = [], []
    for key, rrset in sorted(rrsets.items()):
        if key.type is RdataType.SOA:
            left_out.append(
                f"the SOA of {key.name.to_text(omit_final_dot=True)}: it is the name server's own"
            )
        elif key.type in SIGNERS_OWN:
            signed += 1
        elif not key.name.is_subdomain(zone):
            left_out.append(f"{key}: it is outside of {zone.to_text(omit_final_dot=True)}")
        else:
            records.append(StaticRecord(rrset, source, 0, 0))
    if signed:
        left_out.append(f"{signed} RRsets of DNSSEC's: they come from the name server that signs")
    return Imported(tuple(records), tuple(left_out))


def to_bind(records: Iterable[StaticRecord], zone: Name, comments: Sequence[str] = ()) -> Written:
    """A zone file that BIND loads. Its SOA is made up, since the real one is the name server's own."""
    shown = sorted(records, key=lambda one: (one.rrset.name, _rank(one.rrset.type)))
    left_out = [
        f"{one.rrset.key} is left out: it is for the view {one.view} only"
        for one in shown
        if one.view is not None
    ]
    lines = [f"; {line}".rstrip() for line in comments]
    lines += [f"$ORIGIN {zone.to_text()}", "; the SOA is made up: the real one is the name server's own"]
    lines.append(f"@ 3600 IN SOA {_primary(shown, zone)} hostmaster.{zone.to_text()} 1 7200 900 1209600 300")
    for one in shown:
        if one.view is None:
            rrset = one.rrset
            name = rrset.name.relativize(zone).to_text()
            kind = dns.rdatatype.to_text(rrset.type)
            lines += [f"{name} {rrset.ttl} IN {kind} {value}" for value in rrset.values()]
    return Written("\n".join(lines) + "\n", tuple(left_out))


def _rank(rdtype: RdataType) -> tuple[bool, str]:
    return rdtype is not RdataType.NS, dns.rdatatype.to_text(rdtype)


def _primary(records: Iterable[StaticRecord], zone: Name) -> str:
    for one in records:
        if one.rrset.key == Key(zone, RdataType.NS):
            return one.rrset.values()[0]
    return f"ns1.{zone.to_text()}"


def _unreadable(error: Exception, text: str, zone: Name, file: str) -> ConfigError:
    said = str(error) or type(error).__name__
    place = _PLACE.search(said)
    what = (place["what"] if place else said).strip().rstrip(".")
    if "Missing default TTL" in what:
        cure = "add a line '$TTL 3600' at the top"
    else:
        cure = "correct it, or let 'named-checkzone' say more"
    line = _line(int(place["line"]) - 1, text, zone) if place else None
    return ConfigError(f"not a zone file: {what}", file=file, line=line, cure=cure)


def _line(line: int, text: str, zone: Name) -> int:
    """The line of an error that dnspython places at ``line``, or one too far when it had read the line's end."""
    before = "".join(text.splitlines(keepends=True)[: line - 1])
    try:
        _read(before, zone)
    except _ERRORS:
        return max(1, line - 1)
    return line
