"""The zone files that the config names, from disk to static records."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skulldns.config.loading import Config, ZoneConfig
from skulldns.config.reading import read_text
from skulldns.desired.zonefile import MAX_ZONE_FILE, ZoneData, ZoneRules, ZoneText, read_zone
from skulldns.errors import ConfigError
from skulldns.model.statics import StaticRecord

_MAX_FILES = 10_000
"""Files of a split zone that are read at most."""


def load_zone_file(zone: ZoneConfig) -> tuple[StaticRecord, ...]:
    """The static records of ``zone``; none when it names no file. Raises ``ConfigError``."""
    return load_zone(zone, views=False).records


def load_zone(zone: ZoneConfig, *, views: bool = True) -> ZoneData:
    """The static records of ``zone`` and what was left out; nothing when it names no file or directory.

    Without ``views`` a record for one view only is an error. Raises ``ConfigError``, or ``ConfigErrors`` for several.
    """
    if zone.file is None:
        return ZoneData(())
    found = read_zone_files(zone.file, ZoneRules(zone.name, zone.ttl, zone.escaped_semicolons))
    viewed = next((record for record in found.records if record.view is not None), None)
    if viewed is not None and not views:
        what = f"the record is for the view {viewed.view}, and zones have no views yet"
        raise ConfigError(what, file=viewed.file, line=viewed.line, cure="take out 'view:'")
    return found


def read_zone_files(path: Path, rules: ZoneRules) -> ZoneData:
    """Read the zone file ``path``, or all files of octoDNS's split directory ``path`` (``zone./name.yaml``)."""
    with _no_collection():
        return read_zone(zone_texts(path), rules, _Includes(path if path.is_dir() else path.parent))


def zone_texts(path: Path) -> list[ZoneText]:
    """What the zone file ``path`` says, or each ``*.yaml`` file in the directory ``path``, sorted by name.

    Files that ``!include`` names are not among them. Raises ``ConfigError``.
    """
    if not path.is_dir():
        return [ZoneText(str(path), read_text(path, MAX_ZONE_FILE))]
    files = _yaml_files(path)
    texts, room = [], MAX_ZONE_FILE
    for file in files:
        texts.append(ZoneText(str(file), read_text(file, room)))
        room = max(0, room - len(texts[-1].text))
    return texts


def strays(config: Config) -> tuple[Path, ...]:
    """YAML files in ``zones/`` beside the config that no configured zone names, sorted."""
    used = {zone.file.resolve() for zone in config.zones.values() if zone.file is not None}
    directory = config.path.parent / "zones"
    if not directory.is_dir():
        return ()
    files = (path for path in directory.glob("*.y*ml") if not path.name.startswith("."))
    return tuple(sorted(path for path in files if path.resolve() not in used))


def _yaml_files(directory: Path) -> list[Path]:
    try:
        files = sorted(one for one in directory.iterdir() if one.name.endswith(".yaml"))
    except OSError as error:
        what = f"the directory cannot be read: {error.strerror}"
        raise ConfigError(what, file=directory, cure="let the user that runs skulldns read it") from None
    if not files:
        raise ConfigError("this is a directory without YAML files", file=directory, cure="name a file")
    if len(files) > _MAX_FILES:
        raise ConfigError(
            f"the directory has more than {_MAX_FILES} YAML files", file=directory, cure="join some"
        )
    return files


class _Includes:
    """Reads what ``!include`` names, inside of the zone's own directory only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    def __call__(self, path: str, file: str) -> tuple[str, str]:
        found = Path(os.path.normpath(Path(file).parent / path))
        if not found.resolve().is_relative_to(self._directory):
            raise ConfigError(
                "the file is outside of the zone's directory", cure="put it there, without '..' and '~'"
            )
        try:
            return str(found), read_text(found, MAX_ZONE_FILE)
        except ConfigError as error:
            raise ConfigError(error.what, cure=error.cure) from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python looks for cycles while a large zone is built, finds none, and takes a third of the time for it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
