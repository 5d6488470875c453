"""Which further records a member may put at a claimed name and below it."""

import re
from collections.abc import Sequence
from dataclasses import replace

import dns.exception
import dns.name
import dns.rdataclass
import dns.rdatatype
from dns.name import Name
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.SRV import SRV

from skulldns.desired.policy.alike import shown_name, shown_text
from skulldns.desired.policy.hostnames import any_hostname, host_label
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model.claims import AliasTarget, ClaimRecord, Target
from skulldns.model.guests import said
from skulldns.model.records import RRset, rrset

TYPES = ("TXT", "MX", "SRV", "CAA", "SSHFP", "TLSA")
"""The types that members may use."""

MOST_RECORDS = 20
MOST_VALUES = 10
MOST_BYTES = 2_000
"""Of one name's records: RRsets, values in one, and bytes of all data."""

SHORTEST_TTL, LONGEST_TTL = 30, 86_400
_SERVICE = re.compile(r"_[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_OURS = ("_acme-challenge", "_skulldns")
_DEEPEST = 5
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_QUOTED = re.compile(rf"\s*{_STRING.pattern}(?:\s+{_STRING.pattern})*\s*")
_PLAIN = re.compile(r'[^\s";()]+')
_PIECE = re.compile(r"\\([0-9]{3})|\\(.)|([^\\])", re.ASCII)
_EXAMPLE = '"v=spf1 -all"'
_LONGEST_STRING = 255  # bytes (RFC 1035 section 3.3)
_HIGHEST_BYTE = 255


def judge_records(
    records: Sequence[ClaimRecord], name: Name, target: Target, rules: Rules
) -> tuple[ClaimRecord, ...]:
    """The records as they may be kept, each value in its canonical form. Raises ``Refused``."""
    if records and rules.zone_of(name) is None:
        raise Refused(
            f"{shown_name(name)} is in a zone of your own, where we write no record", cure="write it there"
        )
    if len(records) > MOST_RECORDS:
        raise Refused(f"{len(records)} are too many records", cure=f"use at most {MOST_RECORDS}")
    found = [_judged(record, name, target) for record in records]
    keys = [(record.name, record.type) for record, _ in found]
    for key in keys:
        if keys.count(key) > 1:
            raise Refused(f"{shown_name(key[0])} {key[1]} is there twice", cure="put its values into one")
    size = sum(len(data.to_digestable()) for _, made in found for data in made.data)
    if size > MOST_BYTES:
        raise Refused(f"the records have {size} bytes", cure=f"use at most {MOST_BYTES}")
    return tuple(record for record, _ in found)


def _judged(record: ClaimRecord, name: Name, target: Target) -> tuple[ClaimRecord, RRset]:
    owner = record.name.canonicalize()
    what = f"{shown_name(owner)} {said(record.type)}"
    if record.type not in TYPES:
        raise Refused(f"{what} cannot be set here", cure=f"use {', '.join(TYPES)}")
    if not owner.is_subdomain(name):
        raise Refused(f"{shown_name(owner)} is not below {shown_name(name)}", cure="write names below yours")
    _judge_owner(owner, name, record.type)
    if owner == name and isinstance(target, AliasTarget):
        raise Refused(f"{what} cannot stand beside an alias (RFC 1034 section 3.6.2)", cure="put it below")
    if not SHORTEST_TTL <= record.ttl <= LONGEST_TTL:
        raise Refused(f"TTL {record.ttl} of {what}", cure=f"use {SHORTEST_TTL} to {LONGEST_TTL} seconds")
    if not 1 <= len(record.values) <= MOST_VALUES:
        raise Refused(f"{what} has {len(record.values)} values", cure=f"give 1 to {MOST_VALUES}")
    if not all(value.isprintable() for value in record.values):  # a line's end would end the value
        raise Refused(f"{what} has letters that cannot be seen", cure="write each value in one line")
    values = [_texts(value, what) for value in record.values] if record.type == "TXT" else record.values
    try:
        made = rrset(owner, dns.rdatatype.from_text(record.type), record.ttl, values)
    except (dns.exception.DNSException, ValueError) as error:
        raise Refused(f"{what} cannot be read: {error}", cure="write it as in a zone file") from error
    for data in made.data:
        _judge_goal(data)
    return replace(record, name=owner, values=tuple(made.values())), made


def _texts(value: str, what: str) -> str:
    """The value of a TXT record (RFC 1035 section 5.1) with no string over 255 bytes: longer ones are cut.

    Unquoted, a zone file would take blanks as the end of a string, and a semicolon as that of the line.
    """
    if _QUOTED.fullmatch(value):
        strings = [_bytes(found[1], what) for found in _STRING.finditer(value)]
    elif _PLAIN.fullmatch(value.strip()) and value.isprintable():
        strings = [_bytes(value.strip(), what)]
    else:
        raise Refused(
            f"{what} {shown_text(value[:100])} has blanks, quotes, brackets or semicolons outside of quotes",
            cure=f"put it in quotes, such as {_EXAMPLE}",
        )
    pieces = [
        text[start : start + _LONGEST_STRING]
        for text in strings
        for start in range(0, max(len(text), 1), _LONGEST_STRING)
    ]
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, pieces).to_text()


def _bytes(text: str, what: str) -> bytes:
    """A string without its escapes."""
    found = b""
    for number, escaped, plain in _PIECE.findall(text):
        if number and int(number) > _HIGHEST_BYTE:
            raise Refused(f"{what} has \\{number}, which is no byte", cure="use \\000 to \\255")
        found += bytes([int(number)]) if number else (escaped or plain).encode()
    return found


def _judge_owner(owner: Name, name: Name, rdtype: str) -> None:
    labels = [label.decode("latin-1") for label in owner.relativize(name).labels]
    if len(labels) > _DEEPEST:
        raise Refused(
            f"{shown_name(owner)} is too deep", cure=f"use at most {_DEEPEST} parts below your name"
        )
    services = [label for label in labels if label.startswith("_")]
    if any(label in _OURS for label in labels):
        raise Refused(f"{shown_name(owner)} is for proofs", cure="make a token for your ACME client instead")
    for label in labels:
        if label.startswith("_"):
            if not _SERVICE.fullmatch(label):
                raise Refused(f"{said(label)} is not a service", cure="write it like _sip")
        else:
            host_label(label)
    if rdtype in {"SRV", "TLSA"} and not len(services) == 2:  # noqa: PLR2004 - RFC 2782, RFC 6698 section 3
        raise Refused(
            f"{rdtype} stands at a service, not at {shown_name(owner)}", cure="write _service._tcp first"
        )
    if services and rdtype in {"MX", "SSHFP", "CAA"}:
        raise Refused(f"{rdtype} stands at a host, not at {shown_name(owner)}", cure="leave out the _ parts")


def _judge_goal(data: object) -> None:
    if isinstance(data, MX):
        goal = data.exchange
    elif isinstance(data, SRV):
        goal = data.target
    else:
        return
    if goal != dns.name.root:  # RFC 7505 section 3, RFC 2782: there is no such service
        any_hostname(goal.to_text(omit_final_dot=True))
