"""Ask the running daemon; where none runs, look once with an installation of our own and answer the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skulldns.cli import no_collection
from skulldns.config import Config, load, state_directory
from skulldns.daemon.control import SOCKET, NotRunning, ask
from skulldns.daemon.lock import state_lock
from skulldns.errors import ConfigError


def answer(path: Path, verb: str, **arguments: Any) -> tuple[Any, bool]:
    """The verb's answer, and whether the running daemon gave it.

    A daemon answers from the last good config also when the file has an error by now, and says so in its status.
    """
    try:
        config = load(path)
    except ConfigError:
        state = state_directory(path)
        if state is None or not (state / SOCKET).exists():
            raise
        return ask(state, verb, **arguments), True
    try:
        return ask(config.state, verb, **arguments), True
    except NotRunning:
        pass
    with looking(config) as verbs:
        return verbs[verb](arguments), False


def change(path: Path, verb: str, **arguments: Any) -> tuple[Any, bool]:
    """As ``answer``, for a verb that stores something: where no daemon runs, we hold the state directory meanwhile."""
    config = load(path)
    try:
        return ask(config.state, verb, **arguments), True
    except NotRunning:
        pass
    with state_lock(config.state), looking(config, read_only=False) as verbs:
        return verbs[verb](arguments), False


@contextmanager
def looking(config: Config, *, read_only: bool = True, secondaries: bool = True) -> Iterator[Any]:
    """The verbs over an installation that has looked at everything once, or not at the ``secondaries``."""
    # What a large zone is made of lives to the end: looking for cycles in it takes a third of the time and finds none.
    with no_collection():
        # Imported here because they bring libvirt and SQLAlchemy, which a running daemon makes unnecessary.
        from skulldns import wiring
        from skulldns.daemon.once import look, settle
        from skulldns.daemon.verbs import Verbs

        installation = wiring.build(config, read_only=read_only)
        try:
            look(installation, secondaries=secondaries)
            verbs = Verbs(installation, lambda _, function: function(), lambda: settle(installation))
            yield verbs.table()
        finally:
            installation.close()
