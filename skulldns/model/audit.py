"""The audit: who did what, in rows of which each vouches for the one before. Times are Unix time."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

BEGINNING = "0" * 64
"""What stands for the hash before the first row."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done: ``what`` is a word such as ``claim``, ``subject`` a name, a login or an id.

    ``before`` and ``after`` are JSON texts, None where there was nothing or is nothing; secrets never stand there.
    ``acting_as`` is the member for whom an admin did it.
    """

    at: float
    who: str
    what: str
    subject: str
    before: str | None = None
    after: str | None = None
    address: str = ""
    acting_as: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An act with its place in the chain: numbers count from 1 without gaps."""

    number: int
    act: Act
    hash: str


def chained(previous: str, number: int, act: Act) -> str:
    """The hash of row ``number``: SHA-256 of the previous row's hash and the act as canonical JSON."""
    fields: dict[str, Any] = {name: getattr(act, name) for name in Act.__slots__}
    text = json.dumps(fields | {"number": number}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}{text}".encode()).hexdigest()


def broken_at(rows: Iterable[AuditRow], previous: str = BEGINNING, number: int = 0) -> int | None:
    """The number of the first row that is not what was written; None if all are.

    ``rows`` follow the row ``number`` with the hash ``previous``. Rows cut off at the end do not show, unless the
    newest number and hash are kept elsewhere.
    """
    for row in rows:
        number += 1
        if row.number != number or row.hash != chained(previous, number, row.act):
            return number
        previous = row.hash
    return None
