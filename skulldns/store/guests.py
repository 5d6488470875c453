"""Remembers guests."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.guests import GuestId
from skulldns.model.presence import Known
from skulldns.store import codec
from skulldns.store.failures import sentences
from skulldns.store.tables import assignments, guests


class GuestStore:
    """Keeps ``GuestMemory`` in the table ``guests``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def known(self) -> Sequence[Known]:
        with sentences(), self._engine.connect() as connection:
            return [codec.known_from(row.id, row.known) for row in connection.execute(select(guests))]

    def remember(self, known: Iterable[Known], forgotten: Iterable[GuestId]) -> None:
        rows = [{"id": one.id, "known": codec.known_text(one)} for one in known]
        gone = list(forgotten)
        with sentences(), self._engine.begin() as connection:
            if rows:
                put = insert(guests)
                connection.execute(put.on_conflict_do_update(set_={"known": put.excluded.known}), rows)
            if gone:
                connection.execute(delete(guests).where(guests.c.id.in_(gone)))
                connection.execute(delete(assignments).where(assignments.c.guest.in_(gone)))
