"""What tells one version of an admin's file from the next."""

from pathlib import Path

Stamp = tuple[int, ...]
"""When it was changed (ns), its size, its inode and its mode; or why it cannot be looked at."""


def stamp(path: Path) -> Stamp:
    """The version of a file, by one look at the directory."""
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)
