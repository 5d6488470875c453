"""DHCP lease files of this host: where they are, what they say now, and whose leases change."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from skulldns.errors import Unavailable
from skulldns.sources.host.leases import Lease, parse_dnsmasq, parse_status
from skulldns.sources.host.watching import changes

LIBVIRT = Path("/var/lib/libvirt/dnsmasq")
"""Where the system's libvirt keeps the lease file of each bridge."""

DNSMASQ = Path("/var/lib/misc")
"""Where Debian's dnsmasq, and the one that `lxc-net` starts for a bridge, keep theirs."""

_MAX_FILE = 16 * 1024 * 1024  # bytes; a lease takes some 200

# dnsmasq empties its file and writes it anew in place: what is read just then may lack leases.
_QUIET = 0.03  # seconds since the last write, after which a file counts as written
_TRIES = 10

Files = Callable[[], Collection[Path]]
"""Which lease files there may be, asked anew at each look."""

_Known = frozenset[tuple[str, str, str | None]]


def usual_files(bridge: str) -> tuple[Path, Path]:
    """Return the files in which the leases of a bridge usually are."""
    return DNSMASQ / f"dnsmasq.{bridge}.leases", LIBVIRT / f"{bridge}.status"


def read_leases(paths: Iterable[Path]) -> tuple[Lease, ...]:
    """Read all leases of these files, also expired ones. A file that is not there has none.

    Raises ``Unavailable`` if one cannot be read now.
    """
    found: list[Lease] = []
    for path in paths:
        leases = _read(path)
        if leases is None:
            raise Unavailable(
                "the lease file cannot be read", where=str(path), cure="let this user read it, or repair it"
            )
        found += leases
    return tuple(found)


class LeaseWatch:
    """Tells of MACs whose leases changed since this object was made."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._known: Mapping[Path, _Known] = {}
        self._look()

    def run(self, changed: Callable[[frozenset[str]], None], stop: threading.Event) -> None:
        """Call `changed` with the MACs (lower case) whose addresses or host names changed, until `stop` is set.

        Blocks: run it in a thread. Files may come and go. A renewed lease is no change.
        """
        for _ in changes(self._directories, stop):
            if macs := self._look():
                changed(macs)

    def _directories(self) -> frozenset[Path]:
        return frozenset(path.parent for path in self._files())

    def _look(self) -> frozenset[str]:
        """Read all files again; return the MACs whose leases differ from the last look."""
        before, now = self._known, dict[Path, _Known]()
        for path in self._files():
            leases = _read(path)
            # A file that cannot be read now keeps what it said before.
            now[path] = before.get(path, frozenset()) if leases is None else _what_counts(leases)
        self._known = now
        return frozenset(mac for mac, *_ in _all(before) ^ _all(now))


def _all(known: Mapping[Path, _Known]) -> _Known:
    return frozenset(one for leases in known.values() for one in leases)


def _what_counts(leases: Iterable[Lease]) -> _Known:
    return frozenset((lease.mac, str(lease.ip), lease.hostname) for lease in leases)


def _read(path: Path) -> tuple[Lease, ...] | None:
    try:
        text = _settled_text(path)
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError):
        return None
    if text is None:
        return None
    return parse_status(text) if path.suffix == ".status" else parse_dnsmasq(text)


def _settled_text(path: Path) -> str | None:
    """Read a file that nobody has written to for a moment; None if it is too big."""
    with path.open(encoding="utf-8") as file:
        for _ in range(_TRIES):
            before = os.fstat(file.fileno())
            if before.st_size > _MAX_FILE:
                return None
            file.seek(0)
            with contextlib.suppress(UnicodeDecodeError):  # half a character: it is being written
                text = file.read()
                after = os.fstat(file.fileno())
                age = time.time() - after.st_mtime
                # A negative age is a clock that was set back.
                if after.st_mtime_ns == before.st_mtime_ns and not 0 <= age < _QUIET:
                    return text
            time.sleep(_QUIET)
        file.seek(0)
        return file.read()
