"""Wait for something in another process to become true."""

import time
from collections.abc import Callable

from skulldns.errors import Unavailable

_LOOK_AGAIN = 0.005  # seconds between two looks


def until(true: Callable[[], bool], what: str, *, patience: float = 15.0) -> None:
    """Return as soon as `true()` is; `what` names it for the error.

    Raises Unavailable after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise Unavailable(
                f"{what} takes more than {patience:g} seconds", cure="see `skulldns lab status`"
            )
        time.sleep(_LOOK_AGAIN)
