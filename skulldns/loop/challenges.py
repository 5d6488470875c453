"""Keeps the TXT values that members' ACME clients placed: each by itself, beside those of other writers.

What should be there is in the claims, and for guests' own names beside them; what was placed is remembered, so that
after a crash nothing is left behind. Once all servers answer a value the store says so, for the client that waits.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from dns.exception import DNSException
from dns.name import Name

from skulldns.errors import SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.mailbox import Mailbox
from skulldns.model.certificates import Challenge, Proof, shown
from skulldns.model.claims import ChallengeValue, Claim, ClaimId, ClaimState
from skulldns.plan.cadence import RETRY_PAUSES, pause
from skulldns.store.protocol import ClaimMemory, ViewMemory
from skulldns.targets.protocol import Prover

_LOOK_EVERY = 2.0
_SEEN_PAUSES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 2.0, 5.0)
"""Seconds between looks whether all servers answer a value: each look at a late secondary notifies it again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Later:
    """When something is done about a value again; ``times`` counts failures, or looks that did not see it.

    ``wanted``: whether it was to be there; if that changes, it is done at once.
    """

    at: float
    times: int
    failed: bool
    wanted: bool


class ChallengeWatch:
    """Places values by ``prover``; ``placed`` gives what it remembers to have placed: records' names and values.

    What goes wrong with one value is tried again for that one alone, and never keeps a new one waiting for more than
    one other.
    """

    def __init__(
        self,
        claims: ClaimMemory,
        prover: Prover,
        placed: Callable[[], Sequence[tuple[Name, str]]],
        views: ViewMemory,
        clock: Clock,
    ) -> None:
        self.mailbox = Mailbox()
        self._claims = claims
        self._prover = prover
        self._placed = placed
        self._views = views
        self._clock = clock
        self._revision = 0
        self._wanted: dict[ClaimId, frozenset[Proof]] = {}
        self._at_guests: frozenset[Proof] = frozenset()
        self._there: set[Proof] | None = None
        self._seen: set[Proof] = set()
        self._later: dict[Proof, _Later] = {}
        self._failures = 0

    def step(self) -> float:
        self.mailbox.drain()
        try:
            self._read()
            there = self._remembered()
        except SkullDNSError as error:
            _log.error("members' challenges: %s", error)
            self._failures += 1
            return pause(RETRY_PAUSES, self._failures - 1, self._clock.jitter())
        self._failures = 0
        wanted = self._at_guests.union(*self._wanted.values())
        undone = (wanted ^ there) | (wanted - self._seen)
        self._later = {
            proof: later
            for proof, later in self._later.items()
            if proof in undone and later.wanted == (proof in wanted)
        }
        for proof in self._due(undone):
            self._work(proof, there, wanted=proof in wanted)
        now = self._clock.steady()
        return max(0.0, min((later.at - now for later in self._later.values()), default=_LOOK_EVERY))

    def _read(self) -> None:
        while part := self._claims.changed_since(self._revision):
            for claim in part:
                self._revision = claim.revision
                wanted = _wanted(claim)
                if wanted:
                    self._wanted[claim.id] = wanted
                else:
                    self._wanted.pop(claim.id, None)
        self._at_guests = _proofs(self._claims.guest_challenges(self._clock.wall()))

    def _remembered(self) -> set[Proof]:
        """What is there, or may be."""
        if self._there is None:
            self._there = {_proof(record.parent(), value) for record, value in self._placed()}
        return self._there

    def _due(self, undone: Collection[Proof]) -> Sequence[Proof]:
        """What is to be done now: all that never failed, and of the others one, since each may take long."""
        now = self._clock.steady()
        known = self._later
        good = [one for one in undone if one not in known or (not known[one].failed and known[one].at <= now)]
        failed = [one for one in undone if one in known and known[one].failed and known[one].at <= now]
        return [*sorted(good, key=_order), *sorted(failed, key=lambda one: known[one].at)[:1]]

    def _work(self, proof: Proof, there: set[Proof], *, wanted: bool) -> None:
        """Do the next thing about a value, and say when there is more to do."""
        before = self._later.pop(proof, None) or _Later(0.0, 0, failed=False, wanted=wanted)
        try:
            if not wanted:
                self._remove(proof, there)
            elif proof not in there:
                self._place(proof, there)
                self._look_again(proof, 0)
            elif self._prover.seen(proof):
                self._views.show_served(proof.name, proof.content)
                self._seen.add(proof)
            else:
                self._look_again(proof, 0 if before.failed else before.times)
        except (SkullDNSError, DNSException) as error:
            times = before.times if before.failed else 0
            level = logging.DEBUG if times else logging.WARNING
            _log.log(level, "a challenge at %s: %s", shown(proof.record), error)
            at = self._clock.steady() + pause(RETRY_PAUSES, times, self._clock.jitter())
            self._later[proof] = _Later(at, times + 1, failed=True, wanted=wanted)

    def _look_again(self, proof: Proof, times: int) -> None:
        at = self._clock.steady() + pause(_SEEN_PAUSES, times)
        self._later[proof] = _Later(at, times + 1, failed=False, wanted=True)

    def _place(self, proof: Proof, there: set[Proof]) -> None:
        self._prover.place(proof)
        there.add(proof)
        _log.info("placed a challenge at %s", shown(proof.record))

    def _remove(self, proof: Proof, there: set[Proof]) -> None:
        """Take it away; nobody is told any more that it is there by then."""
        self._seen.discard(proof)
        self._views.hide_served(proof.name, proof.content)
        self._prover.remove(proof)
        there.discard(proof)
        _log.info("took away a challenge at %s", shown(proof.record))


def _wanted(claim: Claim) -> frozenset[Proof]:
    if claim.state is not ClaimState.ACTIVE:
        return frozenset()
    return _proofs(claim.challenges)


def _proofs(values: Iterable[ChallengeValue]) -> frozenset[Proof]:
    return frozenset(_proof(one.name, one.value) for one in values)


def _proof(name: Name, value: str) -> Proof:
    return Proof(name, Challenge.DNS01, "", value)


def _order(proof: Proof) -> tuple[Name, str]:
    return proof.name, proof.content
