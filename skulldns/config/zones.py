"""The zone files that the config names, from disk to static records."""

from pathlib import Path

from skulldns.config.loading import Config, ZoneConfig
from skulldns.config.reading import read_text
from skulldns.desired.zonefile import MAX_ZONE_FILE, parse_zone
from skulldns.model.statics import StaticRecord


def load_zone_file(zone: ZoneConfig) -> tuple[StaticRecord, ...]:
    """The static records of ``zone``; none when it names no file. Raises ``ConfigError``."""
    if zone.file is None:
        return ()
    return parse_zone(read_text(zone.file, MAX_ZONE_FILE), zone.name, str(zone.file), zone.ttl)


def strays(config: Config) -> tuple[Path, ...]:
    """YAML files in ``zones/`` beside the config that no configured zone names, sorted."""
    used = {zone.file.resolve() for zone in config.zones.values() if zone.file is not None}
    directory = config.path.parent / "zones"
    if not directory.is_dir():
        return ()
    files = (path for path in directory.glob("*.y*ml") if not path.name.startswith("."))
    return tuple(sorted(path for path in files if path.resolve() not in used))
