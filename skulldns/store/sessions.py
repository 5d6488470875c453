"""Remembers who is signed in where."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.members import Session
from skulldns.store.membertables import sessions

_SEEN_EVERY = 60.0


class SessionBook:
    """Sessions within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, session: Session) -> None:
        """Store a session, new or changed."""
        columns = asdict(session)
        put = insert(sessions).values(columns)
        self._connection.execute(put.on_conflict_do_update(index_elements=["id"], set_=columns))

    def session(self, identity: str, now: float) -> Session | None:
        """A session that lasts still."""
        query = select(sessions).where(sessions.c.id == identity, sessions.c.expires > now)
        row = self._connection.execute(query).first()
        return None if row is None else _session(row)

    def sessions(self, login: str, now: float) -> Sequence[Session]:
        """A member's sessions that last still, the one used last first."""
        where = (sessions.c.member == login, sessions.c.expires > now)
        query = select(sessions).where(*where).order_by(sessions.c.last_seen.desc())
        return [_session(row) for row in self._connection.execute(query)]

    def touch(self, identity: str, now: float, address: str) -> None:
        """The session was used; written once a minute, or at once from another address."""
        old = or_(sessions.c.last_seen < now - _SEEN_EVERY, sessions.c.address != address)
        values = {"last_seen": now, "address": address}
        self._connection.execute(update(sessions).where(sessions.c.id == identity, old).values(values))

    def end(self, identity: str) -> bool:
        """End a session; whether there was one."""
        return bool(self._connection.execute(delete(sessions).where(sessions.c.id == identity)).rowcount)

    def end_all(self, login: str, but: str | None = None) -> int:
        """End a member's sessions, but one; how many there were."""
        where = [sessions.c.member == login]
        if but is not None:
            where.append(sessions.c.id != but)
        return self._connection.execute(delete(sessions).where(*where)).rowcount

    def sweep(self, now: float) -> None:
        """Forget sessions whose time is over."""
        self._connection.execute(delete(sessions).where(sessions.c.expires <= now))


def _session(row: Row[Any]) -> Session:
    return Session(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
