"""The certifier in one thread with a clock of its own: CAs, proofs and look-ups in memory, a real store, real files."""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

import dns.name

from skulldns.loop.certifier import CertificateReport, Certifier, Want
from skulldns.loop.clock import Clock
from skulldns.loop.issuing import Issuer, Office
from skulldns.model.certificates import CertificateWish, Challenge
from skulldns.model.issuance import Kind
from skulldns.plan.budget import LETS_ENCRYPT, Limit
from skulldns.store.acme import CertificateStore
from skulldns.store.database import open_for_looking
from skulldns.targets.acme.domains import registered
from skulldns.targets.acme.fake import FakeAuthority
from skulldns.targets.certificates.files import CertificateDirectory
from skulldns.targets.challenges.fake import FakeLookups, FakeProver

DAY = 86_400.0
HOUR = 3600.0
PROXY = ip_address("203.0.113.5")
_STEPS = 200_000


def wish(identity: str, *names: str, kind: Challenge = Challenge.DNS01) -> CertificateWish:
    """A wish for ``names``, or for the identity itself."""
    return CertificateWish(identity, {dns.name.from_text(name): kind for name in names or (identity,)})


class CertWorld:
    """One certifier with one or more CAs. ``begin`` starts it anew, as a restarted daemon does."""

    def __init__(
        self,
        directory: Path,
        *,
        cas: int = 1,
        staging: bool = False,
        limits: Mapping[Kind, Limit] = LETS_ENCRYPT,
    ) -> None:
        self.now = 1_800_000_000.0
        self.jumped = 0.0
        self.chance = 0.5
        self.prover = FakeProver()
        self.tokens = FakeProver()
        self.lookups = FakeLookups()
        self.limits = limits
        self.cas = [
            FakeAuthority(self.wall, self._found, directory=f"https://ca{number}.test/dir")
            for number in range(cas)
        ]
        self.staging = (
            FakeAuthority(self.wall, self._found, directory="https://staging.test/dir") if staging else None
        )
        self.files = CertificateDirectory(directory)
        self.store = CertificateStore(open_for_looking("sqlite://"))
        self.issued: list[str] = []
        self.orders_at: list[float] = []
        self.begin()

    @property
    def ca(self) -> FakeAuthority:
        """The preferred one."""
        return self.cas[0]

    def wall(self) -> float:
        """Unix time as the certifier and the CAs see it."""
        return self.now + self.jumped

    def begin(self, *wishes: CertificateWish) -> None:
        """Start the certifier from what the store and the files hold."""
        office = Office(
            [Issuer(ca, self.staging, self.limits) for ca in self.cas],
            {Challenge.DNS01: self.prover, Challenge.HTTP01: self.tokens},
            self.lookups,
            self.files,
            self.store,
            registered,
            frozenset({PROXY}),
        )
        clock = Clock(self.wall, lambda: self.now, lambda: self.chance)
        self.certifier = Certifier(office, clock, lambda identity, _: self.issued.append(identity), idle=HOUR)
        self.want(*wishes)

    def want(self, *wishes: CertificateWish) -> None:
        """Say what is wanted from now on."""
        self.certifier.mailbox.put(Want(wishes))

    def run(self, seconds: float) -> None:
        """Let the certifier work for ``seconds`` of the clock."""
        end = self.now + seconds
        for _ in range(_STEPS):
            before = sum(ca.asked["order"] for ca in self.cas)
            pause = self.certifier.step()
            self.orders_at += [self.now] * (sum(ca.asked["order"] for ca in self.cas) - before)
            pause = seconds if pause is None else pause
            if self.now + pause > end:
                self.now = end
                return
            self.now += max(pause, 0.001)
        raise AssertionError("the certifier does not come to rest")

    def report(self, identity: str) -> CertificateReport:
        """How it stands with one certificate."""
        return next(one for one in self.certifier.reports() if one.wish.identity == identity)

    def _found(self, proof: object) -> bool:
        return proof in [*self.prover.placed, *self.tokens.placed]
