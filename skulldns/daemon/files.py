"""The admin's files while the daemon runs: a good one is taken at once, a bad one is reported and left."""

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from dns.name import Name
from watchfiles._rust_notify import (
    RustNotify,
)  # its documented way to watch: `watch()` looks away when it begins

from skulldns.config import Config, ZoneConfig, load
from skulldns.config.stamps import Stamp, stamp
from skulldns.errors import ConfigError
from skulldns.model.observations import ConfigFile, Observation
from skulldns.plan.cadence import FULL_LOOK_EVERY
from skulldns.wiring import ZoneFiles

_DEBOUNCE_MS = 100
"""An editor writes a file in several steps; they count as one change."""

_STEP_MS = 20


class AdminFiles:
    """The config file, the key files and zone files that it names."""

    def __init__(self, config: Config, zone_files: ZoneFiles, deliver: Callable[[Observation], None]) -> None:
        self._config = config
        self._zone_files = zone_files
        self._deliver = deliver
        self._config_stamp = self._stamp_of_config()
        self._zone_stamps: dict[Name, Mapping[Path, Stamp]] = {}
        self._ill: set[Name] = set()

    def watch(self, stop: threading.Event) -> Config | None:
        """Look now, at each change, and once a minute; returns the new config when it has changed for good.

        None when ``stop`` was set.
        """
        self._look_at_zones()
        while not stop.is_set():
            directories = self._directories()
            try:
                watcher = RustNotify([*map(str, directories)], False, False, 0, False, True)  # noqa: FBT003 - see its stub
            except FileNotFoundError:
                continue
            with watcher:
                if (changed := self._while_watching(watcher, directories, stop)) is not None:
                    return changed
        return None

    def _while_watching(
        self, watcher: RustNotify, directories: frozenset[Path], stop: threading.Event
    ) -> Config | None:
        """Look first, for what changed before the watching began; ends when other directories are to be watched."""
        timeout = round(FULL_LOOK_EVERY * 1000)
        while not stop.is_set():
            self._look_at_zones()
            if (changed := self._look_at_config()) is not None:
                return changed
            if self._directories() != directories:
                return None
            watcher.watch(_DEBOUNCE_MS, _STEP_MS, timeout, stop)
        return None

    def _look_at_zones(self) -> None:
        for zone in self._config.zones.values():
            if zone.file is not None:
                self._look_at_zone(zone)

    def _look_at_zone(self, zone: ZoneConfig) -> None:
        """Read a zone that has changed; an ill one may lack a file that nobody knows of, so it is always read."""
        stamps = {path: stamp(path) for path in self._zone_files.paths(zone)}
        if self._zone_stamps.get(zone.name) == stamps and zone.name not in self._ill:
            return
        self._zone_stamps[zone.name] = stamps
        found = self._zone_files.look(zone)
        self._ill.discard(zone.name)
        if found.error is not None:
            self._ill.add(zone.name)
        self._deliver(found)

    def _look_at_config(self) -> Config | None:
        seen = self._stamp_of_config()
        if seen == self._config_stamp:
            return None
        self._config_stamp = seen
        try:
            changed = load(self._config.path)
        except ConfigError as error:
            self._deliver(ConfigFile(str(error).splitlines()[0]))
            return None
        return changed

    def _directories(self) -> frozenset[Path]:
        """Where the files are, and where the files are that symlinks lead to."""
        found = {directory for path in self._paths() for directory in (path.parent, path.resolve().parent)}
        found |= {zone.file for zone in self._config.zones.values() if zone.file}
        return frozenset(path for path in found if path.is_dir())

    def _paths(self) -> Iterable[Path]:
        yield self._config.path
        yield from (key.secret_file for key in self._config.keys.values())
        for zone in self._config.zones.values():
            yield from self._zone_files.paths(zone)

    def _stamp_of_config(self) -> tuple[Stamp, ...]:
        keys = (key.secret_file for key in self._config.keys.values())
        return tuple(stamp(path) for path in (self._config.path, *keys))
