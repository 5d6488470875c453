"""Remembers certificates' renewals, what was spent at CAs, and TXT values that were placed for them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import dns.name
from dns.name import Name
from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.issuance import Attempts, Cost, Expense, Issuance, Kind, Suggestion
from skulldns.store import codec
from skulldns.store.failures import sentences
from skulldns.store.tables import expenses as spent
from skulldns.store.tables import issuances, member_values, placed_values

EXPENSES_KEPT = 400 * 86_400.0
"""Seconds for which expenses are kept: longer than any CA's window."""


class CertificateStore:
    """Keeps ``CertificateMemory`` in the tables ``issuances`` and ``expenses``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def issuances(self) -> Mapping[str, Issuance]:
        with sentences(), self._engine.connect() as connection:
            return {row.identity: _issuance(row.issuance) for row in connection.execute(select(issuances))}

    def remember(self, issuance: Issuance) -> None:
        row = {"identity": issuance.identity, "issuance": json.dumps(asdict(issuance), sort_keys=True)}
        put = insert(issuances)
        with sentences(), self._engine.begin() as connection:
            connection.execute(put.on_conflict_do_update(set_={"issuance": put.excluded.issuance}), row)

    def forget(self, identity: str) -> None:
        with sentences(), self._engine.begin() as connection:
            connection.execute(delete(issuances).where(issuances.c.identity == identity))

    def expenses(self, ca: str, since: float) -> Sequence[Expense]:
        query = select(spent).where(spent.c.ca == ca, spent.c.at >= since).order_by(spent.c.at)
        with sentences(), self._engine.connect() as connection:
            return [
                Expense(row.ca, Cost(Kind(row.kind), row.subject), row.at)
                for row in connection.execute(query)
            ]

    def spend(self, expenses: Iterable[Expense]) -> None:
        paid = list(expenses)
        if not paid:
            return
        with sentences(), self._engine.begin() as connection:
            connection.execute(insert(spent), [_expense_columns(one) for one in paid])
            oldest = min(one.at for one in paid) - EXPENSES_KEPT
            connection.execute(delete(spent).where(spent.c.at < oldest))

    def refund(self, expense: Expense) -> None:
        table, columns = spent, _expense_columns(expense)
        same = [table.c[column] == value for column, value in columns.items()]
        one = select(table.c.id).where(*same).limit(1).scalar_subquery()
        with sentences(), self._engine.begin() as connection:
            connection.execute(delete(table).where(table.c.id == one))


class PlacedStore:
    """Keeps ``PlacedMemory`` in the table ``placed_values``; that of members' clients in ``member_values``."""

    def __init__(self, engine: Engine, *, of_members: bool = False) -> None:
        self._engine = engine
        self._table = member_values if of_members else placed_values

    def placed(self) -> Sequence[tuple[Name, str]]:
        with sentences(), self._engine.connect() as connection:
            return [
                (dns.name.from_text(row.name), row.value) for row in connection.execute(select(self._table))
            ]

    def remember(self, name: Name, value: str) -> None:
        row = {"name": codec.name_text(name), "value": value}
        with sentences(), self._engine.begin() as connection:
            connection.execute(insert(self._table).on_conflict_do_nothing(), row)

    def forget(self, name: Name, value: str) -> None:
        table = self._table
        with sentences(), self._engine.begin() as connection:
            connection.execute(
                delete(table).where(table.c.name == codec.name_text(name), table.c.value == value)
            )


def _expense_columns(expense: Expense) -> dict[str, str | float]:
    return {"ca": expense.ca, "kind": expense.cost.kind, "subject": expense.cost.subject, "at": expense.at}


def _issuance(text: str) -> Issuance:
    parts = json.loads(text)
    suggestion = parts["suggestion"]
    return Issuance(
        **(
            parts
            | {
                "suggestion": Suggestion(**suggestion) if suggestion else None,
                "attempts": Attempts(**parts["attempts"]),
            }
        )
    )
