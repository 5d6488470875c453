"""What a name server's refusal means, and what to do about it: tables from codes to our errors.

Codes: RFC 1035 section 4.1.1, RFC 2136 sections 2.2 and 3, RFC 8945 section 5.2.
"""

from collections.abc import Sequence
from enum import StrEnum

import dns.exception
import dns.rcode
import dns.tsig
from dns.name import Name
from dns.rcode import Rcode

from skulldns.errors import Conflict, Refused, SkullDNSError, Unavailable
from skulldns.targets.dnswire.faults import BadAnswer, UnsignedAnswer, WrongClock
from skulldns.targets.dnswire.signing import FUDGE

_NAMES_SHOWN = 3


class Purpose(StrEnum):
    """What a server was asked for, as its refusal names it."""

    QUERY = "query"
    TRANSFER = "transfer"
    UPDATE = "update"
    NOTIFY = "NOTIFY"


_CONFLICTS = {
    dns.rcode.YXDOMAIN: "a name that was free is in use",
    dns.rcode.YXRRSET: "an RRset that was not there is there now",
    dns.rcode.NXRRSET: "an RRset is not as it was read",
    dns.rcode.NXDOMAIN: "a name that was there is gone",
}

_REFUSALS = {
    Purpose.QUERY: (
        "it refuses queries for the zone {zone}",
        "add the zone there, and the key to its allow-query",
    ),
    Purpose.TRANSFER: (
        "it refuses to transfer the zone {zone}",
        "add the key to allow-transfer there",
    ),
    Purpose.UPDATE: (
        "it refuses updates of the zone {zone}, which is frozen, a secondary's, or closed to the key",
        "run `rndc thaw {zone}` (Knot: `knotc zone-thaw {zone}`), or check the primary's address and its update-policy",
    ),
    Purpose.NOTIFY: (
        "it refuses NOTIFY for the zone {zone}",
        "add this machine or the key to allow-notify there",
    ),
}

_FAILURES = {
    dns.rcode.FORMERR: (
        "it cannot read our {purpose} for the zone {zone} (FORMERR)",
        "see the server's log, and report it as a fault of SkullDNS",
    ),
    dns.rcode.SERVFAIL: (
        "it fails at our {purpose} for the zone {zone} (SERVFAIL)",
        "see the server's log: the zone may not be loaded or may have expired",
    ),
    dns.rcode.NOTIMP: (
        "it cannot do what our {purpose} asks (NOTIMP)",
        "use a server that implements it, such as BIND or Knot",
    ),
    dns.rcode.NOTZONE: (
        "it says that a name lies outside the zone {zone} (NOTZONE)",
        "check which zone is configured there",
    ),
}

_NO_UPDATES = (
    "it takes no updates (NOTIMP), as a secondary that cannot",
    "correct the address of the primary, or use a server there that takes updates, such as BIND or Knot",
)
_NOT_AUTHORITATIVE = {
    Purpose.UPDATE: (
        "it is not the primary of the zone {zone} (NOTAUTH)",
        "add the zone there as a primary, or correct the address of the primary",
    ),
}
_NOT_SERVED = ("it does not serve the zone {zone} (NOTAUTH)", "add the zone there, or correct the address")


def refusal(purpose: Purpose, rcode: Rcode, zone: Name, where: str) -> SkullDNSError:
    """The error for an answer with ``rcode``, which is not NOERROR.

    REFUSED to an update means here that the server takes none for the zone; see ``changes_refused``.
    """
    if purpose is Purpose.UPDATE and rcode in _CONFLICTS:
        return Conflict(_CONFLICTS[rcode], where=where, cure="read the zone again and plan again")
    if rcode == dns.rcode.REFUSED:
        what, cure = _REFUSALS[purpose]
    elif rcode == dns.rcode.NOTIMP and purpose is Purpose.UPDATE:
        what, cure = _NO_UPDATES
    elif rcode == dns.rcode.NOTAUTH:
        what, cure = _NOT_AUTHORITATIVE.get(purpose, _NOT_SERVED)
    else:
        unknown = (
            f"it answers {dns.rcode.to_text(rcode)} to our {{purpose}} for the zone {{zone}}",
            "see the server's log",
        )
        what, cure = _FAILURES.get(rcode, unknown)
    return _unavailable(what, cure, where, zone=_text(zone), purpose=purpose)


def changes_refused(names: Sequence[str], zone: Name, where: str) -> Refused:
    """The error when a server takes updates of the zone from us, but not one with changes of these names."""
    return Refused(
        f"its update-policy or its own checks deny an update of {_some(names)}",
        where=where,
        cure=f"see its log, and allow it in the update-policy of {_text(zone)} or ask for a type that it knows",
    )


