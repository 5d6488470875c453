"""Remembers members and invitations."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, text, update
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.members import Invitation, Member, MemberState
from skulldns.model.views import Page
from skulldns.store.membertables import invitations, members

_SEEN_EVERY = 60.0
_MEMBER = text("SELECT * FROM members WHERE login = :login")  # asked for in every act


class MemberBook:
    """Members and invitations within one transaction."""

    def __init__(self, connection: Connection, changed: Callable[[], None]) -> None:
        self._connection = connection
        self._changed = changed

    def member(self, login: str) -> Member | None:
        """One member."""
        row = self._connection.execute(_MEMBER, {"login": login}).first()
        return None if row is None else _member(row)

    def members(self, wanted: str = "", offset: int = 0, limit: int = 50) -> Page[Member]:
        """Members by login: those with ``wanted`` in login, name or mail address."""
        columns = (members.c.login, members.c.name, members.c.email)
        where = [or_(*(column.contains(wanted, autoescape=True) for column in columns))] if wanted else []
        total = self._connection.execute(select(func.count()).select_from(members).where(*where)).scalar_one()
        query = select(members).where(*where).order_by(members.c.login).offset(offset).limit(limit)
        return Page([_member(row) for row in self._connection.execute(query)], total, offset)

    def put(self, member: Member) -> None:
        """Store a member, new or changed."""
        columns = asdict(member)
        put = insert(members).values(columns)
        self._connection.execute(put.on_conflict_do_update(index_elements=["login"], set_=columns))
        self._changed()

    def seen(self, login: str, now: float) -> None:
        """The member was here; exact to a minute."""
        old = or_(members.c.last_seen.is_(None), members.c.last_seen < now - _SEEN_EVERY)
        self._connection.execute(update(members).where(members.c.login == login, old).values(last_seen=now))

    def invitation(self, identity: str) -> Invitation | None:
        """One invitation, also if its time is over."""
        row = self._connection.execute(select(invitations).where(invitations.c.id == identity)).first()
        return None if row is None else Invitation(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name

    def invitations(self) -> Sequence[Invitation]:
        """All invitations that nobody accepted, the newest first."""
        rows = self._connection.execute(select(invitations).order_by(invitations.c.created.desc()))
        return [Invitation(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name

    def invite(self, invitation: Invitation) -> None:
        """Store an invitation, in place of earlier ones for the same login."""
        self._connection.execute(delete(invitations).where(invitations.c.login == invitation.login))
        self._connection.execute(insert(invitations).values(asdict(invitation)))

    def drop_invitation(self, identity: str) -> bool:
        """Take an invitation back, or use it up; whether there was one."""
        return bool(
            self._connection.execute(delete(invitations).where(invitations.c.id == identity)).rowcount
        )


def _member(row: Row[Any]) -> Member:
    found = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    return Member(**(found | {"state": MemberState(found["state"]), "admin": bool(found["admin"])}))
