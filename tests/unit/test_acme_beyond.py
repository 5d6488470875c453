"""What stands beside the `acme` library: what CAs say, read without a CA."""

import dns.name
import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from skulldns.errors import Conflict, Refused, Unavailable
from skulldns.targets.acme.beyond import CaError, Problem, ari_id, read_problem, retry_after
from skulldns.targets.acme.fake import FakeAuthority
from skulldns.targets.acme.words import sentence, translated
from skulldns.targets.protocol import RateLimited

# The authority key identifier and serial number of the example in RFC 9773 section 4.1.
EXAMPLE = b"""\
-----BEGIN CERTIFICATE-----
MIIBFDCBvKADAgECAgUAh2VDITAKBggqhkjOPQQDAjAAMB4XDTI3MDEwMTAwMDAw
MFoXDTI3MDQwMTAwMDAwMFowADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABC+I
MQ+tooffLmZcrfP7l0Wf77FUwdt+PPGviJ+3szy47ZAYeIj1rFNegy4iklUtfHC/
zHe62w9lxGbyeUU9QJSjIzAhMB8GA1UdIwQYMBaAFGmIW2uHRkBB4bN7hHugrize
AcjUMAoGCCqGSM49BAMCA0cAMEQCIFsZFJYLyz0zcsV6sH816zfqmFGEDNrA19Di
zyz0aSx5AiACFL89WyPqHUJ9WXUSpQB5iXmIniW418lm/W1WP/e+OA==
-----END CERTIFICATE-----
"""
NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("Fri, 15 Jan 2027 09:00:00 GMT", 3600),
        ("Fri, 15 Jan 2027 10:00:00 +0100", 3600),
        ("Fri, 15 Jan 2027 09:00:00 -0000", 3600),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    ("code", "status", "wait", "error"),
    [
        ("rateLimited", 429, None, RateLimited),
        ("", 429, None, RateLimited),
        ("serverInternal", 500, None, Unavailable),
        ("", 503, 60.0, Unavailable),
        ("badNonce", 400, None, Unavailable),
        ("timeout", 0, None, Unavailable),
        ("unauthorized", 403, 60.0, Unavailable),
        ("alreadyReplaced", 409, None, Conflict),
        ("rejectedIdentifier", 400, None, Refused),
        ("caa", 403, None, Refused),
        ("unauthorized", 403, None, Refused),
        ("accountDoesNotExist", 400, None, Refused),
        ("somethingNew", 400, None, Refused),
    ],
)
def test_an_error_says_what_to_do_next(
    code: str, status: int, wait: float | None, error: type[Exception]
) -> None:
    found = translated(CaError(Problem(code, "because"), status, wait), "https://ca.test")
    assert type(found) is error
    assert str(found).startswith("https://ca.test: because")
    if isinstance(found, Unavailable):
        assert found.retry_after == wait


def test_a_sentence_has_what_the_parts_say_on_one_line() -> None:
    told = read_problem(
        {
            "type": "urn:ietf:params:acme:error:compound",
            "detail": "Two names\nfailed.",
            "subproblems": [
                {"detail": "no such name", "identifier": {"type": "dns", "value": "a.test"}},
                {"title": "refused"},
            ],
        }
    )
    assert sentence(told) == "Two names failed.; a.test: no such name; refused (compound)"


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
problems = st.dictionaries(
    st.sampled_from(["type", "detail", "title", "identifier", "subproblems", "x"]), json_values
)


@given(problems | json_values)
def test_whatever_a_problem_holds_makes_one_printable_line(content: object) -> None:
    line = sentence(read_problem(content))
    assert line
    assert line.isprintable()
    assert len(line) < 10_000


def test_the_name_of_a_certificate_for_renewal_information() -> None:
    certificate = x509.load_pem_x509_certificate(EXAMPLE)
    assert ari_id(certificate) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


def test_a_certificate_without_an_authority_key_has_no_such_name() -> None:
    own = FakeAuthority(lambda: NOW).issue([dns.name.from_text("a.test")], None).chain
    root = x509.load_pem_x509_certificates(own)[-1]
    assert ari_id(root) is None
