"""The directory of containers: who is in it, and what changes."""

import os
import threading
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from skulldns.errors import Unavailable
from skulldns.sources.host.watching import changes
from skulldns.sources.lxc.configs import CONFIG, Signature, signature

_LOOK_ANYWAY = 5.0  # seconds; the directory and all in it are watched, and also the one that it is in


class Listener(Protocol):
    """Hears what changed. No method may block."""

    def container_changed(self, name: str, *, undefined: bool = False) -> None:
        """A container came, or its config or state changed; ``undefined``: its directory is gone."""

    def everything_changed(self) -> None:
        """Anything may have changed."""


def names(path: Path, where: str) -> frozenset[str]:
    """Return the names of all containers: directories with a file `config`. Raises ``Unavailable``."""
    return frozenset(name for name, config in entries(path, where).items() if config)


def entries(path: Path, where: str) -> Mapping[str, Signature | None]:
    """Return all directories in `path`, each with its config's signature, None without a config.

    Raises ``Unavailable``.
    """
    try:
        with os.scandir(path) as listing:
            return {entry.name: _config(Path(entry)) for entry in listing if _is_directory(entry)}
    except FileNotFoundError:
        what, cure = "the directory of containers is gone", "bring it back, or correct the source's path"
    except NotADirectoryError:
        what, cure = "the path of containers is no directory", "correct the source's path"
    except OSError as error:
        what, cure = f"the containers cannot be listed: {error.strerror}", "let this user read the directory"
    raise Unavailable(what, where=where, cure=f"{cure} ({path})")


@dataclass(frozen=True, slots=True)
class _State:
    """The directory at one moment. ``identity`` tells whether it is still the same directory."""

    identity: tuple[int, int]
    entries: Mapping[str, Signature | None]


class DirectoryWatch:
    """Tells what changed in the directory since this object was made."""

    def __init__(self, path: Path, listener: Listener) -> None:
        self._path = path
        self._listener = listener
        self._containers: set[str] = set()
        self._out_of_sight: set[str] = set()
        self._state: _State | None = None
        self._lock = threading.Lock()
        self._look()

    def run(self, stop: threading.Event) -> None:
        """Tell the listener until `stop` is set. Blocks: run it in a thread.

        Only the containers' own directories are watched, nothing below them.
        """
        for paths in changes(self._directories, stop, _LOOK_ANYWAY):
            # Also those that came and went since the last look.
            self._compare({path.name for path in paths if path.parent == self._path})

    def meet(self) -> None:
        """Notice at once that the directory is there again, or another one. Any thread may call.

        A look does so first: what comes after it is then heard as a change.
        """
        with self._lock:
            before = self._state
        if before is None or before.identity != _identity(self._path):
            self._compare(frozenset())

    def _compare(self, touched: AbstractSet[str]) -> None:
        with self._lock:
            before = self._state
            self._look()
            self._tell(before, self._state, touched)

    def _directories(self) -> Collection[Path]:
        inside = self._state.entries if self._state else {}
        return [self._path.parent, self._path, *(self._path / name for name in inside)]

    def _look(self) -> None:
        try:
            identity = _identity(self._path)
            found = entries(self._path, "")
            # What was listed while it was replaced may be of either.
            same = identity == _identity(self._path)
            self._state = _State(identity, found) if identity and same else None
        except Unavailable:
            self._state = None

    def _tell(self, before: _State | None, now: _State | None, touched: AbstractSet[str]) -> None:
        if before is None or now is None or before.identity != now.identity:
            # Another directory in its place, such as below a file system that was unmounted, ends no guest.
            if before is not now:
                self._out_of_sight |= before.entries.keys() if before else set()
                self._containers.clear()
                self._listener.everything_changed()
            return
        self._out_of_sight -= now.entries.keys()
        self._containers |= {name for name, config in before.entries.items() if config}
        self._containers |= touched - before.entries.keys() - now.entries.keys() - self._out_of_sight
        for name in before.entries.keys() | now.entries.keys() | touched:
            if name not in now.entries:
                if name in self._containers:
                    self._containers.discard(name)
                    self._listener.container_changed(name, undefined=True)
            elif before.entries.get(name) != now.entries[name]:
                self._listener.container_changed(name)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells this directory from another one under its name."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def has_config(directory: Path) -> bool:
    """Whether this is a container's directory."""
    return _config(directory) is not None


def _config(directory: Path) -> Signature | None:
    """Return the signature of the config; one that cannot be seen has none of its own, but is there."""
    try:
        return signature((directory / CONFIG).stat())
    except PermissionError:
        return 0, 0, 0
    except OSError:
        return None
