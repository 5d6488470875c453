"""Names above, below and like a name, as indexes can answer it."""

from collections.abc import Sequence
from typing import Any

from dns.name import Name
from sqlalchemy import Connection, Row, TextClause, bindparam, text

from skulldns.model.guests import GuestId
from skulldns.model.views import HeldName
from skulldns.store.claimcodec import name_from, plain_name, reversed_name

# As text, since it is asked in each claim and SQLAlchemy takes longer to put it together than SQLite to answer. What is
# below a name is a range of reversed names, which an index serves: the slash follows the dot. The
# plus keeps SQLite from looking through all claims by their state (sqlite.org/optoverview.html).
_CLAIMS = text(
    """
    SELECT * FROM claims WHERE name IN :names AND state NOT IN ('requested', 'released') AND id != :besides
    UNION ALL SELECT * FROM (
        SELECT * FROM claims WHERE reversed > :start AND reversed < :stop AND member != :member AND id != :besides
        AND +state IN ('awaiting approval', 'active', 'suspended', 'quarantined') LIMIT 20)
    UNION ALL SELECT * FROM (
        SELECT * FROM claims WHERE skeleton = :skeleton AND name != :here AND member != :member AND id != :besides
        AND +state IN ('awaiting approval', 'active', 'suspended', 'quarantined') LIMIT 20)
    """
).bindparams(bindparam("names", expanding=True))
_HELD = text(
    """
    SELECT * FROM held_names WHERE name IN :names
    UNION ALL SELECT * FROM (
        SELECT * FROM held_names WHERE reversed > :start AND reversed < :stop AND owner IS NOT :member LIMIT 20)
    UNION ALL SELECT * FROM (
        SELECT * FROM held_names WHERE skeleton = :skeleton AND owner IS NOT :member LIMIT 20)
    """
).bindparams(bindparam("names", expanding=True))


def parents(name: Name) -> list[str]:
    """The names above as the tables hold them, without the top level."""
    labels = plain_name(name).split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels) - 1)]


def claims_near(
    connection: Connection, name: Name, skeleton: str, member: str, besides: str
) -> Sequence[Row[Any]]:
    """Rows of living claims at ``name`` and above; and of others than ``member`` some that hold one below or alike."""
    return _distinct(connection, _CLAIMS, name, {"skeleton": skeleton, "member": member, "besides": besides})


def held_near(connection: Connection, name: Name, skeleton: str, member: str) -> tuple[HeldName, ...]:
    """What guests and zone files have at ``name`` and above; and of others than ``member`` some below and alike."""
    rows = _distinct(connection, _HELD, name, {"skeleton": skeleton, "member": member})
    return tuple(held_from(row) for row in rows)


def held_from(row: Row[Any]) -> HeldName:
    """The value of a row of ``held_names``."""
    guest = None if row.guest is None else GuestId(row.guest)
    return HeldName(name_from(row.name), row.holder, row.owner, guest, row.skeleton)


def _distinct(
    connection: Connection, query: TextClause, name: Name, values: dict[str, str]
) -> Sequence[Row[Any]]:
    here, start = plain_name(name), reversed_name(name)
    around = {"here": here, "names": [here, *parents(name)], "start": start, "stop": f"{start[:-1]}/"}
    rows = connection.execute(query, values | around)
    return list({row[0]: row for row in rows}.values())
