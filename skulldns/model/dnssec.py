"""How it stands with a zone's DNSSEC, as frozen values."""

from dataclasses import dataclass
from enum import StrEnum

from skulldns.model.outlook import Finding


class Ds(StrEnum):
    """The DS RRset at the parent: there is none, one of it matches a key that signs, none of it does, or not known."""

    NONE = "none"
    MATCHES = "matches"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Dnssec:
    """The verdict on a zone.

    ``signed`` is None where no server answered; ``expires`` is the Unix time at which the first of the signatures
    of SOA and DNSKEY ends, on any server. ``ready`` are the DS records for the parent, in presentation format.
    ``findings`` stand the gravest first, at least one; ``urgent``: validating resolvers refuse the zone, or will soon.
    """

    signed: bool | None
    expires: float | None
    ds: Ds
    ready: tuple[str, ...]
    findings: tuple[Finding, ...]
    urgent: bool
