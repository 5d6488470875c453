"""Which zones we ever published into: an empty file for each, beside the database and not in it."""

import threading
from pathlib import Path
from urllib.parse import quote

from skulldns.errors import Unavailable
from skulldns.model.zones import ZoneId
from skulldns.targets.durable import make_directory, write_durably


class PublishedZones:
    """Keeps ``ZoneMarks`` in ``published`` of the state directory. Callable from any thread."""

    def __init__(self, state: Path) -> None:
        self._directory = state / "published"
        self._lock = threading.Lock()
        self._known: set[ZoneId] = set()

    def has(self, zone: ZoneId) -> bool:
        with self._lock:
            if zone not in self._known and self._path(zone).exists():
                self._known.add(zone)
            return zone in self._known

    def put(self, zone: ZoneId) -> None:
        with self._lock:
            try:
                make_directory(self._directory)
                write_durably(self._path(zone), b"")
            except OSError as error:
                raise Unavailable(
                    f"{self._directory} cannot be written: {error.strerror}",
                    cure="make room, or see the disk",
                ) from None
            self._known.add(zone)

    def _path(self, zone: ZoneId) -> Path:
        """A zone's name may have a slash (RFC 2317)."""
        return self._directory / quote(str(zone), safe="")
