"""Remembers TXT values of ACME challenges at the names of members' guests; those at claims are in the claims."""

from collections.abc import Callable, Sequence

from dns.name import Name
from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.claims import ChallengeValue
from skulldns.model.members import MemberState
from skulldns.store.claimcodec import name_from, plain_name
from skulldns.store.membertables import guest_challenges, held_names, members


class ChallengeBook:
    """Values within one transaction; ``held`` is the name of the guest at which, or below which, they are."""

    def __init__(self, connection: Connection, changed: Callable[[], None]) -> None:
        self._connection = connection
        self._changed = changed

    def standing(self, now: float) -> Sequence[ChallengeValue]:
        """All values whose guest is still of the active member whose client placed them."""
        table, owned = guest_challenges, held_names.c
        query = (
            select(table)
            .join(held_names, (owned.name == table.c.held) & (owned.owner == table.c.member))
            .join(members, (members.c.login == table.c.member) & (members.c.state == MemberState.ACTIVE))
            .where(table.c.until > now)
        )
        return [_value(row) for row in self._connection.execute(query)]

    def at(self, held: Name, member: str, now: float) -> Sequence[ChallengeValue]:
        """A member's values at one guest, the oldest first."""
        columns = guest_challenges.c
        where = (columns.held == plain_name(held), columns.member == member, columns.until > now)
        query = select(guest_challenges).where(*where).order_by(columns.until)
        return [_value(row) for row in self._connection.execute(query)]

    def put(self, held: Name, member: str, placed: ChallengeValue, now: float) -> None:
        """Place a value, or let it last longer. What was over is forgotten."""
        self._connection.execute(delete(guest_challenges).where(guest_challenges.c.until <= now))
        key = {"name": plain_name(placed.name), "value": placed.value}
        rest = {"until": placed.until, "held": plain_name(held), "member": member}
        put = insert(guest_challenges).values(key | rest)
        self._connection.execute(put.on_conflict_do_update(index_elements=list(key), set_=rest))
        self._changed()

    def drop(self, placed: ChallengeValue) -> None:
        """Take a value away."""
        columns = guest_challenges.c
        where = (columns.name == plain_name(placed.name), columns.value == placed.value)
        self._connection.execute(delete(guest_challenges).where(*where))
        self._changed()


def _value(row: Row[tuple[object, ...]]) -> ChallengeValue:
    return ChallengeValue(name_from(row.name), row.value, row.until)
