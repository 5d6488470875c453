"""Zone files as observations. The last good version of each is kept, so that a bad one harms nothing.

It is kept on the disk too, in ``zones`` of the state directory: a daemon that starts with a broken file goes on with
what was in force before. A file that looks as if it were cut is bad until it changes again or a person accepts it.
"""

import json
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from dns.name import Name

from skulldns.config import Config, ZoneConfig, load_zone, reload_zone
from skulldns.desired.yamltext import EmptyFile
from skulldns.desired.zonefile import ZoneData, ZoneText, cut_short
from skulldns.errors import ConfigError
from skulldns.model.observations import ZoneFile
from skulldns.model.statics import StaticRecord
from skulldns.targets.durable import make_directory, write_durably

_log = logging.getLogger(__name__)


class ZoneFiles:
    """Reads the zone files of one installation. Callable from any thread.

    ``read_only`` uses what is kept in the directory ``state`` and keeps nothing there.
    """

    def __init__(self, state: Path, *, read_only: bool = False) -> None:
        self._directory = state / "zones"
        self._read_only = read_only
        self._lock = threading.Lock()
        self._good: dict[Name, ZoneData | None] = {}
        self._reread: set[Name] = set()

    def look(self, zone: ZoneConfig, *, accept: bool = False) -> ZoneFile:
        """Read one zone's files; an error becomes part of the value, beside the records of the last good version.

        ``accept``: a person says that files that look cut are whole.
        """
        with self._lock:
            before = self._last_good(zone.name)
            try:
                found = load_zone(zone)
                if not accept:
                    _refuse_doubtful(before, found)
                if before is None or before.files != found.files:
                    self._keep(zone, found)
            except ConfigError as error:
                return ZoneFile(zone.name, self._records(zone), str(error).splitlines()[0])
            self._good[zone.name] = found
            self._reread.add(zone.name)
            return ZoneFile(zone.name, found.records)

    def look_at_all(self, config: Config) -> Iterable[ZoneFile]:
        """Read every zone's files."""
        return [self.look(zone) for zone in config.zones.values() if zone.file]

    def paths(self, zone: ZoneConfig) -> frozenset[Path]:
        """The files of one zone as far as they are known, and its directory if it has one: what to watch."""
        with self._lock:
            good = self._last_good(zone.name)
        found = {Path(text.file) for text in good.files} if good is not None else set()
        return frozenset(found | ({zone.file} if zone.file else set()))

    def _last_good(self, zone: Name) -> ZoneData | None:
        """The last good texts; their records only once they were read in this process."""
        if zone not in self._good:
            self._good[zone] = self._kept(zone)
        return self._good[zone]

    def _records(self, zone: ZoneConfig) -> tuple[StaticRecord, ...] | None:
        good = self._good[zone.name]
        if good is None:
            return None
        if zone.name not in self._reread:
            try:
                good = reload_zone(zone, good)
            except ConfigError as error:
                _log.warning("%s: its kept version cannot be used: %s", zone.file, error)
                return None
            self._good[zone.name] = good
            self._reread.add(zone.name)
        return good.records

    def _kept(self, zone: Name) -> ZoneData | None:
        path = self._path(zone)
        try:
            kept = json.loads(path.read_bytes())
            own, included = (tuple(ZoneText(*text) for text in kept[part]) for part in ("files", "included"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warning("%s: the last good version of the zone cannot be read: %s", path, error)
            return None
        return ZoneData((), texts=own, included=included)

    def _keep(self, zone: ZoneConfig, found: ZoneData) -> None:
        if self._read_only:
            return
        path = self._path(zone.name)
        parts = {"files": found.texts, "included": found.included}
        content = json.dumps({part: [[one.file, one.text] for one in texts] for part, texts in parts.items()})
        try:
            make_directory(self._directory)
            write_durably(path, content.encode())
        except OSError as error:
            what = f"its new version cannot be kept in {self._directory}: {error.strerror}"
            raise ConfigError(what, file=zone.file, cure="make room there, or see the disk") from None

    def _path(self, zone: Name) -> Path:
        """A zone's name may have a slash (RFC 2317)."""
        return self._directory / f"{quote(zone.to_text(omit_final_dot=True), safe='')}.json"


def _refuse_doubtful(before: ZoneData | None, found: ZoneData) -> None:
    """Raises ``ConfigError`` for files that look as if they were not written to their end, or not at all."""
    if before is not None and before.files == found.files:
        return
    if empty := next((one for one in found.warnings if isinstance(one, EmptyFile)), None):
        raise empty
    if before is not None and (cut := cut_short(before.files, found.files)):
        raise cut
