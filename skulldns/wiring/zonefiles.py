"""Zone files as observations: an error is part of the value, so that the last good version stays."""

from collections.abc import Iterable

from skulldns.config import Config, ZoneConfig, load_zone_file
from skulldns.errors import ConfigError
from skulldns.model.observations import ZoneFile


def zone_file(zone: ZoneConfig) -> ZoneFile:
    """Read and parse one zone's file; an error becomes part of the value, so that the last good one stays."""
    try:
        return ZoneFile(zone.name, load_zone_file(zone))
    except ConfigError as error:
        return ZoneFile(zone.name, error=str(error).splitlines()[0])


def zone_files(config: Config) -> Iterable[ZoneFile]:
    """Read every zone's file."""
    return [zone_file(zone) for zone in config.zones.values() if zone.file]
