"""Wakes other processes: a directory of Unix datagram sockets, one for each that listens.

A ring says only that something changed; what, the listener reads from the database. A lost ring costs seconds, since
listeners look by themselves now and then.
"""

import os
import secrets
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_MODE = 0o770
_SOCKET_MODE = 0o660
_MANY = 4096
_LOOK_EVERY = 1.0  # seconds, since a ring may get lost


class Bell:
    """Rings and listens in one directory, which is made with mode 0770 when it is missing.

    Everybody who may write into the directory may ring and listen.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def ring(self) -> None:
        """Wake all who listen. Never waits, never fails: sockets of the dead are removed."""
        with self._open() as place, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            for name in [entry.name for entry in os.scandir(place)]:
                try:
                    sender.sendto(b"!", _path(place, name))
                except ConnectionRefusedError:
                    with suppress(OSError):
                        os.unlink(name, dir_fd=place)
                except OSError:
                    continue  # full: it wakes anyway; gone, or not ours

    def listen(self) -> "Listener":
        """A new listener; close it at the end."""
        return Listener(self._directory)

    @contextmanager
    def _open(self) -> Iterator[int]:
        place = _opened(self._directory)
        try:
            yield place
        finally:
            os.close(place)


class Listener:
    """Hears a bell from its making on. A context manager; ``fileno`` is for ``select``."""

    def __init__(self, directory: Path) -> None:
        self._place = _opened(directory)
        self._name = secrets.token_hex(8)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._socket.bind(_path(self._place, self._name))
        os.chmod(self._name, _SOCKET_MODE, dir_fd=self._place)

    def fileno(self) -> int:
        """The file descriptor that is readable after a ring."""
        return self._socket.fileno()

    def wait(self, timeout: float) -> bool:
        """Wait for a ring, at most ``timeout`` seconds; whether it rang since the last call."""
        ready, _, _ = select.select([self._socket], [], [], timeout)
        with suppress(BlockingIOError):
            while self._socket.recv(_MANY):
                pass
        return bool(ready)

    def until(self, condition: Callable[[], bool], patience: float) -> bool:
        """Wait until ``condition`` holds, at most ``patience`` seconds; whether it does. Each ring has it asked."""
        end = time.monotonic() + patience
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.wait(min(left, _LOOK_EVERY))
        return True

    def close(self) -> None:
        """Listen no more."""
        if self._socket.fileno() < 0:
            return
        self._socket.close()
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._place)
        os.close(self._place)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(directory: Path) -> int:
    """The directory's descriptor: a socket's address has at most 107 bytes, and the path may be longer (unix(7))."""
    if not directory.exists():
        with suppress(FileExistsError):
            directory.mkdir()
            directory.chmod(_MODE)
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _path(place: int, name: str) -> str:
    return f"/proc/self/fd/{place}/{name}"
