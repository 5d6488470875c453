"""Many rows at once."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import Insert


def execute_many(
    connection: Connection, statement: Insert, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert ``rows`` of values for ``columns``, as the driver takes them.

    SQLAlchemy goes over each row in Python, for which it takes longer than SQLite for the insert. The values must be
    what the driver stores for the columns' types: text, numbers, truth values.
    """
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(columns))
    if compiled.positiontup is None:
        given: list[Any] = [dict(zip(columns, row, strict=True)) for row in rows]
    else:
        given = list(map(itemgetter(*map(columns.index, compiled.positiontup)), rows))
    connection.exec_driver_sql(compiled.string, given)
