"""The guests' web servers as a part of the lab: see `skulldns.lab.webserver`."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from skulldns.lab.hypervisor import Hypervisor
from skulldns.lab.part import Part
from skulldns.lab.place import Place
from skulldns.lab.webserver import READY


class WebServers(Part):
    """Each running guest answers HTTP on its own address, at ``port``: a port below 1024 would need root."""

    name = "webservers"
    on_demand = True
    after = frozenset({"libvirtd"})

    def __init__(self, place: Place, hypervisor: Hypervisor, port: int) -> None:
        super().__init__(place)
        self._hypervisor = hypervisor
        self.port = port
        self._said_before = 0

    def write(self) -> None:
        """Nothing: all it needs is on its command line."""

    def argv(self) -> Sequence[str]:
        """The program, by the interpreter that runs the lab."""
        return (sys.executable, "-m", "skulldns.lab.webserver", self._hypervisor.uri, str(self.port))

    def starting(self) -> None:
        """Remember what earlier starts wrote."""
        self._said_before = self._said()

    async def ready(self) -> bool:
        """It said so, since this start."""
        return self._said() > self._said_before

    def entry(self) -> Mapping[str, Any]:
        """Where guests listen."""
        return {"guest_port": self.port}

    def _said(self) -> int:
        return (
            self.output.read_text(encoding="utf-8", errors="replace").count(READY)
            if self.output.exists()
            else 0
        )
