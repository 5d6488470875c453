"""Everything that page, command line and daemon keep of members, as books of which one transaction has all.

Rules, write and audit belong into one ``writing()``: either all of it is on the disk, or nothing.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, make_url, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.assignments import Assignment
from skulldns.model.guests import GuestId
from skulldns.store.assignments import assignment_of, put_assignment
from skulldns.store.audit import AuditBook
from skulldns.store.bell import Bell
from skulldns.store.challenges import ChallengeBook
from skulldns.store.claims import ClaimBook
from skulldns.store.database import open_database
from skulldns.store.failures import sentences
from skulldns.store.members import MemberBook
from skulldns.store.membertables import reserved_names
from skulldns.store.offers import OfferBook
from skulldns.store.sessions import SessionBook
from skulldns.store.signins import SignInBook
from skulldns.store.tokens import TokenBook
from skulldns.store.views import ViewBook


class SettingBook:
    """What admins set on the page, within one transaction: reserved names, and what is assigned to guests."""

    def __init__(self, connection: Connection, changed: "Books") -> None:
        self._connection = connection
        self._books = changed

    def reserved(self) -> Mapping[str, str]:
        """Labels that admins reserved, with their notes."""
        rows = self._connection.execute(select(reserved_names).order_by(reserved_names.c.label))
        return {row.label: row.note for row in rows}

    def reserve(self, label: str, note: str) -> None:
        """Nobody may claim this label from now on; a star at its end stands for any ending."""
        put = insert(reserved_names).values(label=label, note=note)
        self._connection.execute(put.on_conflict_do_update(index_elements=["label"], set_={"note": note}))

    def unreserve(self, label: str) -> bool:
        """Members may claim this label again; whether it was reserved."""
        gone = self._connection.execute(delete(reserved_names).where(reserved_names.c.label == label))
        return bool(gone.rowcount)

    def assignment(self, guest: GuestId) -> Assignment:
        """What is assigned to a guest."""
        return assignment_of(self._connection, guest)

    def assign(self, guest: GuestId, assignment: Assignment) -> None:
        """Assign this to a guest; the daemon learns of it by the bell."""
        put_assignment(self._connection, guest, assignment)
        self._books.note()


class Books:
    """All books, bound to one transaction; not to be used after it."""

    def __init__(self, connection: Connection) -> None:
        self.changed = False
        self.connection = connection  # for books of the daemon alone: SQL stays in this package
        self.members = MemberBook(connection, self.note)
        self.signins = SignInBook(connection)
        self.sessions = SessionBook(connection)
        self.claims = ClaimBook(connection, self.note)
        self.challenges = ChallengeBook(connection, self.note)
        self.offers = OfferBook(connection)
        self.tokens = TokenBook(connection)
        self.audit = AuditBook(connection)
        self.views = ViewBook(connection, self.note)
        self.settings = SettingBook(connection, self)

    def note(self) -> None:
        """Something changed that another process waits for."""
        self.changed = True


class Office:
    """Opens the books. May be used by many threads."""

    def __init__(self, engine: Engine, bell: Bell | None = None) -> None:
        self._engine = engine
        self._readers = engine.execution_options(reading=True)
        self._bell = bell
        # SQLite has one writer at a time; here threads queue in order, where its own waiting is a lottery.
        self._turn = threading.Lock()

    @property
    def bell(self) -> Bell | None:
        """What rings when something changed; None where nobody could hear it."""
        return self._bell

    @contextmanager
    def reading(self) -> Iterator[Books]:
        """All books as they are at one moment. Waits for nobody. Raises ``Unavailable``."""
        with sentences(), self._readers.connect() as connection, connection.begin():
            yield Books(connection)

    @contextmanager
    def writing(self) -> Iterator[Books]:
        """All books, alone: what is written is durable at the end, or not at all after an exception.

        Then the bell rings, if there was anything that others wait for. Raises ``Unavailable``.
        """
        with self._turn, sentences(), self._engine.begin() as connection:
            books = Books(connection)
            yield books
        if books.changed and self._bell is not None:
            self._bell.ring()


def open_office(url: str) -> Office:
    """The office of the database at SQLAlchemy ``url``, with a bell beside it if it is a file.

    Raises ``Unavailable``.
    """
    engine = open_database(url)
    return Office(engine, bell_beside(url))


def bell_beside(url: str) -> Bell | None:
    """The bell of a database that is a file; None for others."""
    path = make_url(url).database
    if not url.startswith("sqlite") or not path or path == ":memory:":
        return None
    return Bell(Path(path).with_name("bell"))
