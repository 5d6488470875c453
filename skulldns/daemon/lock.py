"""One writer for a state directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skulldns.errors import Unavailable


@contextmanager
def state_lock(state: Path) -> Iterator[None]:
    """Hold the state directory for one writer. Raises ``Unavailable`` when another process has it."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                "another skulldns already works here",
                where=str(state),
                cure="stop it first, or use its `skulldns status`",
            ) from None
        yield
    finally:
        os.close(descriptor)
