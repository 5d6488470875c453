"""Certificates on the disk: always a pair, always sound, and the last good one until there is a better one."""

from pathlib import Path

import dns.name
import pytest

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import Challenge, KeyPair, Proof
from skulldns.targets.acme.fake import FakeAuthority, Spoiled
from skulldns.targets.certificates.files import CertificateDirectory
from skulldns.targets.certificates.inspection import read_certificate
from skulldns.targets.challenges.http01 import TokenFiles

NOW = 1_800_000_000.0
NAME = dns.name.from_text("blog.example.org")


@pytest.fixture
def ca() -> FakeAuthority:
    return FakeAuthority(lambda: NOW)


@pytest.fixture
def files(tmp_path: Path) -> CertificateDirectory:
    return CertificateDirectory(tmp_path / "certificates")


def served(files: CertificateDirectory) -> KeyPair:
    chain, key = files.paths("blog")
    return KeyPair(chain.read_bytes(), key.read_bytes())


def test_what_was_installed_is_served_for_its_owner_only(
    files: CertificateDirectory, ca: FakeAuthority
) -> None:
    pair = ca.issue([NAME], None)
    found = files.install("blog", pair, [NAME], NOW)
    assert files.current("blog") == found
    assert served(files) == pair
    assert [path.stat().st_mode & 0o777 for path in files.paths("blog")] == [0o600, 0o600]
    assert files.paths("blog")[0].parent.stat().st_mode & 0o777 == 0o700
    assert files.identities() == ["blog"]


def test_paths_read_earlier_still_hold_a_pair(files: CertificateDirectory, ca: FakeAuthority) -> None:
    first, second = ca.issue([NAME], None), ca.issue([NAME], None)
    files.install("blog", first, [NAME], NOW)
    chain, key = files.paths("blog")
    files.install("blog", second, [NAME], NOW)
    assert KeyPair(chain.read_bytes(), key.read_bytes()) == first
    assert served(files) == second


def test_old_versions_go(files: CertificateDirectory, ca: FakeAuthority, tmp_path: Path) -> None:
    for _ in range(5):
        files.install("blog", ca.issue([NAME], None), [NAME], NOW)
    kept = sorted(path.name for path in (tmp_path / "certificates" / "blog").iterdir())
    assert kept == ["000004", "000005", "current"]


@pytest.mark.parametrize("spoiled", list(Spoiled))
def test_an_unsound_pair_is_refused_and_the_old_one_stays(
    files: CertificateDirectory, ca: FakeAuthority, spoiled: Spoiled
) -> None:
    files.install("blog", good := ca.issue([NAME], None), [NAME], NOW)
    ca.spoiled = spoiled
    with pytest.raises(Refused, match="is not used"):
        files.install("blog", ca.issue([NAME], None), [NAME], NOW)
    assert served(files) == good


@pytest.mark.parametrize(
    "chain", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_refused(
    files: CertificateDirectory, ca: FakeAuthority, chain: bytes
) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        files.install("blog", KeyPair(chain, ca.issue([NAME], None).key), [NAME], NOW)


def test_what_is_no_key_is_refused(files: CertificateDirectory, ca: FakeAuthority) -> None:
    with pytest.raises(Refused, match="key cannot be read"):
        files.install("blog", KeyPair(ca.issue([NAME], None).chain, b"x"), [NAME], NOW)


def test_a_wildcard_covers_one_label(ca: FakeAuthority) -> None:
    found = read_certificate(ca.issue([dns.name.from_text("*.example.org")], None).chain)
    assert found.covers([NAME])
    assert not found.covers([dns.name.from_text("example.org")])
    assert not found.covers([dns.name.from_text("a.b.example.org")])


def test_half_a_pair_is_none(files: CertificateDirectory, ca: FakeAuthority) -> None:
    files.install("blog", ca.issue([NAME], None), [NAME], NOW)
    files.paths("blog")[1].unlink()
    assert files.current("blog") is None


def test_a_broken_chain_is_none(files: CertificateDirectory, ca: FakeAuthority) -> None:
    files.install("blog", ca.issue([NAME], None), [NAME], NOW)
    files.paths("blog")[0].write_bytes(b"half a")
    assert files.current("blog") is None


@pytest.mark.parametrize("identity", ["", ".", "..", "../x", "a/b", "A", ".hidden", "a\n", "*"])
def test_an_identity_is_no_path(files: CertificateDirectory, identity: str) -> None:
    with pytest.raises(Refused, match="cannot name a certificate"):
        files.current(identity)


def test_a_disk_that_does_not_do_is_a_reason_to_wait(tmp_path: Path, ca: FakeAuthority) -> None:
    (tmp_path / "certificates").write_text("in the way", encoding="ascii")
    files = CertificateDirectory(tmp_path / "certificates")
    with pytest.raises(Unavailable, match="blog"):
        files.install("blog", ca.issue([NAME], None), [NAME], NOW)


def test_tokens_are_for_everybody_and_go_again(tmp_path: Path) -> None:
    tokens, proof = (
        TokenFiles(tmp_path / "tokens"),
        Proof(NAME, Challenge.HTTP01, "a-b_9", "a-b_9.thumbprint"),
    )
    assert not tokens.seen(proof)
    tokens.place(proof)
    assert tokens.seen(proof)
    assert (tmp_path / "tokens" / "a-b_9").read_text(encoding="ascii") == "a-b_9.thumbprint"
    assert (tmp_path / "tokens" / "a-b_9").stat().st_mode & 0o777 == 0o644
    tokens.remove(proof)
    tokens.remove(proof)
    tokens.place(proof)
    assert tokens.sweep() == 1
    assert not tokens.seen(proof)


@pytest.mark.parametrize("token", ["", "..", "../x", "a/b", "a b", "a\n", "a.b", "ä", "x" * 129])
def test_a_token_is_no_path(tmp_path: Path, token: str) -> None:
    with pytest.raises(Refused, match="token"):
        TokenFiles(tmp_path).place(Proof(NAME, Challenge.HTTP01, token, "content"))
