"""Remembers what we published, and the journal of changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from dns.name import Name
from sqlalchemy import Connection, Engine, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.changes import Change
from skulldns.model.desired import Evidence
from skulldns.model.ledger import Entry
from skulldns.model.records import Key, type_text
from skulldns.model.zones import ZoneId
from skulldns.store import codec
from skulldns.store.bulk import execute_many
from skulldns.store.failures import sentences
from skulldns.store.protocol import JournalRow, ZoneMarks
from skulldns.store.tables import journal, ledger, zones

_AT_ONCE = 1000
"""Rows that are handed to the database together."""

_ENTRY = ("name", "type", "owner", "source", "reason", "published", "intended", "unfinished")

JOURNAL_KEPT = 90 * 86400.0
"""Seconds for which the journal is kept."""


class LedgerStore:
    """Keeps ``LedgerMemory`` in the tables ``ledger`` and ``journal``; ``marks`` tell a lost ledger from a new one.

    Without them every empty ledger is a new one.
    """

    def __init__(self, engine: Engine, marks: ZoneMarks | None = None) -> None:
        self._engine = engine
        self._marks = marks

    def lost(self, zone: ZoneId) -> bool:
        return self._marks is not None and self._marks.has(zone) and not self._begun(zone)

    def _mark(self, zone: ZoneId) -> None:
        """Before the ledger has anything of the zone, since it may be lost at any moment."""
        if self._marks is not None and not self._marks.has(zone):
            self._marks.put(zone)

    def _begun(self, zone: ZoneId) -> bool:
        with sentences(), self._engine.connect() as connection:
            found = connection.execute(select(zones).where(zones.c.zone == codec.zone_text(zone)))
            return found.first() is not None

    def entries(self, zone: ZoneId) -> Sequence[Entry]:
        with sentences(), self._engine.connect() as connection:
            query = select(*(ledger.c[column] for column in _ENTRY))
            rows = connection.execute(query.where(ledger.c.zone == codec.zone_text(zone)))
            return [_entry(*row) for row in rows]

    def intend(self, zone: ZoneId, changes: Sequence[Change]) -> None:
        title = codec.zone_text(zone)
        rows = (
            (
                *_key_values(title, change.key),
                change.owner,
                change.source,
                change.reason,
                codec.rrset_text(change.before),
                codec.rrset_text(change.after),
                True,
            )
            for change in changes
        )
        self._mark(zone)
        with sentences(), self._engine.begin() as connection:
            _begin_zone(connection, zone)
            _put(connection, rows)

    def settle(
        self,
        zone: ZoneId,
        published: Iterable[Entry],
        forgotten: Iterable[Key],
        made: Iterable[tuple[Change, Evidence]],
        at: float,
    ) -> None:
        title = codec.zone_text(zone)
        rows = (
            (
                *_key_values(title, entry.key),
                entry.owner,
                entry.source,
                entry.reason,
                codec.rrset_text(entry.published),
                codec.rrset_text(entry.intended),
                entry.unfinished,
            )
            for entry in published
        )
        self._mark(zone)
        with sentences(), self._engine.begin() as connection:
            _begin_zone(connection, zone)
            _put(connection, rows)
            _forget(connection, title, forgotten)
            _write_journal(connection, zone, made, at)

    def deletions(self, zone: ZoneId, since: float) -> Mapping[tuple[str, Evidence], int]:
        deleted = (
            select(journal.c.source, journal.c.evidence, journal.c.name, journal.c.type)
            .where(
                journal.c.zone == codec.zone_text(zone),
                journal.c.at >= since,
                journal.c.after.is_(None),
            )
            .distinct()
            .subquery()
        )
        query = select(deleted.c.source, deleted.c.evidence, func.count()).group_by(
            deleted.c.source, deleted.c.evidence
        )
        with sentences(), self._engine.connect() as connection:
            return {
                (source, Evidence(evidence)): int(count)
                for source, evidence, count in connection.execute(query)
            }

    def journal(self, name: Name, limit: int) -> Sequence[JournalRow]:
        query = (
            select(journal)
            .where(journal.c.name == codec.name_text(name))
            .order_by(journal.c.at.desc(), journal.c.id.desc())
            .limit(limit)
        )
        with sentences(), self._engine.connect() as connection:
            return [
                JournalRow(
                    row.at,
                    codec.key_of(row.name, row.type),
                    row.before,
                    row.after,
                    row.owner,
                    row.reason,
                    codec.view_of(row.zone),
                )
                for row in connection.execute(query)
            ]


def _begin_zone(connection: Connection, zone: ZoneId) -> None:
    connection.execute(insert(zones).values(zone=codec.zone_text(zone)).on_conflict_do_nothing())


def _put(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    put = insert(ledger)
    columns = ("owner", "source", "reason", "published", "intended", "unfinished")
    statement = put.on_conflict_do_update(set_={column: put.excluded[column] for column in columns})
    for some in _some(rows):
        execute_many(connection, statement, ("zone", "name", "type", *columns), some)


def _some(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in parts: those of a large zone take more memory than all that is kept of it."""
    remaining = iter(rows)
    while part := list(islice(remaining, _AT_ONCE)):
        yield part


def _write_journal(
    connection: Connection, zone: ZoneId, made: Iterable[tuple[Change, Evidence]], at: float
) -> None:
    title = codec.zone_text(zone)
    rows = (
        (
            *_key_values(title, change.key),
            at,
            " ".join(change.before.values()) if change.before else None,
            " ".join(change.after.values()) if change.after else None,
            change.owner,
            change.source,
            change.reason,
            evidence.value,
        )
        for change, evidence in made
    )
    columns = ("zone", "name", "type", "at", "before", "after", "owner", "source", "reason", "evidence")
    for some in _some(rows):
        execute_many(connection, insert(journal), columns, some)
        connection.execute(delete(journal).where(journal.c.at < at - JOURNAL_KEPT))


def _key_values(zone: str, key: Key) -> tuple[str, str, str]:
    return zone, codec.name_text(key.name), type_text(key.type)


def _forget(connection: Connection, zone: str, keys: Iterable[Key]) -> None:
    columns = ("zone", "name", "type")
    rows = [
        {f"its_{column}": text for column, text in zip(columns, _key_values(zone, key), strict=True)}
        for key in keys
    ]
    if rows:
        same = (ledger.c[column] == bindparam(f"its_{column}") for column in columns)
        connection.execute(delete(ledger).where(*same), rows)


def _entry(
    name: str,
    rdtype: str,
    owner: str,
    source: str,
    reason: str,
    published: str | None,
    intended: str | None,
    unfinished: bool,  # noqa: FBT001 - as it stands in the row
) -> Entry:
    key = codec.key_of(name, rdtype)
    there = codec.rrset_from(key, published)
    soon = there if intended == published else codec.rrset_from(key, intended)
    return Entry(key if there is None else there.key, owner, source, reason, there, soon, unfinished)
