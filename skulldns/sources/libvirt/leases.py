"""Watch the lease files of libvirt's networks on this host: libvirt has no event for a lease.

libvirt's helper for dnsmasq keeps one JSON list per bridge, `<bridge>.status`, and replaces it at each lease.
The host name that a guest sent with its request is in there too; it is never used.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import watchfiles

DIRECTORY = Path("/var/lib/libvirt/dnsmasq")
"""Where the system's libvirt keeps lease files."""

# Milliseconds. Changes are told once a step has passed without another one.
_STEP = 20
_DEBOUNCE = 100
_LOOK_ANYWAY = 1000  # changes from before the watch began have no event

_MAX_FILE = 16 * 1024 * 1024  # bytes; a lease takes some 200

_Leases = frozenset[tuple[str, str]]


class LeaseWatch:
    """Tells of MACs whose addresses changed since this object was made."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: Mapping[str, _Leases] = {}
        self._look()

    def run(self, changed: Callable[[frozenset[str]], None], stop: threading.Event) -> None:
        """Call `changed` with the MACs (lower case) whose addresses changed, until `stop` is set.

        Blocks: run it in a thread. Returns at once if there is no such directory, and when it goes away. A
        renewed lease is no change.
        """
        try:
            changes = watchfiles.watch(
                self._directory,
                watch_filter=_is_lease_file,
                stop_event=stop,
                step=_STEP,
                debounce=_DEBOUNCE,
                rust_timeout=_LOOK_ANYWAY,
                recursive=False,
                raise_interrupt=False,
                yield_on_timeout=True,
            )
            for _ in changes:
                if macs := self._look():
                    changed(macs)
                if not self._directory.is_dir():
                    return
        except FileNotFoundError:
            return

    def _look(self) -> frozenset[str]:
        """Read all files again; return the MACs whose addresses differ from the last look."""
        before, self._files = self._files, self._read()
        old, new = set().union(*before.values()), set().union(*self._files.values())
        return frozenset(mac for mac, _ in old ^ new)

    def _read(self) -> dict[str, _Leases]:
        files = {}
        for path in sorted(self._directory.glob("*.status")):
            leases = _read_file(path)
            # A file that is being written will change once more: keep to what it said before.
            files[path.name] = self._files.get(path.name, frozenset()) if leases is None else leases
        return files


def parse_leases(text: str) -> _Leases | None:
    """Read the pairs of MAC and address of a lease file; None for half a file or something else."""
    try:
        entries = json.loads(text) if text.strip() else []
    except (ValueError, RecursionError):
        return None
    if not isinstance(entries, list):
        return None
    return frozenset(_pairs(entries))


def _read_file(path: Path) -> _Leases | None:
    try:
        if path.stat().st_size > _MAX_FILE:
            return None
        return parse_leases(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def _pairs(entries: list[object]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if isinstance(entry, dict):
            mac, ip = entry.get("mac-address"), entry.get("ip-address")
            if isinstance(mac, str) and isinstance(ip, str):
                yield mac.lower(), ip


def _is_lease_file(_change: watchfiles.Change, path: str) -> bool:
    return path.endswith(".status")