def changes_failed(names: Sequence[str], where: str) -> Refused:
    """The error when a server takes updates of the zone, but fails at one with changes of these names."""
    return Refused(
        f"it fails at an update of {_some(names)} (SERVFAIL)",
        where=where,
        cure="see its log; if it allows fewer records at one name (BIND: max-records-per-type), give the name fewer",
    )


def not_authoritative(zone: Name, where: str) -> Unavailable:
    """The error for an answer that another server must have given: the zone is not served here."""
    return _unavailable(
        "it does not serve the zone {zone} itself",
        "add the zone there, or correct the address",
        where,
        zone=_text(zone),
    )


def signature_refused(key: dns.tsig.Key, zone: Name, where: str) -> Unavailable:
    """The error for NOTAUTH without a TSIG to a signed request: PowerDNS says no more of a key that is wrong."""
    return _unavailable(
        "it does not accept our TSIG with the key {key}, or does not serve the zone {zone} (NOTAUTH, unsigned)",
        "compare the key's name, algorithm and secret and both clocks, and see whether the zone is there",
        where,
        key=_text(key.name),
        zone=_text(zone),
    )


def unreachable(error: OSError, timeout: float, where: str) -> Unavailable:
    """The error when no answer came, from what the socket says."""
    for kind, (what, cure) in _SILENCES.items():
        if isinstance(error, kind):
            return _unavailable(what, cure, where, timeout=f"{timeout:g}")
    return _unavailable(
        f"it cannot be reached ({error.strerror or error})", "check its address and the network", where
    )


def unreadable(
    error: dns.exception.DNSException | BadAnswer, key: dns.tsig.Key | None, where: str
) -> Unavailable:
    """The error for an answer that is malformed or whose TSIG is not good, from what reading it raised."""
    name = _text(key.name) if key else ""
    algorithm = _text(key.algorithm) if key else ""
    if isinstance(error, WrongClock):
        direction = "ahead of" if error.ahead > 0 else "behind"
        what = f"its clock is {abs(error.ahead):,} s {direction} ours, and TSIG allows {FUDGE} s"
        return _unavailable(what, "set both clocks, best by NTP", where)
    for kind, (what, cure) in _SIGNATURES.items():
        if isinstance(error, kind):
            return _unavailable(what, cure, where, key=name, algorithm=algorithm)
    return _unavailable(f"its answer is malformed ({error})", "see whether a DNS server listens there", where)


_SILENCES: dict[type[OSError], tuple[str, str]] = {
    ConnectionRefusedError: (
        "nothing listens there",
        "start the name server (is named running?), or correct its address and port",
    ),
    ConnectionError: (
        "it closed the connection without an answer",
        "see the server's log",
    ),
    TimeoutError: (
        "it gave no answer within {timeout} s",
        "see whether named runs there and the network lets DNS pass",
    ),
}

_SIGNATURES: dict[type[Exception] | tuple[type[Exception], ...], tuple[str, str]] = {
    dns.tsig.PeerBadKey: (
        "it does not know the TSIG key {key} with {algorithm} (BADKEY)",
        "add this key there, or correct the name and algorithm of the key in the config",
    ),
    dns.tsig.PeerBadSignature: (
        "its TSIG key {key} has another secret than ours (BADSIG)",
        "put the same secret on both sides",
    ),
    dns.tsig.PeerBadTime: (
        f"its clock differs from ours by more than the {FUDGE} s that TSIG allows (BADTIME)",
        "set both clocks, best by NTP",
    ),
    dns.tsig.PeerError: ("it refuses our TSIG with the key {key}", "see the server's log"),
    dns.tsig.BadTime: (
        f"its answer was signed more than {FUDGE} s away from our time",
        "set both clocks, best by NTP",
    ),
    (dns.tsig.BadSignature, dns.tsig.BadKey, dns.tsig.BadAlgorithm): (
        "its answer is not signed with our TSIG key {key}",
        "see whether another server or a proxy answers at this address",
    ),
    UnsignedAnswer: (
        "its answer is not signed although we asked with the TSIG key {key}",
        "see whether another server or a proxy answers at this address",
    ),
}


def _unavailable(what: str, cure: str, where: str, **values: str) -> Unavailable:
    return Unavailable(what.format(**values), where=where, cure=cure.format(**values))


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _text(name: Name) -> str:
    return name.to_text(omit_final_dot=True)
