"""Remembers what we published, and the journal of changes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dns.rdatatype
from dns.name import Name
from sqlalchemy import Connection, Engine, and_, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.changes import Change
from skulldns.model.desired import Evidence
from skulldns.model.ledger import Entry
from skulldns.model.records import Key
from skulldns.store import codec
from skulldns.store.failures import sentences
from skulldns.store.protocol import JournalRow
from skulldns.store.tables import journal, ledger, zones

JOURNAL_KEPT = 90 * 86400.0
"""Seconds for which the journal is kept."""


class LedgerStore:
    """Keeps ``LedgerMemory`` in the tables ``ledger`` and ``journal``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fresh(self, zone: Name) -> bool:
        with sentences(), self._engine.connect() as connection:
            found = connection.execute(select(zones).where(zones.c.zone == codec.name_text(zone)))
            return found.first() is None

    def entries(self, zone: Name) -> Sequence[Entry]:
        with sentences(), self._engine.connect() as connection:
            rows = connection.execute(select(ledger).where(ledger.c.zone == codec.name_text(zone)))
            return [_entry(row) for row in rows]

    def intend(self, zone: Name, changes: Sequence[Change]) -> None:
        rows = [
            _key_columns(zone, change.key)
            | {
                "owner": change.owner,
                "source": change.source,
                "reason": change.reason,
                "published": codec.rrset_text(change.before),
                "intended": codec.rrset_text(change.after),
                "unfinished": True,
            }
            for change in changes
        ]
        with sentences(), self._engine.begin() as connection:
            _begin_zone(connection, zone)
            _put(connection, rows)

    def settle(
        self,
        zone: Name,
        published: Iterable[Entry],
        forgotten: Iterable[Key],
        made: Iterable[tuple[Change, Evidence]],
        at: float,
    ) -> None:
        rows = [
            _key_columns(zone, entry.key)
            | {
                "owner": entry.owner,
                "source": entry.source,
                "reason": entry.reason,
                "published": codec.rrset_text(entry.published),
                "intended": codec.rrset_text(entry.intended),
                "unfinished": entry.unfinished,
            }
            for entry in published
        ]
        with sentences(), self._engine.begin() as connection:
            _begin_zone(connection, zone)
            _put(connection, rows)
            for key in forgotten:
                connection.execute(delete(ledger).where(_is(zone, key)))
            _write_journal(connection, zone, made, at)

    def deletions(self, zone: Name, since: float) -> Mapping[tuple[str, Evidence], int]:
        deleted = (
            select(journal.c.source, journal.c.evidence, journal.c.name, journal.c.type)
            .where(
                journal.c.zone == codec.name_text(zone),
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
                    row.at, codec.key_of(row.name, row.type), row.before, row.after, row.owner, row.reason
                )
                for row in connection.execute(query)
            ]


def _begin_zone(connection: Connection, zone: Name) -> None:
    connection.execute(insert(zones).values(zone=codec.name_text(zone)).on_conflict_do_nothing())


def _put(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        put = insert(ledger)
        columns = ("owner", "source", "reason", "published", "intended", "unfinished")
        connection.execute(
            put.on_conflict_do_update(set_={column: put.excluded[column] for column in columns}), rows
        )


def _write_journal(
    connection: Connection, zone: Name, made: Iterable[tuple[Change, Evidence]], at: float
) -> None:
    rows = [
        _key_columns(zone, change.key)
        | {
            "at": at,
            "before": " ".join(change.before.values()) if change.before else None,
            "after": " ".join(change.after.values()) if change.after else None,
            "owner": change.owner,
            "source": change.source,
            "reason": change.reason,
            "evidence": evidence,
        }
        for change, evidence in made
    ]
    if rows:
        connection.execute(insert(journal), rows)
        connection.execute(delete(journal).where(journal.c.at < at - JOURNAL_KEPT))


def _key_columns(zone: Name, key: Key) -> dict[str, Any]:
    return {
        "zone": codec.name_text(zone),
        "name": codec.name_text(key.name),
        "type": dns.rdatatype.to_text(key.type),
    }


def _is(zone: Name, key: Key) -> Any:
    columns = _key_columns(zone, key)
    return and_(
        ledger.c.zone == columns["zone"], ledger.c.name == columns["name"], ledger.c.type == columns["type"]
    )


def _entry(row: Any) -> Entry:
    key = codec.key_of(row.name, row.type)
    return Entry(
        key,
        row.owner,
        row.source,
        row.reason,
        codec.rrset_from(key, row.published),
        codec.rrset_from(key, row.intended),
        row.unfinished,
    )
