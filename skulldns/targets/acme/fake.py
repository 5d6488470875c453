"""A CA in memory that keeps the contract of ``CertificateAuthority`` and really issues, with faults on command."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import dns.name
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from dns.name import Name

from skulldns.errors import Conflict, Refused, SkullDNSError
from skulldns.model.certificates import Account, Certificate, Challenge, KeyPair, Proof, Window, bare, shown
from skulldns.targets.acme.account import pem
from skulldns.targets.protocol import Order, ProofFailed

_DAY = 86_400.0


class Spoiled(StrEnum):
    """What a CA may do wrong with a certificate."""

    NAME = "for another name"
    KEY = "for another key"
    EXPIRED = "expired already"
    EARLY = "not valid yet"
    CHAIN = "with the chain of another CA"


class FakeAuthority:
    """A CA that issues to whoever has proofs in place, as ``look`` finds.

    Its certificates live for ``lifetime`` seconds and begin ``backdated`` seconds ago.

    ``now`` is Unix time. Faults, all of which can be changed at any time:

    * ``trouble``: raised by every call that reaches the CA; ``order_trouble``: by new orders only;
    * ``failing``: names whose validation fails; ``replaced``: ``ari_id`` of certificates that were replaced already;
    * ``window_at``: tells the renewal window of a certificate; ``spoiled``: what is wrong with what it issues.

    ``asked`` counts calls: ``order``, ``replacing`` (orders that name a predecessor), ``ping``, ``window``, ``issued``.
    """

    def __init__(
        self,
        now: Callable[[], float],
        look: Callable[[Proof], bool] = lambda _: True,
        *,
        directory: str = "https://ca.test/directory",
        lifetime: float = 90 * _DAY,
    ) -> None:
        self._now = now
        self._look = look
        self._directory = directory
        self.lifetime = lifetime
        self.backdated = 0.0
        self.trouble: SkullDNSError | None = None
        self.order_trouble: SkullDNSError | None = None
        self.failing: set[Name] = set()
        self.replaced: set[str] = set()
        self.window_at: Callable[[Certificate], Window | None] = lambda _: None
        self.spoiled: Spoiled | None = None
        self.revoked: list[bytes] = []
        self.key_since = now()
        self.issuers: tuple[str, ...] = ("ca.test",)
        self.asked: Counter[str] = Counter()
        self.root = ec.generate_private_key(ec.SECP256R1())
        self._stranger = ec.generate_private_key(ec.SECP256R1())

    @property
    def directory(self) -> str:
        return self._directory

    def ping(self) -> None:
        self._reach("ping")

    def caa(self) -> tuple[Sequence[str], str | None]:
        self._reach("caa")
        return self.issuers, f"{self._directory}/account/1"

    def order(self, names: Mapping[Name, Challenge], replaces: Certificate | None = None) -> Order:
        self._reach("order")
        if self.order_trouble:
            raise self.order_trouble
        if replaces and replaces.ari_id:
            self.asked["replacing"] += 1
            if replaces.ari_id in self.replaced:
                raise Conflict(
                    "it has been replaced (alreadyReplaced)", where=self._directory, cure="order anew"
                )
        number = self.asked["order"]
        proofs = [
            Proof(bare(name), kind, f"token{number}-{place}", f"content{number}-{place}")
            for place, (name, kind) in enumerate(names.items())
        ]
        return _FakeOrder(self, names, proofs, replaces)

    def window(self, certificate: Certificate) -> Window | None:
        self._reach("window")
        return self.window_at(certificate)

    def revoke(self, chain: bytes, reason: int = 0) -> None:  # noqa: ARG002 - any reason will do
        self._reach("revoke")
        self.revoked.append(chain)

    def account(self) -> Account:
        return Account(f"{self._directory}/account/1", self.key_since)

    def roll_over(self) -> None:
        self._reach("roll over")
        self.key_since = self._now()

    def check(self, proofs: Sequence[Proof]) -> None:
        """Look for proofs, as a CA does."""
        self._reach("validation")
        missing = tuple(one.name for one in proofs if one.name in self.failing or not self._look(one))
        if missing:
            raise ProofFailed(
                f"{shown(missing[0])} could not be validated: no proof was found (unauthorized)",
                names=missing,
                where=self._directory,
            )

    def issue(self, names: Sequence[Name], replaces: Certificate | None) -> KeyPair:
        """A certificate with a new key, or something like it."""
        self._reach("issued")
        if replaces and replaces.ari_id:
            self.replaced.add(replaces.ari_id)
        key = ec.generate_private_key(ec.SECP256R1())
        begin = self._now() - self.backdated
        begin += {Spoiled.EXPIRED: -2 * self.lifetime, Spoiled.EARLY: 2 * _DAY}.get(
            self.spoiled or Spoiled.KEY, 0.0
        )
        if self.spoiled is Spoiled.NAME:
            names = [dns.name.from_text("elsewhere.test")]
        public = self._stranger.public_key() if self.spoiled is Spoiled.KEY else key.public_key()
        leaf = self._certificate(names, public, begin)
        root = self._root(self._stranger if self.spoiled is Spoiled.CHAIN else self.root)
        return KeyPair(leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM), pem(key))

    def _certificate(
        self, names: Sequence[Name], key: ec.EllipticCurvePublicKey, begin: float
    ) -> x509.Certificate:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(shown(name)) for name in names])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root.public_key())
        return (
            _dated(begin, self.lifetime)
            .subject_name(x509.Name([]))
            .public_key(key)
            .add_extension(alternatives, critical=True)
            .add_extension(authority, critical=False)
            .sign(self.root, hashes.SHA256())
        )

    def _root(self, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        return (
            _dated(self._now() - _DAY, 3650 * _DAY)
            .subject_name(_NAME)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )

    def _reach(self, what: str) -> None:
        self.asked[what] += 1
        if self.trouble:
            raise self.trouble


class _FakeOrder:
    """An order of a ``FakeAuthority``: it waits once, then validates and issues."""

    def __init__(
        self,
        authority: FakeAuthority,
        names: Mapping[Name, Challenge],
        proofs: Sequence[Proof],
        replaces: Certificate | None,
    ) -> None:
        self._authority = authority
        self._names = list(names)
        self._proofs = proofs
        self._replaces = replaces
        self._proved = False
        self._waited = False

    @property
    def proofs(self) -> Sequence[Proof]:
        return self._proofs

    def proved(self) -> None:
        self._authority.check(self._proofs)
        self._proved = True

    def step(self) -> KeyPair | float:
        if not self._waited:
            self._waited = True
            return 0.05
        if not self._proved:
            raise Refused("it gave up the order: nothing was proved", where=self._authority.directory)
        return self._authority.issue(self._names, self._replaces)


_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A CA in memory")])


def _dated(begin: float, lifetime: float) -> x509.CertificateBuilder:
    start = dt.datetime.fromtimestamp(begin, dt.UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(_NAME)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(seconds=lifetime))
    )
