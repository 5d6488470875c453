"""An octoDNS installation's zones, from its config and files to records."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import dns.name
from dns.name import Name

from skulldns.config.reading import read_text
from skulldns.config.zones import read_zone_files
from skulldns.desired.zonefile import MAX_ZONE_FILE, ZoneRules
from skulldns.desired.zonefile.bind import Imported, from_bind
from skulldns.desired.zonefile.octodns import MAX_CONFIG, BindFiles, Files, OctoZone, YamlFiles, read_config
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.records import RRset
from skulldns.model.statics import StaticRecord

_DYNAMIC = "*"
_LEAST_DOTS = 2
"""``zone.yaml`` has its zone's final dot and the one of its suffix: octoDNS takes other files for something else."""


def import_octodns(
    config: Path, wanted: Name | None = None
) -> Iterator[tuple[Name, Imported | None, tuple[str, ...]]]:
    """Each zone of octoDNS's ``config``, or only the ``wanted`` one: name, records, and comments about its servers.

    A zone that octoDNS reads from no files has None for its records. Directories in the config are looked for from
    the working directory, as octoDNS does, and from the config's own and the one above. Raises ``ConfigErrors``
    after the last zone, with what is wrong in any of them.
    """
    errors: list[ConfigError] = []
    for zone in _expanded(read_config(read_text(config, MAX_CONFIG), str(config)), config):
        name = dns.name.from_text(zone.name).canonicalize()
        if wanted is not None and name != wanted:
            continue
        try:
            found = _records(zone, name, config) if zone.files else None
        except ConfigErrors as several:
            errors += several.errors
        except ConfigError as error:
            errors.append(error)
        else:
            yield name, found, zone.comments
    if errors:
        raise ConfigErrors(list({str(error): error for error in errors}.values()))


def _expanded(zones: tuple[OctoZone, ...], config: Path) -> Iterator[OctoZone]:
    """The zones, with those of a dynamic one (``*``) in its place. The first that has a zone keeps it."""
    named = {zone.name for zone in zones}
    for zone in zones:
        if not zone.name.startswith(_DYNAMIC):
            yield zone
            continue
        there = {one for files in zone.files for one in _zones_in(files, config)} - named
        found = {one for one in there if _takes(zone, one)}
        named |= found
        for one in sorted(found):
            yield OctoZone(one, one, zone.files, zone.comments, zone.left_out)


def _takes(zone: OctoZone, name: str) -> bool:
    if zone.glob is not None:
        return fnmatchcase(name, zone.glob)
    return zone.regex is None or re.search(zone.regex, name) is not None


def _zones_in(files: Files, config: Path) -> Iterator[str]:
    directory = _directory(files.directory, config)
    suffix = "yaml" if isinstance(files, YamlFiles) else files.extension.lstrip(".")
    for path in directory.iterdir():
        if path.is_file() and path.name.endswith(suffix) and path.name.count(".") >= _LEAST_DOTS:
            yield path.name.removesuffix(suffix)
        elif (
            isinstance(files, YamlFiles) and files.split and path.is_dir() and path.name.endswith(files.split)
        ):
            yield path.name.removesuffix(files.split) + "."


def _records(zone: OctoZone, name: Name, config: Path) -> Imported:
    source = dns.name.from_text(zone.records_of).canonicalize()
    records: list[StaticRecord] = []
    left_out = list(zone.left_out)
    for files in zone.files:
        found = (
            _from_yaml(files, source, config)
            if isinstance(files, YamlFiles)
            else _from_bind(files, source, config)
        )
        records += found.records
        left_out += found.left_out
    return Imported(tuple(_moved(record, source, name) for record in records), tuple(left_out))


def _from_yaml(files: YamlFiles, zone: Name, config: Path) -> Imported:
    directory = _directory(files.directory, config)
    spellings = (zone.to_unicode(idna_codec=dns.name.IDNA_2008_Practical), zone.to_text())
    paths = []
    if files.split:
        paths += [directory / f"{one[:-1]}{files.split}" for one in spellings]
    if files.flat:
        paths += [directory / f"{one}yaml" for one in spellings]
    found = [path for path in dict.fromkeys(paths) if path.exists()]
    if not found:
        raise ConfigError(
            f"there is no {' or '.join(dict.fromkeys(map(str, paths)))}", cure="correct 'directory:'"
        )
    if files.shared:
        found.append(directory / files.shared)
    rules = ZoneRules(zone, files.default_ttl, files.escaped_semicolons)
    data = [read_zone_files(path, rules) for path in found]
    return Imported(
        tuple(record for one in data for record in one.records),
        tuple(str(warning) for one in data for warning in one.warnings),
    )


def _from_bind(files: BindFiles, zone: Name, config: Path) -> Imported:
    path = _directory(files.directory, config) / f"{zone.to_text(omit_final_dot=True)}{files.extension}"
    return from_bind(read_text(path, MAX_ZONE_FILE), zone, str(path))


def _directory(text: str, config: Path) -> Path:
    for base in (Path(), config.parent, config.parent.parent):
        if (base / text).is_dir():
            return base / text
    raise ConfigError(f"there is no directory {text}", file=config, cure="run this where octoDNS is run")


def _moved(record: StaticRecord, source: Name, target: Name) -> StaticRecord:
    """The record in an alias of its zone: octoDNS moves owner names and leaves the data."""
    if source == target:
        return record
    rrset = record.rrset
    name = rrset.name.relativize(source).derelativize(target)
    moved = RRset(name, rrset.type, rrset.ttl, rrset.data)
    return StaticRecord(moved, record.file, record.line, record.column, record.reserved, record.view)
