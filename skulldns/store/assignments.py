"""Remembers what admins assigned to guests."""

from collections.abc import Mapping

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.assignments import Assignment
from skulldns.model.guests import GuestId
from skulldns.store import codec
from skulldns.store.failures import sentences
from skulldns.store.tables import assignments


class AssignmentStore:
    """Keeps ``AssignmentMemory`` in the table ``assignments``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def assignments(self) -> Mapping[GuestId, Assignment]:
        with sentences(), self._engine.connect() as connection:
            rows = connection.execute(select(assignments))
            return {GuestId(row.guest): codec.assignment_from(row.assigned) for row in rows}

    def assign(self, guest: GuestId, assignment: Assignment) -> None:
        with sentences(), self._engine.begin() as connection:
            put_assignment(connection, guest, assignment)


def assignment_of(connection: Connection, guest: GuestId) -> Assignment:
    """What is assigned to one guest."""
    query = select(assignments.c.assigned).where(assignments.c.guest == guest)
    text = connection.execute(query).scalar()
    return Assignment() if text is None else codec.assignment_from(text)


def put_assignment(connection: Connection, guest: GuestId, assignment: Assignment) -> None:
    """Store what is assigned to one guest now, an empty one as nothing."""
    if assignment == Assignment():
        connection.execute(delete(assignments).where(assignments.c.guest == guest))
        return
    put = insert(assignments).values(guest=guest, assigned=codec.assignment_text(assignment))
    connection.execute(put.on_conflict_do_update(set_={"assigned": put.excluded.assigned}))
