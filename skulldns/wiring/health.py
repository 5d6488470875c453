"""How everything of an installation is, for `doctor`, the metrics and the members' page."""

from collections.abc import Sequence

from skulldns.config import Config
from skulldns.loop.engine import Engine
from skulldns.loop.health import Machine, Ping, ill, pings
from skulldns.loop.report import Status


def look(config: Config, engine: Engine, status: Status, machine: Machine, now: float) -> Sequence[Ping]:
    """Everything that can be looked at, the config file included."""
    zones = [zone.name for zone in config.zones.values() if zone.file]
    files = {zone.to_text(omit_final_dot=True): engine.zone_files.get(zone) for zone in zones}
    found = pings(status, files, machine, now)
    if engine.config_error:
        return [ill("config", str(config.path), engine.config_error), *found]
    return found
