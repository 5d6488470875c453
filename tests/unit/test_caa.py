"""Whether CAA records let a CA issue (RFC 8659)."""

import dns.name
import pytest

from skulldns.model.certificates import Caa
from skulldns.plan.caa import climb, forbidden

NAME, WILD = dns.name.from_text("www.example.org"), dns.name.from_text("*.example.org")
OURS = ("ca.test", "www.ca.test")
ACCOUNT = "https://ca.test/account/1"


def issue(value: str, tag: str = "issue", flags: int = 0) -> Caa:
    return Caa(flags, tag, value)


def test_the_search_climbs_to_the_top() -> None:
    assert [str(one) for one in climb(NAME)] == ["www.example.org.", "example.org.", "org."]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [issue("mailto:ops@example.org", "iodef")],
        [issue("ca.test")],
        [issue("CA.TEST")],
        [issue(" ca.test ; policy=ev")],
        [issue("other.test"), issue("ca.test")],
        [issue(f"ca.test; accounturi={ACCOUNT}")],
        [issue("ca.test; validationmethods=dns-01,http-01")],
        [issue("ca.test"), issue(";", "issuewild")],  # which is for wildcards only
        [issue("x", "unknown")],
    ],
)
def test_allowed(records: list[Caa]) -> None:
    assert forbidden(NAME, records, OURS, account=ACCOUNT, method="dns-01") is None


@pytest.mark.parametrize(
    "records",
    [
        [issue(";")],
        [issue("")],
        [issue("other.test")],
        [issue("not-ca.test")],
        [issue("ca.test; accounturi=https://ca.test/account/2")],
        [issue("ca.test; validationmethods=http-01")],
        [issue("ca.test"), issue("x", "unknown", flags=128)],
    ],
)
def test_forbidden(records: list[Caa]) -> None:
    assert forbidden(NAME, records, OURS, account=ACCOUNT, method="dns-01")


def test_issuewild_goes_before_issue_for_wildcards() -> None:
    assert forbidden(WILD, [issue(";"), issue("ca.test", "issuewild")], OURS) is None
    assert forbidden(WILD, [issue("ca.test"), issue(";", "issuewild")], OURS)
    assert forbidden(WILD, [issue("ca.test")], OURS) is None
    assert forbidden(WILD, [issue(";")], OURS)


def test_where_the_ca_has_no_name_only_what_forbids_everybody_counts() -> None:
    assert forbidden(NAME, [issue("other.test")], ()) is None
    assert forbidden(NAME, [issue(";")], ()) == "CAA records for www.example.org allow only ;"
