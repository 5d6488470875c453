"""nginx in front of the guests: its own frame is the lab's, everything within `http` comes from SkullDNS."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from skulldns.lab.part import Part, program, render
from skulldns.lab.place import Place
from skulldns.lab.ports import PortBlock

ADDRESS = "127.0.0.1"


class Proxy(Part):
    """nginx on high ports. ``status_port`` is where it tells which generation of SkullDNS's files it runs."""

    name = "nginx"
    on_demand = True
    dies_by = "TERM"  # a killed master would leave its workers behind

    def __init__(self, place: Place, ports: PortBlock) -> None:
        super().__init__(place)
        self.http_port, self.https_port, self.status_port = ports.next(), ports.next(), ports.next()

    @property
    def directory(self) -> Path:
        """Where SkullDNS writes its files."""
        return self.place.directory / "proxy"

    @property
    def error_log(self) -> Path:
        """Where nginx says what is wrong."""
        return self.place.log / "nginx.error.log"

    @property
    def command(self) -> tuple[str, ...]:
        """Nginx with this lab's configuration; more words say what it is to do."""
        return (program("nginx", "nginx"), "-p", str(self._home), "-c", str(self._home / "nginx.conf"))

    def write(self) -> None:
        """The frame, and the directory that it includes files from."""
        self.directory.mkdir(mode=0o700)
        self._home.mkdir(mode=0o700)
        values = {
            "home": self._home,
            "directory": self.directory,
            "error_log": self.error_log,
            "root": os.geteuid() == 0,
        }
        render("nginx.conf.j2", self._home / "nginx.conf", **values)

    def argv(self) -> Sequence[str]:
        """Nginx in the foreground."""
        return (*self.command, "-g", "daemon off;")

    async def ready(self) -> bool:
        """Its master has read the configuration, opened its sockets and written its pid."""
        return await asyncio.to_thread(self._has_pid)

    def working_directory(self) -> Path:
        """Its home, by which its workers are known."""
        return self._home

    def ended(self) -> None:
        """End workers whose master was killed; its pid file would look like a living server."""
        for process in psutil.process_iter(["cwd"]):
            if process.info["cwd"] == str(self._home):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        (self._home / "nginx.pid").unlink(missing_ok=True)

    def entry(self) -> Mapping[str, Any]:
        """Where visitors come in."""
        ports = {"http_port": self.http_port, "https_port": self.https_port}
        return {"proxy": {"address": ADDRESS, **ports}}

    def _has_pid(self) -> bool:
        pid = self._home / "nginx.pid"
        return pid.exists() and pid.read_text(encoding="ascii").strip().isdigit()

    @property
    def _home(self) -> Path:
        return self.place.directory / "nginx"
