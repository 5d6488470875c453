"""The admin's files while the daemon runs: a good one is taken at once, a bad one is reported and left."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import watchfiles

from skulldns import wiring
from skulldns.config import Config, load
from skulldns.errors import ConfigError
from skulldns.model.observations import ConfigFile, Observation
from skulldns.plan.cadence import FULL_LOOK_EVERY

_DEBOUNCE_MS = 100
"""An editor writes a file in several steps; they count as one change."""

_STEP_MS = 20

Stamp = tuple[int, ...]
"""What tells one version of a file from the next."""


class AdminFiles:
    """The config file, the key files and zone files that it names."""

    def __init__(self, config: Config, deliver: Callable[[Observation], None]) -> None:
        self._config = config
        self._deliver = deliver
        self._config_stamp = self._stamp_of_config()
        self._zone_stamps: dict[Path, Stamp] = {}

    def watch(self, stop: threading.Event) -> Config | None:
        """Look now, at each change, and once a minute; returns the new config when it has changed for good.

        None when ``stop`` was set.
        """
        self._look_at_zones()
        for _ in self._changes(stop):
            self._look_at_zones()
            if (changed := self._look_at_config()) is not None:
                return changed
        return None

    def _look_at_zones(self) -> None:
        for zone in self._config.zones.values():
            if zone.file is None:
                continue
            stamp = _stamp(zone.file)
            if self._zone_stamps.get(zone.file) != stamp:
                self._zone_stamps[zone.file] = stamp
                self._deliver(wiring.zone_file(zone))

    def _look_at_config(self) -> Config | None:
        stamp = self._stamp_of_config()
        if stamp == self._config_stamp:
            return None
        self._config_stamp = stamp
        try:
            changed = load(self._config.path)
        except ConfigError as error:
            self._deliver(ConfigFile(str(error).splitlines()[0]))
            return None
        return changed

    def _changes(self, stop: threading.Event) -> Iterator[object]:
        directories = {path.parent for path in self._paths() if path.parent.is_dir()}
        return watchfiles.watch(
            *directories,
            stop_event=stop,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=round(FULL_LOOK_EVERY * 1000),
            yield_on_timeout=True,
            recursive=False,
        )

    def _paths(self) -> Iterable[Path]:
        yield self._config.path
        yield from (key.secret_file for key in self._config.keys.values())
        yield from (zone.file for zone in self._config.zones.values() if zone.file)

    def _stamp_of_config(self) -> tuple[Stamp, ...]:
        keys = (key.secret_file for key in self._config.keys.values())
        return tuple(_stamp(path) for path in (self._config.path, *keys))


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
