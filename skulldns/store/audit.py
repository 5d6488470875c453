"""Remembers who did what. Rows are only ever added, and each vouches for the one before."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select

from skulldns.model.audit import BEGINNING, Act, AuditRow, broken_at, chained
from skulldns.store.membertables import audit

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are wanted: None and empty mean all. ``text`` is somewhere in the subject, before or after.

    ``since`` and ``until`` are Unix times; only rows with numbers below ``before_number``, for paging.
    """

    who: str | None = None
    what: str | None = None
    subject: str | None = None
    text: str = ""
    since: float | None = None
    until: float | None = None
    before_number: int | None = None


EVERYTHING = AuditFilter()


class AuditBook:
    """The audit within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, act: Act) -> AuditRow:
        """Write down what is done in this transaction."""
        query = select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
        last = self._connection.execute(query).first()
        number, previous = (last.number + 1, last.hash) if last else (1, BEGINNING)
        row = AuditRow(number, act, chained(previous, number, act))
        self._connection.execute(insert(audit).values(asdict(act) | {"number": number, "hash": row.hash}))
        return row

    def rows(self, wanted: AuditFilter = EVERYTHING, limit: int = 50) -> Sequence[AuditRow]:
        """The rows that are wanted, the newest first."""
        query = select(audit).where(*_where(wanted)).order_by(audit.c.number.desc()).limit(limit)
        return [_row(row) for row in self._connection.execute(query)]

    def verify(self) -> int | None:
        """The number of the first row that is not what was written; None if all are."""
        return broken_at(self._all())

    def _all(self) -> Iterator[AuditRow]:
        after = 0
        while True:
            query = select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(_AT_ONCE)
            rows = self._connection.execute(query).all()
            yield from (_row(row) for row in rows)
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].number


def _where(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    where = []
    for column, value in (
        (audit.c.who, wanted.who),
        (audit.c.what, wanted.what),
        (audit.c.subject, wanted.subject),
    ):
        if value is not None:
            where.append(column == value)
    if wanted.text:
        columns = (audit.c.subject, audit.c.before, audit.c.after)
        where.append(or_(*(column.contains(wanted.text, autoescape=True) for column in columns)))
    if wanted.since is not None:
        where.append(audit.c.at >= wanted.since)
    if wanted.until is not None:
        where.append(audit.c.at <= wanted.until)
    if wanted.before_number is not None:
        where.append(audit.c.number < wanted.before_number)
    return where


def _row(row: Row[Any]) -> AuditRow:
    fields = {name: getattr(row, name) for name in Act.__slots__}
    return AuditRow(row.number, Act(**fields), row.hash)
