"""What `skulldns.targets.protocol.CertificateAuthority` promises, asked of the fake and of a real CA alike."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import dns.name
import pytest
from dns.name import Name
from dns.rdatatype import TXT

from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from skulldns.model.certificates import Challenge, KeyPair, Proof
from skulldns.model.records import rrset
from skulldns.targets.acme.fake import FakeAuthority
from skulldns.targets.certificates.inspection import check
from skulldns.targets.protocol import CertificateAuthority, NameServer, Order, ProofFailed
from tests.integration.office import authority, server
from tests.support import require

ZONE = dns.name.from_text("vmsrv.test")
WWW, WILD = dns.name.from_text("www", ZONE), dns.name.from_text("*", ZONE)


class Stage(ABC):
    """A CA, and the place where it looks for proofs."""

    ca: CertificateAuthority

    @abstractmethod
    def place(self, proof: Proof) -> None:
        """Put a proof where the CA looks."""

    @abstractmethod
    def remove(self, proof: Proof) -> None:
        """Take it away."""

    @abstractmethod
    def stop(self) -> None:
        """Let the CA go away."""

    @abstractmethod
    def start(self) -> None:
        """Let it come back."""


class FakeStage(Stage):
    """The CA in memory."""

    def __init__(self) -> None:
        self._placed: list[Proof] = []
        self.ca = self._fake = FakeAuthority(time.time, lambda proof: proof in self._placed)

    def place(self, proof: Proof) -> None:
        self._placed.append(proof)

    def remove(self, proof: Proof) -> None:
        self._placed.remove(proof)

    def stop(self) -> None:
        self._fake.trouble = Unavailable("it cannot be reached", where=self._fake.directory)

    def start(self) -> None:
        self._fake.trouble = None


class PebbleStage(Stage):
    """The lab's CA, which looks at ns1."""

    def __init__(self, lab: Lab, ns1: NameServer, directory: Path) -> None:
        self._lab = lab
        self._ns1 = ns1
        self.ca = authority(lab, directory)

    def place(self, proof: Proof) -> None:
        self._ns1.add(rrset(proof.record, TXT, 10, [f'"{proof.content}"']))

    def remove(self, proof: Proof) -> None:
        self._ns1.remove(rrset(proof.record, TXT, 10, [f'"{proof.content}"']))

    def stop(self) -> None:
        self._lab.stop("pebble")

    def start(self) -> None:
        self._lab.start("pebble")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    for command, package in (("pebble", "pebble"), ("named", "bind9"), ("libvirtd", "libvirt-daemon")):
        require(command, package=package)
    with Lab.up(daemon=False, extra=["pebble"]) as lab:
        yield lab


@pytest.fixture
def ns1(request: pytest.FixtureRequest) -> Iterator[NameServer]:
    found = server(request.getfixturevalue("lab"), ZONE, "ns1")
    yield found
    found.close()


@pytest.fixture(params=["fake", "pebble"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    if request.param == "fake":
        return FakeStage()
    return PebbleStage(request.getfixturevalue("lab"), request.getfixturevalue("ns1"), tmp_path / "account")


def order(stage: Stage, *names: Name) -> Order:
    return stage.ca.order(dict.fromkeys(names, Challenge.DNS01))


def finish(stage: Stage, begun: Order) -> KeyPair:
    """Tell the CA to look, and go on to the certificate."""
    found: list[KeyPair] = []

    def issued() -> bool:
        step = begun.step()
        if isinstance(step, KeyPair):
            found.append(step)
        return bool(found)

    proofs = list(begun.proofs)
    for proof in proofs:
        stage.place(proof)
    try:
        begun.proved()
        until(issued, "the certificate", patience=60)
    finally:
        for proof in proofs:
            stage.remove(proof)
    return found[0]


def test_a_proved_order_becomes_a_sound_certificate(stage: Stage) -> None:
    pair = finish(stage, order(stage, WWW))
    assert check(pair, [WWW], time.time()).names == {WWW}


def test_a_wildcard_is_proved_at_the_name_below_it(stage: Stage) -> None:
    begun = order(stage, ZONE, WILD)
    assert {proof.record for proof in begun.proofs} == {dns.name.from_text("_acme-challenge", ZONE)}
    assert len(set(begun.proofs)) == 2
    assert check(finish(stage, begun), [ZONE, WILD], time.time()).names == {ZONE, WILD}


def test_each_order_has_a_key_of_its_own(stage: Stage) -> None:
    assert finish(stage, order(stage, WWW)).key != finish(stage, order(stage, WWW)).key


def test_without_a_proof_the_name_is_told(stage: Stage) -> None:
    def proved() -> bool:
        return isinstance(begun.step(), KeyPair)

    begun = order(stage, WWW)
    with pytest.raises(ProofFailed, match=r"www\.vmsrv\.test could not be validated") as caught:  # noqa: PT012 - the
        # CA may say so at once or later
        begun.proved()
        until(proved, "the failure", patience=60)
    assert caught.value.names == (WWW,)
    assert caught.value.where == stage.ca.directory


def test_a_predecessor_may_be_named(stage: Stage) -> None:
    first = check(finish(stage, order(stage, WWW)), [WWW], time.time())
    begun = stage.ca.order({WWW: Challenge.DNS01}, first)
    assert check(finish(stage, begun), [WWW], time.time()).serial != first.serial


def test_a_certificate_can_be_revoked_twice(stage: Stage) -> None:
    pair = finish(stage, order(stage, WWW))
    stage.ca.revoke(pair.chain)
    stage.ca.revoke(pair.chain)


def test_a_new_account_key_goes_on_with_the_account(stage: Stage) -> None:
    stage.ca.ping()
    before = stage.ca.account()
    assert before.url == stage.ca.caa()[1]
    stage.ca.roll_over()
    finish(stage, order(stage, WWW))
    after = stage.ca.account()
    assert after.url == before.url == stage.ca.caa()[1]
    assert before.key_since
    assert after.key_since
    assert after.key_since > before.key_since


def test_a_ca_that_is_away_is_a_reason_to_wait_and_says_where(stage: Stage) -> None:
    stage.stop()
    try:
        with pytest.raises(Unavailable) as ping:
            stage.ca.ping()
        with pytest.raises(Unavailable) as ordering:
            order(stage, WWW)
    finally:
        stage.start()
    assert ping.value.where == ordering.value.where == stage.ca.directory
    stage.ca.ping()
    finish(stage, order(stage, WWW))
