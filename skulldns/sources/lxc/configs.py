"""The files of the containers' configs: read, bounded in size, and never from inside of a container."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from skulldns.sources.lxc.config import BadConfig, Definition, Lines, parse_definition, parse_lines

CONFIG = "config"
"""The name of the file that makes a directory a container."""

_MAX_FILE = 1024 * 1024  # bytes; a container's config has some 1,000
_MAX_FILES = 1000  # that are kept, or included from one directory
_ROOTFS = ("lxc.rootfs.path", "lxc.rootfs")

Signature = tuple[int, int, int]
"""What tells two versions of a file apart: inode, size in bytes, time of change in nanoseconds."""


class Configs:
    """Reads the configs of the containers in one directory. Files that many include are read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[Path, tuple[Signature, Lines]] = {}

    def read(self, name: str) -> Definition:
        """Read a container's config. Raises `BadConfig`, and `FileNotFoundError` if there is none."""
        file = self._path / name / CONFIG
        try:
            lines = parse_lines(_text(file))
            forbidden = tuple(_rootfs(lines))
            return parse_definition(lines, lambda value: self._include(Path(value), forbidden))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise BadConfig(
                f"the config cannot be read: {error.strerror}",
                where=str(file),
                cure="let this user read the directory and its config",
            ) from None
        except BadConfig as error:
            raise BadConfig(error.what, where=str(file), cure=error.cure) from None

    def _include(self, named: Path, forbidden: Iterable[Path]) -> Iterator[Lines]:
        """Read an included file, or all `*.conf` of a directory (lxc.container.conf(5), CONFIGURATION FILE)."""
        if not named.is_absolute():
            raise BadConfig(f"lxc.include = {named} is no absolute path", cure="name the whole path")
        files = sorted(named.glob("*.conf"))[:_MAX_FILES] if named.is_dir() else [named]
        for file in files:
            real = file.resolve()
            if any(real.is_relative_to(root) for root in forbidden) or self._is_inside_a_container(real):
                raise BadConfig(
                    f"lxc.include = {named} is a file that a container may write",
                    cure="include a file of the host",
                )
            try:
                yield self._lines(real)
            except FileNotFoundError:
                raise BadConfig(f"lxc.include = {named} is missing", cure="mend the config") from None

    def _is_inside_a_container(self, real: Path) -> bool:
        """Whether it lies deeper than the containers' own directories, where their roots are."""
        return self._path.resolve() in real.parent.parent.parents

    def _lines(self, file: Path) -> Lines:
        now = signature(file.stat())
        known = self._kept.get(file)
        if known and known[0] == now:
            return known[1]
        if len(self._kept) >= _MAX_FILES:
            self._kept.clear()
        lines = parse_lines(_text(file))
        self._kept[file] = now, lines
        return lines


def signature(status: os.stat_result) -> Signature:
    """Return what tells this version of a file from others."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _text(file: Path) -> str:
    # Opening a device can have effects, and opening a FIFO waits for its writer.
    if not file.is_file() and file.exists():
        raise BadConfig(f"{file} is no file", cure="mend it")
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE:
            raise BadConfig(f"{file} is no file of at most {_MAX_FILE} bytes", cure="mend it")
        return opened.read(_MAX_FILE).decode("utf-8", errors="surrogateescape")


def _rootfs(lines: Lines) -> Iterator[Path]:
    """Yield the directories of a container's root, as in `dir:/x` and `overlay:/lower:/upper`."""
    for key, value in lines:
        if key in _ROOTFS:
            yield from (Path(part).resolve() for part in value.split(":") if part.startswith("/"))
