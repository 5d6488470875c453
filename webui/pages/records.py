"""Further records of a name, between lines in the manner of zone files (RFC 1035 section 5.1) and values."""

from collections.abc import Sequence

import dns.exception
import dns.name
from dns.name import Name

from skulldns.desired.policy.records import TYPES
from skulldns.errors import Refused
from skulldns.model.claims import Claim, ClaimRecord
from skulldns.model.guests import said
from webui.texts import _

_USUAL_TTL = 300
_SHOWN = 60


def records(text: str, name: Name) -> Sequence[ClaimRecord]:
    """The records that lines describe: ``[name] [ttl] TYPE data``, the name as seen from ``name``, ``@`` itself.

    What policy says of them is the desk's to judge. Raises ``Refused`` with the line's number.
    """
    found: dict[tuple[Name, str], ClaimRecord] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(";"):
            continue
        one = _record(line, number, name)
        same = found.get((one.name, one.type))
        if same is not None and same.ttl != one.ttl:
            raise _wrong(
                number,
                line,
                _("has another TTL than the same name and type above"),
                _("use one TTL for both"),
            )
        values = (*same.values, *one.values) if same else one.values
        found[one.name, one.type] = ClaimRecord(one.name, one.type, one.ttl, values)
    return list(found.values())


def lines(claim: Claim) -> str:
    """The claim's records, one value a line: the reverse of ``records``."""
    return "\n".join(
        f"{one.name.relativize(claim.name)} {one.ttl} {one.type} {value}"
        for one in claim.records
        for value in one.values
    )


def _record(line: str, number: int, name: Name) -> ClaimRecord:
    words = line.split()
    place = next((place for place, word in enumerate(words[:4]) if word.upper() in TYPES), None)
    if place is None:
        raise _wrong(
            number,
            line,
            _("has none of the types %(types)s", types=", ".join(TYPES)),
            _("write: name TYPE data"),
        )
    before, kind = [word for word in words[:place] if word.upper() != "IN"], words[place].upper()
    data = line.split(maxsplit=place + 1)[place + 1 :]
    if not data:
        raise _wrong(number, line, _("says nothing after %(type)s", type=kind), _("write the data behind it"))
    ttl = _USUAL_TTL
    if before and before[-1].isascii() and before[-1].isdecimal():
        ttl = int(before.pop()[:10])
    if len(before) > 1:
        raise _wrong(
            number, line, _("has too many words before %(type)s", type=kind), _("write: name ttl TYPE data")
        )
    return ClaimRecord(
        _owner(before[0] if before else "@", name, number, line), kind, ttl, (data[0].strip(),)
    )


def _owner(text: str, name: Name, number: int, line: str) -> Name:
    """The absolute name; one that ends as ``name`` does is meant absolutely, with or without a final dot."""
    try:
        found = name if text == "@" else dns.name.from_text(text.lower(), None)
        whole = name.relativize(dns.name.root)
        if not found.is_absolute():
            origin = dns.name.root if found.is_subdomain(whole) else name
            found = found.derelativize(origin)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise _wrong(number, line, _("begins with no name"), _("write @ for the name itself")) from error
    return found


def _wrong(number: int, line: str, what: str, cure: str) -> Refused:
    return Refused(
        _("line %(number)d, %(line)s, %(what)s", number=number, line=said(line.strip()[:_SHOWN]), what=what),
        cure=cure,
    )
