"""Remembers claims: who has which name, what is near a name, and what changed since when."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from dns.name import Name
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, text, true
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import IntegrityError

from skulldns.errors import Conflict
from skulldns.model.claims import Claim, ClaimState, Surroundings
from skulldns.model.guests import GuestId
from skulldns.model.members import MemberState
from skulldns.model.views import Page
from skulldns.store.claimcodec import claim_columns, claim_from, plain_name
from skulldns.store.membertables import HOLDING, claims, counters, members
from skulldns.store.nearness import claims_near, held_near

_REVISION = "claims"
_COUNTING = [state for state in ClaimState if state.counts]
_OVER = [ClaimState.REQUESTED, ClaimState.RELEASED]
_LIVING = [state for state in ClaimState if state not in {ClaimState.REQUESTED, ClaimState.RELEASED}]
# As text for the same reason as in ``nearness``.
_AT = text(
    "SELECT * FROM claims WHERE name = :name AND state NOT IN ('requested', 'released') ORDER BY created"
)
_OWN = text(
    "SELECT (SELECT quota FROM members WHERE login = :member) AS quota, (SELECT count(*) FROM claims"
    " WHERE member = :member AND state IN ('awaiting approval', 'awaiting proof', 'active', 'suspended')) AS names,"
    " (SELECT count(*) FROM claims WHERE member = :member AND state = 'quarantined') AS resting"
)
_RESERVED = text("SELECT label FROM reserved_names")


class ClaimBook:
    """Claims within one transaction. It knows no rules: whoever writes has judged before, in the same transaction."""

    def __init__(self, connection: Connection, changed: Callable[[], None]) -> None:
        self._connection = connection
        self._changed = changed

    def claim(self, identity: str) -> Claim | None:
        """One claim, in whatever state."""
        return self._one(select(claims).where(claims.c.id == identity))

    def holder(self, name: Name) -> Claim | None:
        """The claim that holds ``name``, if one does."""
        return self._one(select(claims).where(claims.c.name == plain_name(name), HOLDING))

    def at(self, name: Name) -> Sequence[Claim]:
        """All claims at ``name`` that are not over, the one that holds it first."""
        rows = self._connection.execute(_AT, {"name": plain_name(name)})
        return sorted((claim_from(row) for row in rows), key=lambda claim: not claim.state.holds)

    def history(self, name: Name, limit: int = 50) -> Sequence[Claim]:
        """All claims at ``name``, those that are over too, the newest first."""
        query = select(claims).where(claims.c.name == plain_name(name)).order_by(claims.c.created.desc())
        return self._all(query.limit(limit))

    def search(
        self,
        wanted: str = "",
        member: str | None = None,
        states: Sequence[ClaimState] = (),
        offset: int = 0,
        limit: int = 50,
    ) -> Page[Claim]:
        """Claims by name: those with ``wanted`` in it, or of that member; without ``states`` all but released."""
        # Not by a list of living states: their index would be used, and everything sorted.
        living = claims.c.state.not_in(_OVER)
        where: list[ColumnElement[bool]] = [claims.c.state.in_(states) if states else living]
        if member is not None:
            where.append(claims.c.member == member)
        if wanted:
            here = claims.c.name.contains(wanted, autoescape=True)
            where.append(or_(here, claims.c.member == wanted))
        total = self._connection.execute(select(func.count()).select_from(claims).where(*where)).scalar_one()
        rows = max(0, min(limit, total - offset))
        if offset <= total - offset - rows:
            query = select(claims).where(*where).order_by(claims.c.name, claims.c.id)
            return Page(self._all(query.offset(offset).limit(rows)), total, offset)
        # From the nearer end: what is skipped costs as much as what is read.
        query = select(claims).where(*where).order_by(claims.c.name.desc(), claims.c.id.desc())
        found = self._all(query.offset(max(0, total - offset - rows)).limit(rows))
        return Page(found[::-1], total, offset)

    def count(self, member: str) -> int:
        """How many names count for the member's quota."""
        where = (claims.c.member == member, claims.c.state.in_(_COUNTING))
        return self._connection.execute(select(func.count()).select_from(claims).where(*where)).scalar_one()

    def surroundings(self, name: Name, member: str, skeleton: str, besides: str = "") -> Surroundings:
        """What there is near ``name``, without the claim ``besides``; below and alike without the member's own."""
        rows = claims_near(self._connection, name, skeleton, member, besides)
        near = [claim_from(row) for row in rows]
        at = [claim for claim in near if claim.name == name]
        others = [claim for claim in near if claim.name != name and claim.state.holds]
        above = [claim for claim in others if name.is_subdomain(claim.name)]
        below = [claim for claim in others if claim.name.is_subdomain(name)]
        own = self._connection.execute(_OWN, {"member": member}).one()
        return Surroundings(
            at=tuple(sorted(at, key=lambda claim: not claim.state.holds)),
            above=tuple(above),
            below=tuple(below),
            alike=tuple(claim for claim in others if claim not in above and claim not in below),
            held=held_near(self._connection, name, skeleton, member),
            count=own.names,
            resting=own.resting,
            quota=own.quota,
            reserved=tuple(self._connection.execute(_RESERVED).scalars()),
        )

    def put(self, claim: Claim) -> Claim:
        """Store a claim, new or changed; returns it with its new revision.

        Raises ``Conflict`` if another claim holds the name, which a judge who looked at the surroundings prevents.
        """
        claim = replace(claim, revision=self._next_revision())
        columns = claim_columns(claim)
        put = insert(claims).values(columns)
        try:
            self._connection.execute(put.on_conflict_do_update(index_elements=["id"], set_=dict(columns)))
        except IntegrityError as error:
            raise Conflict(f"{plain_name(claim.name)} is taken", cure="choose another name") from error
        self._changed()
        return claim

    def revision(self) -> int:
        """The revision of the newest change of any claim."""
        query = select(counters.c.value).where(counters.c.name == _REVISION)
        return self._connection.execute(query).scalar() or 0

    def changed_since(self, revision: int, limit: int = 500) -> Sequence[Claim]:
        """Claims that changed after ``revision``, in the order of their last changes; released ones too."""
        query = select(claims).where(claims.c.revision > revision)
        return self._all(query.order_by(claims.c.revision).limit(limit))

    def due(self, now: float, limit: int = 100) -> Sequence[Claim]:
        """Claims whose state, or one of whose ACME challenges, is over by itself."""
        return self._all(select(claims).where(claims.c.until <= now).order_by(claims.c.until).limit(limit))

    def to_look_at(self, waiting_before: float, before: float, limit: int = 100) -> Sequence[Claim]:
        """Claims whose proof was not looked for since ``before``, or ``waiting_before`` where they wait for it.

        Those of suspended members wait until these are members again.
        """
        waiting = claims.c.state == ClaimState.AWAITING_PROOF
        standing = claims.c.state.in_([ClaimState.ACTIVE, ClaimState.SUSPENDED])
        due = or_(
            claims.c.looked.is_(None),
            and_(waiting, claims.c.looked < waiting_before),
            and_(standing, claims.c.looked < before),
        )
        suspended = select(members.c.login).where(members.c.state == MemberState.SUSPENDED)
        query = select(claims).where(
            claims.c.proved.is_(true()), or_(waiting, standing), due, claims.c.member.not_in(suspended)
        )
        return self._all(query.order_by(waiting.desc(), claims.c.looked).limit(limit))

    def leading_to(self, guest: GuestId) -> Sequence[Claim]:
        """Claims that lead to one guest."""
        return self._all(select(claims).where(claims.c.guest == guest, claims.c.state.in_(_LIVING)))

    def next_change(self) -> float | None:
        """When the next state or ACME challenge ends by itself, as Unix time."""
        return self._connection.execute(select(func.min(claims.c.until))).scalar()

    def _one(self, query: Select[tuple[object]]) -> Claim | None:
        row = self._connection.execute(query).first()
        return None if row is None else claim_from(row)

    def _all(self, query: Select[tuple[object]]) -> Sequence[Claim]:
        return [claim_from(row) for row in self._connection.execute(query)]

    def _next_revision(self) -> int:
        put = insert(counters).values(name=_REVISION, value=1)
        grown = put.on_conflict_do_update(set_={"value": counters.c.value + 1})
        return int(self._connection.execute(grown.returning(counters.c.value)).scalar_one())
