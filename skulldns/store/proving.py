"""Claims for the daemon: what changed, what is over, and what a look at a proof makes of a claim."""

import json
from collections.abc import Callable, Sequence

from skulldns.model.audit import Act
from skulldns.model.claims import ChallengeValue, Claim, ClaimState, Surroundings
from skulldns.model.members import DAEMON, MemberState
from skulldns.store.audit import AuditFilter
from skulldns.store.claimcodec import differences, plain_name
from skulldns.store.office import Books, Office

_LOOKS = 5000
"""Proofs at most: more than all that can wait, so that those of long ago keep nobody back."""


class ClaimStore:
    """Keeps ``ClaimMemory`` in the office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def revision(self) -> int:
        with self._office.reading() as books:
            return books.claims.revision()

    def changed_since(self, revision: int, limit: int = 500) -> Sequence[Claim]:
        with self._office.reading() as books:
            return books.claims.changed_since(revision, limit)

    def due(self, now: float) -> Sequence[Claim]:
        with self._office.reading() as books:
            return books.claims.due(now)

    def last_written(self) -> float | None:
        with self._office.reading() as books:
            rows, health = books.audit.rows(AuditFilter(), limit=1), books.views.health()
        written = [row.act.at for row in rows] + ([float(health["at"])] if health else [])
        return max(written, default=None)

    def to_look_at(self, waiting_before: float, before: float) -> Sequence[Claim]:
        with self._office.reading() as books:
            return books.claims.to_look_at(waiting_before, before, _LOOKS)

    def guest_challenges(self, now: float) -> Sequence[ChallengeValue]:
        with self._office.reading() as books:
            return books.challenges.standing(now)

    def change(
        self, identity: str, judge: Callable[[Claim, Surroundings], Claim], what: str, now: float
    ) -> Claim | None:
        with self._office.writing() as books:
            before = books.claims.claim(identity)
            if before is None:
                return None
            around = books.claims.surroundings(before.name, before.member, before.skeleton, before.id)
            after = judge(before, around)
            if after == before or (after.state is ClaimState.ACTIVE and not _may_begin(books, before)):
                return before
            stored = books.claims.put(after)
            old, new = differences(before, stored)
            if old != new:
                texts = json.dumps(old, sort_keys=True), json.dumps(new, sort_keys=True)
                books.audit.add(Act(now, DAEMON, what, plain_name(before.name), *texts))
            return stored


def _may_begin(books: Books, claim: Claim) -> bool:
    """Whether the claim is served already, or is of a member who is not suspended."""
    member = books.members.member(claim.member)
    suspended = member is not None and member.state is MemberState.SUSPENDED
    return claim.state is ClaimState.ACTIVE or not suspended
