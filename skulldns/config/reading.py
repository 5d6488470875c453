"""The admin's files as text."""

import errno
import os
import stat
from pathlib import Path

from skulldns.errors import ConfigError


def read_text(path: Path, limit: int) -> str:
    """The text of the regular file ``path``, at most ``limit`` bytes of UTF-8.

    Raises ``ConfigError`` for a file that is missing, too large, not UTF-8, not readable or no file at all.
    """
    try:
        data = _read(path, limit)
    except OSError as error:
        raise _unreadable(path, error) from None
    if len(data) > limit:
        raise ConfigError(
            f"the file is larger than {limit} bytes", file=path, cure="split it, or see what filled it"
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line_start = before.rfind(b"\n") + 1
        raise ConfigError(
            f"the byte 0x{data[error.start]:02x} is not UTF-8",
            file=path,
            line=before.count(b"\n") + 1,
            column=len(before[line_start:].decode()) + 1,
            cure="save the file as UTF-8",
        ) from None


def _read(path: Path, limit: int) -> bytes:
    # O_NONBLOCK: opening a FIFO that nobody writes to would hang for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise ConfigError("this is a directory", file=path, cure="name a file")
        if not stat.S_ISREG(mode):
            raise ConfigError("this is not a regular file", file=path, cure="name a file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> ConfigError:
    if path.is_symlink() and error.errno in (errno.ENOENT, errno.ELOOP):
        return ConfigError(
            "the symlink leads nowhere", file=path, cure=f"let it point to a file ({path.readlink()})"
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ConfigError("there is no such file", file=path, cure="create it, or correct the path")
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigError(
            "the file may not be read", file=path, cure="let the user that runs skulldns read it"
        )
    return ConfigError(
        f"the file cannot be read: {error.strerror}", file=path, cure="see the path and the disk"
    )
