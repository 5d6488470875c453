"""Each refusal of a server is one sentence with its own cause and cure, and of the right kind."""

from collections.abc import Callable

import dns.exception
import dns.name
import dns.rcode
import dns.tsig
import pytest
from dns.rcode import Rcode

from skulldns.errors import Conflict, Refused, Unavailable
from skulldns.targets.dnswire import refusals
from skulldns.targets.dnswire.faults import BadAnswer, UnsignedAnswer, WrongClock
from skulldns.targets.dnswire.refusals import Purpose

ZONE = dns.name.from_text("vmsrv.test")
WHERE = "192.0.2.53:53"
KEY = dns.tsig.Key("skulldns", b"s" * 32)


@pytest.mark.parametrize(
    "rcode", [dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN]
)
def test_an_unmet_prerequisite_is_a_conflict(rcode: Rcode) -> None:
    assert type(refusals.refusal(Purpose.UPDATE, rcode, ZONE, WHERE)) is Conflict
    assert type(refusals.refusal(Purpose.QUERY, rcode, ZONE, WHERE)) is Unavailable


def test_every_other_code_is_unavailable_and_says_what_is_wrong() -> None:
    codes = [Rcode(code) for code in range(1, 12) if code not in {3, 6, 7, 8}]
    errors = [refusals.refusal(purpose, code, ZONE, WHERE) for purpose in Purpose for code in codes]
    assert {type(error) for error in errors} == {Unavailable}
    for error in errors:
        assert str(error).startswith(f"{WHERE}: it ")
        assert error.cure
        assert "{" not in str(error)
    of_updates = {str(refusals.refusal(Purpose.UPDATE, code, ZONE, WHERE)) for code in codes}
    assert len(of_updates) == len(codes)


def test_a_frozen_zone_has_its_cure() -> None:
    error = refusals.refusal(Purpose.UPDATE, dns.rcode.REFUSED, ZONE, WHERE)
    assert str(error) == (
        "192.0.2.53:53: it refuses updates of the zone vmsrv.test, which is frozen, a secondary's, or closed"
        " to the key; run `rndc thaw vmsrv.test` (Knot: `knotc zone-thaw vmsrv.test`), or check the primary's"
        " address and its update-policy"
    )


def test_denied_names_are_shown_but_not_all() -> None:
    error = refusals.changes_refused([f"n{number}.vmsrv.test" for number in range(5)], ZONE, WHERE)
    assert type(error) is Refused
    assert "of n0.vmsrv.test, n1.vmsrv.test, n2.vmsrv.test and 2 more;" in str(error)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (dns.tsig.PeerBadKey, "does not know the TSIG key skulldns with hmac-sha256 (BADKEY)"),
        (dns.tsig.PeerBadSignature, "another secret than ours (BADSIG)"),
        (dns.tsig.PeerBadTime, "clock differs from ours by more than the 300 s"),
        (lambda: WrongClock(4000), "its clock is 4,000 s ahead of ours"),
        (lambda: WrongClock(-301), "its clock is 301 s behind ours"),
        (dns.tsig.PeerBadTruncation, "refuses our TSIG"),
        (dns.tsig.BadTime, "signed more than 300 s away"),
        (dns.tsig.BadSignature, "not signed with our TSIG key skulldns"),
        (dns.tsig.BadKey, "not signed with our TSIG key skulldns"),
        (UnsignedAnswer, "not signed although we asked with the TSIG key skulldns"),
        (lambda: BadAnswer("it is cut off"), "malformed (it is cut off)"),
        (dns.exception.FormError, "malformed"),
    ],
)
def test_a_bad_answer_has_its_cause(
    fault: Callable[[], dns.exception.DNSException | BadAnswer], words: str
) -> None:
    error = refusals.unreadable(fault(), KEY, WHERE)
    assert words in str(error)
    assert error.cure


@pytest.mark.parametrize(
    ("silence", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "nothing listens there"),
        (ConnectionResetError(104, "reset"), "closed the connection without an answer"),
        (TimeoutError(), "no answer within 5 s"),
        (OSError(113, "No route to host"), "cannot be reached (No route to host)"),
    ],
)
def test_silence_has_its_cause(silence: OSError, words: str) -> None:
    error = refusals.unreachable(silence, 5.0, WHERE)
    assert words in str(error)
    assert error.cure
