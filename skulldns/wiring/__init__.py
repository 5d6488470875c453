"""Config to live objects: the only room that names concrete classes, reads the clock and draws random numbers."""

from skulldns.wiring.certificates import all_limits
from skulldns.wiring.installation import Installation, build
from skulldns.wiring.nameservers import name_server_files, server
from skulldns.wiring.outlooks import observers
from skulldns.wiring.zonefiles import ZoneFiles

__all__ = ["Installation", "ZoneFiles", "all_limits", "build", "name_server_files", "observers", "server"]
