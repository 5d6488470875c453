"""The members' page: `skulldns web`, with an admin who can sign in."""

import asyncio
import http.client
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from skulldns.errors import Unavailable
from skulldns.lab.part import Part
from skulldns.lab.place import Place, write_private
from skulldns.lab.ports import PortBlock
from skulldns.lab.proxy import Proxy
from skulldns.lab.surroundings import Surroundings

ADDRESS = "127.0.0.1"
LOGIN = "admin"


class Page(Part):
    """gunicorn on loopback. A person opens it there; with ``page`` in the surroundings it is a site behind the proxy.

    Its first admin gets a random password, which is in ``password_file``.
    """

    name = "page"
    on_demand = True
    after = frozenset({"daemon"})  # which makes the database
    dies_by = "TERM"  # a killed gunicorn would leave its worker behind for a moment

    def __init__(self, place: Place, ports: PortBlock, proxy: Proxy) -> None:
        super().__init__(place)
        self.port = ports.next()
        site = Surroundings.of(place).page
        self.url = f"https://{site}:{proxy.https_port}" if site else f"http://localhost:{self.port}"
        self.password_file = place.directory / "admin.password"
        self._home = place.directory / "page"
        self._admin: asyncio.Task[None] | None = None

    @property
    def listen(self) -> str:
        """Where it listens."""
        return f"{ADDRESS}:{self.port}"

    def write(self) -> None:
        """The admin's password, and a place to run in."""
        self._home.mkdir(mode=0o700)
        write_private(self.password_file, secrets.token_urlsafe(16) + "\n")

    def argv(self) -> Sequence[str]:
        """`skulldns web` in the foreground, by the interpreter that runs the lab."""
        return (sys.executable, "-m", "skulldns", "web", "--config", str(self.place.config))

    def environment(self) -> Mapping[str, str]:
        """Its log is read while it runs."""
        return {"PYTHONUNBUFFERED": "1"}

    def working_directory(self) -> Path:
        """Its home, by which its workers are known."""
        return self._home

    async def ready(self) -> bool:
        """It answers, and the admin can sign in."""
        answers = await asyncio.to_thread(self._answers)
        if self._admin is None and (answers or (self.place.state / "skulldns.db").exists()):
            self._admin = asyncio.create_task(self._make_admin())
        if self._admin is None or not self._admin.done():
            return False
        self._admin.result()
        return answers

    def port_taken(self) -> bool:
        """Whether it said so; it tries again for some seconds then."""
        said = self.output.read_text(encoding="utf-8") if self.output.exists() else ""
        return "Connection in use" in said

    def ended(self) -> None:
        """End workers whose master was killed."""
        for process in psutil.process_iter(["cwd"]):
            if process.info["cwd"] == str(self._home):
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def entry(self) -> Mapping[str, Any]:
        """Where it is, and who can sign in."""
        return {
            "web": {
                "url": self.url,
                "address": ADDRESS,
                "port": self.port,
                "login": LOGIN,
                "password_file": str(self.password_file),
            }
        }

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=2)
        try:
            connection.request("GET", "/sign-in", headers={"Host": urlsplit(self.url).netloc})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    async def _make_admin(self) -> None:
        with self.output.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "skulldns", "member", "invite", LOGIN, "--admin"),
                *("--password-file", str(self.password_file), "--config", str(self.place.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if await process.wait():
            raise Unavailable(f"the page's admin was not made: {self.complaint()}", cure=f"see {self.output}")
