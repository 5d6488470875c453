"""The database's errors as sentences for people."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from skulldns.errors import Unavailable


@contextmanager
def sentences() -> Iterator[None]:
    """Turn a database error into ``Unavailable``: disk full, read-only, locked, gone."""
    try:
        yield
    except DBAPIError as error:
        raise Unavailable(
            f"the database cannot be used: {error.orig}",
            where="store",
            cure="check the disk's space and health",
        ) from error
