"""Generations of files: each in a directory of its own, complete before it is named, and one of them current."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from skulldns.errors import Unavailable
from skulldns.targets.durable import sync_directory

_MANIFEST = "manifest.json"
_KEPT = 5  # generations, for people to compare and to go back by hand
_NUMBER = re.compile(r"[1-9][0-9]*")
_PUBLIC = 0o644
_MODES = {"certificates": 0o600, "passwords": 0o640}
"""Keys are for nginx's master, password files for its workers' group; there is no secret in the rest."""


class Generations:
    """The generations below ``directory``, and the link ``current`` to one of them."""

    def __init__(self, directory: Path) -> None:
        self._current = directory / "current"
        self._home = directory / "generations"

    def current(self) -> int | None:
        """The number of the current generation; None before the first."""
        try:
            name = self._current.readlink().name
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _trouble(self._current, error) from None
        return int(name) if _NUMBER.fullmatch(name) and self.path(int(name)).is_dir() else None

    def path(self, number: int) -> Path:
        """Where a generation lies."""
        return self._home / str(number)

    def files(self, number: int) -> dict[str, bytes]:
        """All files of a generation as they are now, without its manifest."""
        home = self.path(number)
        found = (path for path in home.rglob("*") if path.is_file() and path.name != _MANIFEST)
        try:
            return {str(path.relative_to(home)): path.read_bytes() for path in found}
        except OSError as error:
            raise _trouble(home, error) from None

    def drift(self, number: int) -> Sequence[str]:
        """Which files differ from what was written, are gone or were added."""
        found = {name: _digest(content) for name, content in self.files(number).items()}
        written = self._manifest(number)
        return sorted(name for name in found | written if found.get(name) != written.get(name))

    def next(self) -> int:
        """The number of the next generation. Numbers are never used again."""
        return max((*self._numbers(), self.current() or 0), default=0) + 1

    def write(self, number: int, files: Mapping[str, bytes], like: int | None) -> None:
        """Write a generation; files that ``like`` has with the same content share its place on the disk."""
        fresh = self._home / f".{number}.new"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            for directory in sorted({fresh, *((fresh / name).parent for name in files)}):
                directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            manifest = {name: _digest(content) for name, content in files.items()}
            written = [fresh / _MANIFEST]
            _write(fresh / _MANIFEST, json.dumps(manifest, indent=0, sort_keys=True).encode())
            for name, content in files.items():
                if like is None or not _share(self.path(like) / name, fresh / name, content):
                    _write(fresh / name, content)
                    written.append(fresh / name)
            # All at the end: the first fsync takes most of the others' work with it.
            for path in written:
                _sync(path)
            for directory in sorted({fresh, *((fresh / name).parent for name in files)}, reverse=True):
                sync_directory(directory)
            fresh.rename(self.path(number))
            sync_directory(self._home)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise _trouble(fresh, error) from None

    def switch(self, number: int | None) -> None:
        """Make a generation the current one, or none, in one step that a power cut leaves done or not done."""
        fresh = self._current.with_name(".current.new")
        try:
            fresh.unlink(missing_ok=True)
            if number is None:
                self._current.unlink(missing_ok=True)
                return
            fresh.symlink_to(self.path(number).relative_to(self._current.parent))
            fresh.replace(self._current)
            sync_directory(self._current.parent)
        except OSError as error:
            raise _trouble(self._current, error) from None

    def prune(self) -> None:
        """Remove the oldest generations, and what a crash left half written. The current one stays."""
        current = self.current()
        for number in self._numbers()[:-_KEPT]:
            if number != current:
                shutil.rmtree(self.path(number), ignore_errors=True)
        for left in self._home.glob(".*.new"):
            shutil.rmtree(left, ignore_errors=True)

    def prepare(self) -> None:
        """Make the directories."""
        try:
            self._home.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise _trouble(self._home, error) from None

    def _numbers(self) -> list[int]:
        names = (path.name for path in self._home.iterdir()) if self._home.is_dir() else ()
        return sorted(int(name) for name in names if _NUMBER.fullmatch(name))

    def _manifest(self, number: int) -> dict[str, str]:
        try:
            written = json.loads((self.path(number) / _MANIFEST).read_bytes())
        except (OSError, ValueError):
            return {_MANIFEST: ""}
        return (
            {str(name): str(digest) for name, digest in written.items()} if isinstance(written, dict) else {}
        )


def _share(old: Path, new: Path, content: bytes) -> bool:
    """Link a file that is as it should be. Where somebody edited it, the copy is written anew."""
    try:
        if old.read_bytes() != content:
            return False
        new.hardlink_to(old)
    except OSError:  # gone, or a file system without hard links
        return False
    return True


def _write(path: Path, content: bytes) -> None:
    mode = _MODES.get(path.parent.name, _PUBLIC)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)  # whatever the umask
        file.write(content)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _trouble(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"cannot be written or read: {error.strerror}",
        where=str(path),
        cure="see `df` and the directory's owner",
    )
