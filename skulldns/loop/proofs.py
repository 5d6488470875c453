"""Looks for the proofs of members' own domains: soon while a claim waits for it, then once a week.

A look that could not be made is no look: a silent name server suspends nobody (law 3).
"""

import logging
from collections.abc import Callable
from functools import partial

from dns.name import Name

from skulldns.desired.policy.proofs import looked, proof_record
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused, SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.mailbox import Mailbox
from skulldns.model.certificates import shown
from skulldns.model.claims import Claim
from skulldns.store.protocol import ClaimMemory

_EVERY = 3.0
"""Seconds between two looks for the proof of a claim that waits for it."""

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

    def step(self) -> float:
        self.mailbox.drain()
        now = self._clock.wall()
        try:
            for claim in self._claims.to_look_at(now - _EVERY, now - self._rules.times.proof_every):
                self._look(claim, now)
        except SkullDNSError as error:
            _log.error("%s", error)
        return _EVERY

    def _look(self, claim: Claim, now: float) -> None:
        assert claim.proof is not None, "only claims with a proof are looked at"
        record, text = proof_record(claim.name, claim.member, claim.proof.nonce)
        try:
            found = text in self._texts(record)
        except SkullDNSError as error:
            _log.info("the proof of %s was not looked for: %s", shown(claim.name), error)
            return
        judge = partial(looked, found=found, now=now, rules=self._rules)
        try:
            self._claims.change(claim.id, judge, "proof seen" if found else "proof missing", now)
        except Refused as refused:
            _log.warning("%s is proved, and cannot be %s's: %s", shown(claim.name), claim.member, refused)
