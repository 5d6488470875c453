"""Open the database: durable settings, migrations, and what to do with a broken one."""

import logging
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from skulldns.errors import Unavailable
from skulldns.store.failures import sentences
from skulldns.store.membertables import members

_log = logging.getLogger(__name__)
_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_TIMEOUT_MS = 10_000
_PAUSE = 0.005


def open_database(url: str) -> Engine:
    """Open the database at SQLAlchemy ``url``, made or migrated as needed.

    A SQLite file that is corrupt is set aside (``.corrupt`` is appended to its name) and a new one is begun: the
    ledger is then rebuilt from what the servers serve. Raises ``Unavailable`` when it cannot be written.
    """
    try:
        return _opened(url)
    except OperationalError as error:
        raise Unavailable(
            f"the database cannot be opened: {error.orig}",
            where=_shown(url),
            cure="check its directory and the disk",
        ) from error
    except DatabaseError as error:
        aside = _set_aside(url)
        if aside is None:
            raise Unavailable(f"the database is broken: {error.orig}", where=_shown(url)) from error
        _log.error(
            "%s is not a sound database; it was set aside as %s and a new one begun", _shown(url), aside
        )
        return _opened(url)


def open_for_looking(url: str) -> Engine:
    """The database at ``url`` if there is one; else an empty one in memory, so that looking makes no file."""
    path = make_url(url).database
    if url.startswith("sqlite") and not (path and Path(path).exists()):
        engine = create_engine("sqlite://", poolclass=StaticPool)
        members.metadata.create_all(engine)  # which has all tables
        return engine
    return open_database(url)


def check_writable(engine: Engine) -> None:
    """Make a durable write that changes nothing. Raises ``Unavailable``."""
    with sentences(), engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            version = connection.exec_driver_sql("PRAGMA user_version").scalar() or 0
            connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")


def _opened(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _begin)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _check(connection)
        _migrate(connection)
    return engine


def _durable(connection: sqlite3.Connection, _record: Any) -> None:
    """Each commit is on the disk when it returns: WAL alone may lose the last ones (sqlite.org/pragma.html)."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on WAL. SQLite does not wait by itself for others that do the same to a new file."""
    patience = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _begin(connection: Connection) -> None:
    """Take the write lock at once, so that a transaction waits at its beginning and never fails in its middle.

    What only reads (execution option ``reading``) sees one state and takes no lock.
    """
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _check(connection: Connection) -> None:
    answer = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    if answer != "ok":
        raise DatabaseError("PRAGMA quick_check", {}, Exception(str(answer)))


def _migrate(connection: Connection) -> None:
    tables = inspect(connection).get_table_names()
    if not tables and connection.dialect.name == "sqlite":
        _create(connection)
    elif "alembic_version" not in tables or _version(connection) != _newest():
        # Imported here because it takes long to load, and most databases are up to date.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config as AlembicConfig  # noqa: PLC0415

        config = AlembicConfig()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    connection.commit()


def _create(connection: Connection) -> None:
    """Make all tables, as all migrations make them, in a tenth of the time."""
    members.metadata.create_all(connection)
    connection.execute(
        text(
            "CREATE TABLE alembic_version ( version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num) )"
        )
    )
    connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": _newest()})


def _newest() -> str:
    return max(path.stem for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")).split("_")[0]


def _version(connection: Connection) -> str | None:
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _set_aside(url: str) -> Path | None:
    database = make_url(url).database
    if not url.startswith("sqlite") or not database:
        return None
    path = Path(database)
    aside = path.with_name(f"{path.name}.corrupt")
    path.replace(aside)
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    return aside


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
