"""Config to live objects: the only room that names concrete classes, reads the clock and draws random numbers."""

from skulldns.wiring.certificates import all_limits
from skulldns.wiring.installation import Installation, build
from skulldns.wiring.nameservers import name_server_files, server
from skulldns.wiring.zonefiles import zone_file, zone_files

__all__ = ["Installation", "all_limits", "build", "name_server_files", "server", "zone_file", "zone_files"]
