"""Looks for the proofs of members' own domains: soon while a claim waits for it, then once a week.

A look that could not be made is no look: a silent name server suspends nobody (law 3), and is asked less and less.
"""

import logging
import math
from collections.abc import Callable
from functools import partial

from dns.name import Name

from skulldns.desired.policy.proofs import looked, proof_record
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused, SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.mailbox import Mailbox
from skulldns.model.certificates import shown
from skulldns.model.claims import Claim, ClaimId, ClaimState
from skulldns.store.protocol import ClaimMemory

_EVERY = 3.0
"""Seconds between two looks for the proof of a claim that is new."""

_SELDOM = 300.0
_OF_AGE = 20
"""Who waits for long is looked at after a twentieth of that, and at least every ``_SELDOM`` seconds."""

_MOST = 16
"""Failures that are counted at most."""

_log = logging.getLogger(__name__)


class ProofWatch:
    """``texts`` gives the TXT texts at a name, and raises ``Unavailable`` where nobody answers."""

    def __init__(
        self, claims: ClaimMemory, texts: Callable[[Name], frozenset[str]], rules: Rules, clock: Clock
    ) -> None:
        self.mailbox = Mailbox()
        self._claims = claims
        self._texts = texts
        self._rules = rules
        self._clock = clock
        self._silent: dict[ClaimId, tuple[int, float]] = {}

    def step(self) -> float:
        self.mailbox.drain()
        now = self._clock.wall()
        try:
            for claim in self._claims.to_look_at(now - _EVERY, now - self._rules.times.proof_every):
                if self._is_due(claim, now):
                    self._look(claim, now)
        except SkullDNSError as error:
            _log.error("%s", error)
        return _EVERY

    def _is_due(self, claim: Claim, now: float) -> bool:
        _, retry_at = self._silent.get(claim.id, (0, -math.inf))
        if self._clock.steady() < retry_at:
            return False
        looked = claim.proof.looked if claim.proof else None
        if looked is None or claim.state is not ClaimState.AWAITING_PROOF:
            return True
        return now >= looked + min(_SELDOM, (now - claim.created) / _OF_AGE)

    def _look(self, claim: Claim, now: float) -> None:
        assert claim.proof is not None, "only claims with a proof are looked at"
        record, text = proof_record(claim.name, claim.member, claim.proof.nonce)
        try:
            found = text in self._texts(record)
        except SkullDNSError as error:
            failures, _ = self._silent.get(claim.id, (0, 0.0))
            wait = min(_SELDOM, _EVERY * 2**failures)
            self._silent[claim.id] = (min(failures + 1, _MOST), self._clock.steady() + wait)
            _log.info("the proof of %s was not looked for: %s", shown(claim.name), error)
            return
        self._silent.pop(claim.id, None)
        judge = partial(looked, found=found, now=now, rules=self._rules)
        try:
            self._claims.change(claim.id, judge, "proof seen" if found else "proof missing", now)
        except Refused as refused:
            _log.warning("%s is proved, and cannot be %s's: %s", shown(claim.name), claim.member, refused)
            judge = partial(looked, found=False, now=now, rules=self._rules)
            self._claims.change(claim.id, judge, "proof seen, and taken", now)
