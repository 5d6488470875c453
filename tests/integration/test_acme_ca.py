"""`AcmeAuthority` against a real CA, and against one with the faults that real CAs have at times."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import dns.name
import pytest
from cryptography import x509
from dns.name import Name
from dns.rdatatype import TXT

from skulldns.errors import ConfigError, Conflict, Refused, SkullDNSError, Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from skulldns.model.certificates import Challenge, KeyPair
from skulldns.model.records import rrset
from skulldns.targets.acme.account import ExternalAccount
from skulldns.targets.acme.authority import AcmeAuthority
from skulldns.targets.certificates.inspection import read_certificate
from skulldns.targets.nameserver import DnsServer
from skulldns.targets.protocol import CertificateAuthority, Order, ProofFailed, RateLimited
from tests.acme_faults import Answer, FaultyCa, problem
from tests.integration.office import Pebble, Time, authority, server

KID = "kid-1"
HMAC = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


@pytest.fixture
def zone(certifying: Lab) -> Name:
    return dns.name.from_text(certifying.info.zone)


@pytest.fixture
def ns1(certifying: Lab, zone: Name) -> Iterator[DnsServer]:
    found = server(certifying, zone, "ns1")
    yield found
    found.close()


@pytest.fixture
def ca(certifying: Lab, faulty: FaultyCa, tmp_path: Path) -> AcmeAuthority:
    """Behind the proxy, with an account of its own."""
    return authority(certifying, tmp_path / "account", faulty.directory)


def begin(ca: CertificateAuthority, zone: Name, **options: Any) -> Order:
    return ca.order({dns.name.from_text("www", zone): Challenge.DNS01}, **options)


def prove(order: Order, ns1: DnsServer) -> KeyPair:
    """Place the proofs, and go on until the certificate is there."""
    for proof in order.proofs:
        ns1.add(rrset(proof.record, TXT, 10, [f'"{proof.content}"']))
    try:
        order.proved()
        found: list[KeyPair] = []

        def issued() -> bool:
            step = order.step()
            if isinstance(step, KeyPair):
                found.append(step)
            return bool(found)

        until(issued, "the certificate", patience=60)
        return found[0]
    finally:
        for proof in order.proofs:
            ns1.remove(rrset(proof.record, TXT, 10, [f'"{proof.content}"']))


def get(ca: CertificateAuthority, zone: Name, ns1: DnsServer, **options: Any) -> KeyPair:
    return prove(begin(ca, zone, **options), ns1)


# ----------------------------------------------------------------------------------------- orders


def test_wildcard_and_apex_share_one_name(ca: AcmeAuthority, zone: Name, ns1: DnsServer) -> None:
    names = [zone, dns.name.from_text("*", zone)]
    order = ca.order(dict.fromkeys(names, Challenge.DNS01))
    assert len({proof.record for proof in order.proofs}) == 1
    assert len({proof.content for proof in order.proofs}) == 2
    assert read_certificate(prove(order, ns1).chain).names == set(names)


def test_every_certificate_has_a_new_ecdsa_key(ca: AcmeAuthority, zone: Name, ns1: DnsServer) -> None:
    pairs = [get(ca, zone, ns1) for _ in range(2)]
    assert pairs[0].key != pairs[1].key
    key = x509.load_pem_x509_certificate(pairs[0].chain).public_key()
    assert getattr(getattr(key, "curve", None), "name", None) == "secp256r1"


def test_a_proof_that_is_not_there_fails_with_the_ca_s_words(ca: AcmeAuthority, zone: Name) -> None:
    order = begin(ca, zone)
    order.proved()
    with pytest.raises(
        ProofFailed, match=r"www\.vmsrv\.test could not be validated: .*_acme-challenge"
    ) as caught:
        until(lambda: isinstance(order.step(), KeyPair), "the failure", patience=60)
    assert caught.value.names == (dns.name.from_text("www", zone),)


def test_an_order_that_takes_too_long_is_given_up(
    certifying: Lab, faulty: FaultyCa, zone: Name, tmp_path: Path
) -> None:
    time_ = Time()
    ca = authority(certifying, tmp_path / "account", faulty.directory, time_)
    order = begin(ca, zone)
    assert isinstance(order.step(), float)
    time_.later = 301
    with pytest.raises(Unavailable, match="not finished an order within 300 seconds"):
        order.step()


def test_the_preferred_chain_is_chosen(
    certifying: Lab, zone: Name, ns1: DnsServer, pebble: Pebble, tmp_path: Path
) -> None:
    pebble.restart({"PEBBLE_ALTERNATE_ROOTS": "2"})
    any_chain = authority(certifying, tmp_path / "account")
    order = begin(any_chain, zone)
    seen: list[str] = []

    def look(chains: Any) -> bytes:
        seen.extend(_issuer(chain) for chain in chains)
        return bytes(chains[0])

    order._preferred = look  # type: ignore[attr-defined]  # the CA draws the names of its roots anew
    prove(order, ns1)
    assert len(set(seen)) == 3
    last = get(authority(certifying, tmp_path / "account", issuer=seen[2]), zone, ns1)
    assert _issuer(last.chain) == seen[2]


def _issuer(chain: bytes) -> str:
    last = x509.load_pem_x509_certificates(chain)[-1]
    return str(last.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def test_half_of_all_nonces_may_be_bad(
    certifying: Lab, zone: Name, ns1: DnsServer, pebble: Pebble, tmp_path: Path
) -> None:
    pebble.restart({"PEBBLE_WFE_NONCEREJECT": "50"})
    ca = authority(certifying, tmp_path / "account")
    assert len({get(ca, zone, ns1).chain for _ in range(20)}) == 20


def test_nine_of_ten_nonces_may_be_bad(
    certifying: Lab, zone: Name, ns1: DnsServer, pebble: Pebble, tmp_path: Path
) -> None:
    pebble.restart({"PEBBLE_WFE_NONCEREJECT": "90"})
    ca = authority(certifying, tmp_path / "account")
    issued = []

    def tried() -> bool:
        try:
            issued.append(get(ca, zone, ns1))
        except Unavailable:
            return False
        return True

    until(tried, "a certificate", patience=100)


# --------------------------------------------------------------------------------------- accounts


def test_the_account_is_for_its_owner_only_and_found_again(
    certifying: Lab, faulty: FaultyCa, ca: AcmeAuthority, tmp_path: Path
) -> None:
    ca.ping()
    files = sorted((tmp_path / "account").iterdir())
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    assert (tmp_path / "account").stat().st_mode & 0o777 == 0o700
    url = (tmp_path / "account" / "account.json").read_bytes()
    authority(certifying, tmp_path / "account", faulty.directory).ping()
    assert faulty.asked["/sign-me-up"] == 1
    (tmp_path / "account" / "account.json").unlink()
    authority(certifying, tmp_path / "account", faulty.directory).ping()
    assert faulty.asked["/sign-me-up"] == 2
    assert (tmp_path / "account" / "account.json").read_bytes() == url


def test_a_ca_that_forgot_the_account_gets_it_again(
    certifying: Lab, zone: Name, ns1: DnsServer, pebble: Pebble, tmp_path: Path
) -> None:
    ca = authority(certifying, tmp_path / "account")
    get(ca, zone, ns1)
    url = (tmp_path / "account" / "account.json").read_bytes()
    pebble.restart()  # it remembers nothing
    get(ca, zone, ns1)
    assert (tmp_path / "account" / "account.json").read_bytes() != url


def test_a_new_account_key_counts_at_once_and_after_a_restart(
    certifying: Lab, faulty: FaultyCa, ca: AcmeAuthority, zone: Name, ns1: DnsServer, tmp_path: Path
) -> None:
    ca.ping()
    key = (tmp_path / "account" / "account.key").read_bytes()
    ca.roll_over()
    assert (tmp_path / "account" / "account.key").read_bytes() != key
    get(ca, zone, ns1)
    get(authority(certifying, tmp_path / "account", faulty.directory), zone, ns1)
    assert faulty.asked["/sign-me-up"] == 1


@pytest.mark.parametrize("again", ["the same process", "after a restart", "rolled over again"])
@pytest.mark.parametrize("taken", [True, False])
def test_a_roll_over_that_was_cut_off_is_finished_or_forgotten(
    certifying: Lab,
    faulty: FaultyCa,
    ca: AcmeAuthority,
    zone: Name,
    ns1: DnsServer,
    tmp_path: Path,
    taken: bool,  # noqa: FBT001
    again: str,
) -> None:
    ca.ping()
    files = ca._files
    old, account = files.key(), ca.account()
    if taken:
        faulty.lose("rollover")
    else:
        faulty.fail("rollover", problem("serverInternal", status=500), times=1)
    with pytest.raises(Unavailable):
        ca.roll_over()
    new = files.next_key()
    assert new
    if again == "after a restart":
        ca = authority(certifying, tmp_path / "account", faulty.directory)
    if again == "rolled over again":
        ca.roll_over()
        assert files.key() not in {old, new}
    get(ca, zone, ns1)
    assert ca.account().url == account.url
    assert files.next_key() is None
    if again != "rolled over again":
        assert files.key() == (new if taken else old)


def test_an_external_account_is_bound(
    certifying: Lab, zone: Name, ns1: DnsServer, pebble: Pebble, tmp_path: Path
) -> None:
    pebble.restart(externalAccountBindingRequired=True, externalAccountMACKeys={KID: HMAC})
    with pytest.raises(Refused, match="external account binding"):
        authority(certifying, tmp_path / "none").ping()
    secret = tmp_path / "hmac"
    with pytest.raises(ConfigError, match="hmac"):
        authority(certifying, tmp_path / "missing", external_account=ExternalAccount(KID, secret)).ping()
    secret.write_text(HMAC + "\n", encoding="ascii")
    get(authority(certifying, tmp_path / "account", external_account=ExternalAccount(KID, secret)), zone, ns1)


def test_a_broken_account_key_is_told_and_kept(ca: AcmeAuthority, tmp_path: Path) -> None:
    (tmp_path / "account").mkdir()
    (tmp_path / "account" / "account.key").write_text("half a ke", encoding="ascii")
    with pytest.raises(ConfigError, match="no private key"):
        ca.ping()
    assert (tmp_path / "account" / "account.key").read_text(encoding="ascii") == "half a ke"


def test_a_certificate_is_revoked_once_or_twice(ca: AcmeAuthority, zone: Name, ns1: DnsServer) -> None:
    pair = get(ca, zone, ns1)
    ca.revoke(pair.chain, 4)
    ca.revoke(pair.chain)
    with pytest.raises(Refused):
        ca.revoke(get(ca, zone, ns1).chain, 77)


# ------------------------------------------------------------------------------- a CA in trouble


def test_a_rate_limit_says_until_when_in_seconds(ca: AcmeAuthority, faulty: FaultyCa, zone: Name) -> None:
    faulty.fail("order-plz", problem("rateLimited", "too many certificates", 429, Retry_After="120"))
    with pytest.raises(RateLimited, match="too many certificates") as caught:
        begin(ca, zone)
    assert caught.value.retry_after == 120


def test_a_rate_limit_says_until_when_as_a_date(
    certifying: Lab, faulty: FaultyCa, zone: Name, tmp_path: Path
) -> None:
    ca = authority(certifying, tmp_path / "account", faulty.directory)
    date = format_datetime(datetime.fromtimestamp(int(time.time()) + 3600, UTC), usegmt=True)
    faulty.fail("order-plz", problem("rateLimited", status=429, Retry_After=date))
    with pytest.raises(RateLimited) as caught:
        begin(ca, zone)
    assert caught.value.retry_after == pytest.approx(3600, abs=120)


@pytest.mark.parametrize("path", ["dir", "nonce-plz", "sign-me-up", "order-plz"])
def test_errors_of_the_server_are_a_reason_to_wait(
    ca: AcmeAuthority, faulty: FaultyCa, zone: Name, ns1: DnsServer, path: str
) -> None:
    faulty.fail(path, problem("serverInternal", status=500))
    with pytest.raises(Unavailable) as caught:
        begin(ca, zone)
    assert not isinstance(caught.value, RateLimited)
    assert str(caught.value).startswith(faulty.directory)
    faulty.heal()
    get(ca, zone, ns1)


def test_a_ca_that_does_not_answer_is_a_reason_to_wait(
    certifying: Lab, faulty: FaultyCa, zone: Name, tmp_path: Path
) -> None:
    ca = authority(certifying, tmp_path / "account", faulty.directory, timeout=1)
    faulty.hang("order-plz")
    with pytest.raises(Unavailable, match="does not answer in time"):
        begin(ca, zone)


def test_a_ca_that_is_not_there_or_not_trusted_is_told(certifying: Lab, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        authority(certifying, tmp_path / "a", "https://127.0.0.1:1/dir").ping()
    with pytest.raises(Unavailable, match="not trusted"):
        authority(certifying, tmp_path / "b", trust=None).ping()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"newOrder": 5}', b"\xff"])
def test_an_unreadable_answer_is_a_reason_to_wait(
    ca: AcmeAuthority, faulty: FaultyCa, zone: Name, body: bytes
) -> None:
    ca.ping()
    for path in ("dir", "order-plz"):
        faulty.fail(
            path, Answer(200, {"Content-Type": "application/json", "Replay-Nonce": "AAAA"}, body), times=1
        )
        with pytest.raises(Unavailable):
            begin(ca, zone)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("rejectedIdentifier", Refused),
        ("caa", Refused),
        ("userActionRequired", Refused),
        ("unheardOf", Refused),
    ],
)
def test_a_refusal_has_the_ca_s_words(
    ca: AcmeAuthority, faulty: FaultyCa, zone: Name, code: str, error: type[SkullDNSError]
) -> None:
    faulty.fail("order-plz", problem(code, "not \x1b[31mthis\none"))
    with pytest.raises(error, match=rf"not \[31mthis one \({code}\)"):
        begin(ca, zone)


def test_a_clock_that_is_off_is_told(certifying: Lab, zone: Name, tmp_path: Path) -> None:
    time_ = Time()
    time_.later = 86_400
    ca = authority(certifying, tmp_path / "account", time_=time_)
    with pytest.raises(Unavailable, match="clock"):
        begin(ca, zone)


# ------------------------------------------------------------------ renewal information and profiles


def _window(start: float, end: float) -> dict[str, object]:
    told = [datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z") for at in (start, end)]
    return {"suggestedWindow": dict(zip(("start", "end"), told, strict=True))}


def test_a_window_is_read_with_its_retry_after(
    ca: AcmeAuthority, faulty: FaultyCa, zone: Name, ns1: DnsServer
) -> None:
    certificate = read_certificate(get(ca, zone, ns1).chain)
    asked: list[str] = []

    def window(identity: str) -> dict[str, object]:
        asked.append(identity)
        return _window(1_000_000, 2_000_000) | {"explanationURL": "https://ca.test/why"}

    faulty.window = window
    faulty.window_headers = {"Retry-After": "21600"}
    ca.ping()
    found = ca.window(certificate)
    assert found
    assert (found.start, found.end, found.look_again) == (1_000_000, 2_000_000, 21_600)
    assert found.explanation == "https://ca.test/why"
    assert asked == [certificate.ari_id]


def test_a_ca_without_renewal_information_suggests_nothing(
    ca: AcmeAuthority, zone: Name, ns1: DnsServer
) -> None:
    assert ca.window(read_certificate(get(ca, zone, ns1).chain)) is None


@pytest.mark.parametrize(
    "told",
    [
        b"not json",
        [],
        {},
        {"suggestedWindow": None},
        {"suggestedWindow": {}},
        {"suggestedWindow": {"start": "yesterday", "end": "tomorrow"}},
        _window(2_000_000, 1_000_000),
    ],
)
def test_a_malformed_window_is_told(
    ca: AcmeAuthority, faulty: FaultyCa, zone: Name, ns1: DnsServer, told: object
) -> None:
    certificate = read_certificate(get(ca, zone, ns1).chain)
    faulty.window = lambda _: told
    ca.ping()
    with pytest.raises(Unavailable, match=faulty.directory):
        ca.window(certificate)


def test_a_renewal_names_its_predecessor_once(
    ca: AcmeAuthority, faulty: FaultyCa, zone: Name, ns1: DnsServer
) -> None:
    first = read_certificate(get(ca, zone, ns1).chain)
    get(ca, zone, ns1, replaces=first)
    assert "replaces" not in faulty.orders[-1]  # the CA does not speak of renewal information
    faulty.window, faulty.once_only = lambda _: _window(1, 2), True
    get(ca, zone, ns1, replaces=first)
    assert faulty.orders[-1]["replaces"] == first.ari_id
    with pytest.raises(Conflict, match="alreadyReplaced"):
        begin(ca, zone, replaces=first)


def test_a_profile_is_asked_for_where_the_ca_has_it(
    certifying: Lab, faulty: FaultyCa, zone: Name, ns1: DnsServer, tmp_path: Path
) -> None:
    ca = authority(certifying, tmp_path / "account", faulty.directory, profile="shortlived")
    get(ca, zone, ns1)
    assert "profile" not in faulty.orders[-1]
    faulty.profiles = {"classic": "as ever", "shortlived": "160 hours"}
    get(ca, zone, ns1)
    assert faulty.orders[-1]["profile"] == "shortlived"
    faulty.profiles = {"classic": "as ever"}
    with pytest.raises(Refused, match="no profile 'shortlived'; choose one of classic"):
        begin(ca, zone)
