"""Keeps the TXT values that members' ACME clients placed: each by itself, beside those of other writers.

What should be there is in the claims; what was placed is remembered, so that after a crash nothing is left behind.
"""

import logging
from collections.abc import Callable, Sequence

from dns.name import Name

from skulldns.errors import SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.mailbox import Mailbox
from skulldns.model.certificates import Challenge, Proof, shown
from skulldns.model.claims import Claim, ClaimId, ClaimState
from skulldns.plan.cadence import RETRY_PAUSES, pause
from skulldns.store.protocol import ClaimMemory
from skulldns.targets.protocol import Prover

_LOOK_EVERY = 2.0

_log = logging.getLogger(__name__)


class ChallengeWatch:
    """Places values by ``prover``; ``placed`` gives what it remembers to have placed: records' names and values."""

    def __init__(
        self,
        claims: ClaimMemory,
        prover: Prover,
        placed: Callable[[], Sequence[tuple[Name, str]]],
        clock: Clock,
    ) -> None:
        self.mailbox = Mailbox()
        self._claims = claims
        self._prover = prover
        self._placed = placed
        self._clock = clock
        self._revision = 0
        self._wanted: dict[ClaimId, frozenset[Proof]] = {}
        self._there: set[Proof] | None = None
        self._failures = 0
        self._retry_at = 0.0

    def step(self) -> float:
        self.mailbox.drain()
        left = self._retry_at - self._clock.steady()
        if left > 0:
            return left
        try:
            self._read()
            self._place()
        except SkullDNSError as error:
            _log.error("members' challenges: %s", error)
            wait = pause(RETRY_PAUSES, self._failures, self._clock.jitter())
            self._failures, self._retry_at = self._failures + 1, self._clock.steady() + wait
            return wait
        self._failures = 0
        return _LOOK_EVERY

    def _read(self) -> None:
        while part := self._claims.changed_since(self._revision):
            for claim in part:
                self._revision = claim.revision
                wanted = _wanted(claim)
                if wanted:
                    self._wanted[claim.id] = wanted
                else:
                    self._wanted.pop(claim.id, None)

    def _place(self) -> None:
        if self._there is None:
            self._there = {_proof(record.parent(), value) for record, value in self._placed()}
        wanted = {proof for proofs in self._wanted.values() for proof in proofs}
        for proof in sorted(wanted - self._there, key=lambda one: (one.name, one.content)):
            self._prover.place(proof)
            self._there.add(proof)
            _log.info("placed a challenge at %s", shown(proof.record))
        for proof in sorted(self._there - wanted, key=lambda one: (one.name, one.content)):
            self._prover.remove(proof)
            self._there.discard(proof)
            _log.info("took a challenge away from %s", shown(proof.record))


def _wanted(claim: Claim) -> frozenset[Proof]:
    if claim.state is not ClaimState.ACTIVE:
        return frozenset()
    return frozenset(_proof(one.name, one.value) for one in claim.challenges)


def _proof(name: Name, value: str) -> Proof:
    return Proof(name, Challenge.DNS01, "", value)
