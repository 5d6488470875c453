"""One order on its way to a certificate (RFC 8555 section 7.4), as a state machine that is stepped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import dns.name
from acme import challenges, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from dns.name import Name
from josepy.jwk import JWK

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import Challenge, KeyPair, Proof, bare, shown
from skulldns.targets.acme import words
from skulldns.targets.acme.account import pem
from skulldns.targets.acme.beyond import Client, Problem, read_problem

FIRST_PAUSE = 0.05
"""Seconds until the CA is asked for news the first time; each further pause is longer."""

LONGEST_PAUSE = 10.0
_GROWTH = 1.6
PATIENCE = 300.0
"""Seconds that an order may take after its proofs are in place."""


class _Phase(Enum):
    VALIDATING = auto()
    FINALIZING = auto()


@dataclass(frozen=True, slots=True)
class _Task:
    """A challenge that we chose, with its authorization."""

    authorization: str
    challenge: messages.ChallengeBody
    proof: Proof


class AcmeOrder:
    """Keeps ``Order``. ``steady`` is a clock in seconds; ``preferred`` picks one of several chains (PEM)."""

    def __init__(
        self,
        client: Client,
        where: str,
        names: Mapping[Name, Challenge],
        url: str,
        order: messages.Order,
        steady: Callable[[], float],
        preferred: Callable[[Sequence[bytes]], bytes],
    ) -> None:
        self._client = client
        self._where = where
        self._names = names
        self._url = url
        self._order = order
        self._steady = steady
        self._preferred = preferred
        self._phase = _Phase.VALIDATING
        self._key: ec.EllipticCurvePrivateKey | None = None
        self._pause = FIRST_PAUSE
        self._end: float | None = None
        self._tasks = [task for one in order.authorizations if (task := self._task(one))]

    @property
    def proofs(self) -> Sequence[Proof]:
        return tuple(task.proof for task in self._tasks)

    def proved(self) -> None:
        with words.spoken(self._where):
            for task in self._tasks:
                self._client.respond(task.challenge)

    def step(self) -> KeyPair | float:
        now = self._steady()
        self._end = now + PATIENCE if self._end is None else self._end
        if now > self._end:
            raise Unavailable(f"it has not finished an order within {PATIENCE:g} seconds", where=self._where)
        with words.spoken(self._where):
            return self._validate() if self._phase is _Phase.VALIDATING else self._finish()

    def _task(self, url: str) -> _Task | None:
        """What is to be done for one authorization; nothing where it is valid already."""
        authorization, _ = self._client.authorization(url)
        if authorization.body.status == messages.STATUS_VALID:
            return None
        name = dns.name.from_text(authorization.body.identifier.value)
        wanted = Name((b"*", *name.labels)) if authorization.body.wildcard else name
        kind = self._names[wanted]
        for challenge in authorization.body.challenges:
            if challenge.chall.typ == kind:
                return _Task(url, challenge, self._proof(bare(wanted), kind, challenge.chall))
        raise Refused(
            f"it offers no {kind} challenge for {shown(wanted)}",
            where=self._where,
            cure="prove it another way",
        )

    def _proof(self, name: Name, kind: Challenge, challenge: challenges.Challenge) -> Proof:
        key = self._client.net.key
        assert isinstance(challenge, challenges.DNS01 | challenges.HTTP01)
        assert isinstance(key, JWK)
        return Proof(name, kind, challenge.encode("token"), challenge.validation(key))

    def _validate(self) -> KeyPair | float:
        waits = []
        for task in self._tasks:
            authorization, wait = self._client.authorization(task.authorization)
            if authorization.body.status in {messages.STATUS_PENDING, messages.STATUS_PROCESSING}:
                waits.append(wait or 0.0)
            elif authorization.body.status != messages.STATUS_VALID:
                raise words.proof_failed(_failure(authorization.body), task.proof.name, self._where)
        if waits:
            return self._wait(max(waits))
        self._phase = _Phase.FINALIZING
        return self._finish()

    def _finish(self) -> KeyPair | float:
        order, wait = self._client.read_order(self._url)
        if order.status == messages.STATUS_INVALID:
            problem = read_problem(order.error.to_json() if order.error else {})
            raise Refused(f"it gave up the order: {words.sentence(problem)}", where=self._where)
        if order.status == messages.STATUS_READY:
            self._client.finalize(order, self._request())
        elif order.status == messages.STATUS_VALID and order.certificate and self._key:
            chain = self._preferred(self._client.chains(order.certificate))
            return KeyPair(chain, pem(self._key))
        return self._wait(wait or 0.0)

    def _request(self) -> x509.CertificateSigningRequest:
        """The CSR, with a key of this order's own."""
        self._key = self._key or ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(shown(name)) for name in self._names]
        return (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([]))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _wait(self, asked: float) -> float:
        pause = self._pause
        self._pause = min(self._pause * _GROWTH, LONGEST_PAUSE)
        return max(pause, min(asked, PATIENCE))


def _failure(authorization: messages.Authorization) -> Problem | None:
    """Why an authorization failed, as its challenges say."""
    for challenge in authorization.challenges:
        if challenge.error is not None:
            return read_problem(challenge.error.to_json())
    return None
