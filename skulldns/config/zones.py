"""The zone files that the config names, from disk to static records."""

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from skulldns.config.loading import Config
from skulldns.config.reading import read_text
from skulldns.config.zonerules import ZoneConfig
from skulldns.desired.zonefile import MAX_ZONE_FILE, ZoneData, ZoneRules, ZoneText, read_zone
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.statics import StaticRecord

_MAX_FILES = 10_000
"""Files of a split zone that are read at most."""


def load_zone_file(zone: ZoneConfig) -> tuple[StaticRecord, ...]:
    """The static records of ``zone``; none when it names no file. Raises ``ConfigError``."""
    return load_zone(zone).records


def load_zone(zone: ZoneConfig) -> ZoneData:
    """The static records of ``zone`` and what was left out; nothing when it names no file or directory.

    Raises ``ConfigError``, or ``ConfigErrors`` for several.
    """
    if zone.file is None:
        return ZoneData(())
    return _checked(read_zone_files(zone.file, _rules(zone)), zone)


def reload_zone(zone: ZoneConfig, before: ZoneData) -> ZoneData:
    """The zone as the texts of ``before``, an earlier reading of its files, say. No file is opened.

    Raises what ``load_zone`` raises.
    """
    included = {one.file: one for one in before.included}

    def include(path: str, file: str) -> tuple[str, str]:
        found = included.get(os.path.normpath(Path(file).parent / path))
        if found is None:
            raise ConfigError("the file was not kept", cure="correct the zone's file")
        return found.file, found.text

    with _no_collection():
        return _checked(read_zone(before.texts, _rules(zone), include), zone)


def _rules(zone: ZoneConfig) -> ZoneRules:
    return ZoneRules(zone.name, zone.ttl, zone.escaped_semicolons)


def _checked(found: ZoneData, zone: ZoneConfig) -> ZoneData:
    errors = list(_strange_views(found.records, zone))
    if errors:
        raise ConfigErrors(errors) if len(errors) > 1 else errors[0]
    return found


def _strange_views(records: Iterable[StaticRecord], zone: ZoneConfig) -> Iterator[ConfigError]:
    """Errors for records of views that the zone does not have: nobody would be answered them."""
    known = [one.view for one in zone.views if one.view is not None]
    for record in records:
        if record.view is not None and record.view not in known:
            name = zone.name.to_text(omit_final_dot=True)
            what = f"the record is for the view {record.view}, which {name} does not have"
            cure = f"write one of {', '.join(known)}" if known else "take out 'view:'"
            yield ConfigError(what, file=record.file, line=record.line, column=record.column, cure=cure)


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
