from pathlib import Path

import pytest

from skulldns.targets.nginx.certificates import gather
from skulldns.targets.nginx.program import Outcome, complaint, emergency
from skulldns.targets.proxy import CertificatePaths
from tests.realnginx import make_pair

_LOG = """\
2026/01/02 03:04:05 [notice] 12#12: signal process started
2026/01/02 03:04:05 [error] 12#12: *7 connect() failed (111: Connection refused)
2026/01/02 03:04:06 [emerg] 12#12: bind() to 192.0.2.1:443 failed (98: Address already in use)
"""


def test_the_gravest_of_a_log_comes_first() -> None:
    assert complaint(_LOG) == "bind() to 192.0.2.1:443 failed (98: Address already in use)"
    assert emergency(_LOG.rsplit("\n", 2)[0]) is None
    assert complaint(_LOG.rsplit("\n", 2)[0]) == "connect() failed (111: Connection refused)"
    assert complaint("") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('nginx: [warn] x\nnginx: [emerg] unknown directive "y" in a:1\n', 'unknown directive "y" in a:1'),
        ("sudo: a password is required\n", "sudo: a password is required"),
        ("", "it said nothing"),
    ],
)
def test_a_program_s_complaint_is_found(text: str, words: str) -> None:
    assert Outcome(good=False, text=text).complaint == words


@pytest.fixture
def good(tmp_path: Path) -> CertificatePaths:
    return written(tmp_path, "good", *make_pair(["good.test"]))


def written(directory: Path, name: str, chain: bytes, key: bytes) -> CertificatePaths:
    paths = CertificatePaths(directory / f"{name}.chain", directory / f"{name}.key")
    paths.chain.write_bytes(chain)
    paths.key.write_bytes(key)
    return paths


def test_chain_and_key_become_one_file(good: CertificatePaths) -> None:
    files, faults = gather({"good.test": good}, {})
    assert faults == {}
    assert files["good.test"] == good.chain.read_bytes() + good.key.read_bytes()


def test_each_fault_is_said_and_stops_no_other(tmp_path: Path, good: CertificatePaths) -> None:
    chain, key = make_pair(["a.test"])
    files, faults = gather(
        {
            "good.test": good,
            "mixed.test": written(tmp_path, "mixed", chain, make_pair(["a.test"])[1]),
            "broken.test": written(tmp_path, "broken", chain[:100], key),
            "keyless.test": written(tmp_path, "keyless", chain, b""),
            "gone.test": CertificatePaths(tmp_path / "gone", tmp_path / "gone"),
            "../evil": good,
        },
        {},
    )
    assert list(files) == ["good.test"]
    assert {identity: error.what.split(" in ")[0] for identity, error in faults.items()} == {
        "mixed.test": "this is not the key of the certificate",
        "broken.test": "this is no certificate",
        "keyless.test": "this is no private key",
        "gone.test": "cannot be read: No such file or directory",
        "../evil": "'../evil' names no certificate",
    }


def test_the_last_good_certificate_is_kept(tmp_path: Path) -> None:
    files, faults = gather(
        {"a.test": CertificatePaths(tmp_path / "gone", tmp_path / "gone")}, {"a.test": b"before"}
    )
    assert (files, list(faults)) == ({"a.test": b"before"}, ["a.test"])
