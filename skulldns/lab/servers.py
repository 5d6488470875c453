"""The processes of a lab: start one server and see it ready, stop it, notice its death."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from skulldns.errors import Unavailable
from skulldns.lab.part import Part, program

_PATIENCE = 30.0  # seconds until a server must be ready
_LOOK_AGAIN = 0.003  # seconds between two looks at a server that is starting
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL


class PortTaken(Unavailable):
    """A stranger took the port between choice and use."""


class ServerProcess:
    """One part's process, a child of the supervisor. `changed` is called whenever `pid` has changed."""

    def __init__(self, part: Part, changed: Callable[[], None]) -> None:
        self.part = part
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process, or None while it is not running."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it unless it runs, and return when it is ready.

        Raises Unavailable with its last words if it ends or is not ready in time; it is stopped then.
        """
        if self._process:
            return
        self.part.starting()
        self._process = await self._spawn()
        self._watcher = asyncio.create_task(self._watch(self._process))
        self._changed()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._until_ready()
        except TimeoutError:
            await self.stop()
            what = f"{self.part.name} was not ready within {_PATIENCE:g} seconds: {self.part.complaint()}"
            raise Unavailable(what, cure=f"see {self.part.output}") from None

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough; returns when the process is gone."""
        process, watcher = self._process, self._watcher
        if not process or not watcher:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        _, late = await asyncio.wait({watcher}, timeout=_GRACE)
        if late:
            with suppress(ProcessLookupError):
                process.kill()
            await asyncio.wait({watcher})

    async def _spawn(self) -> asyncio.subprocess.Process:
        # --pdeathsig: the server dies with the supervisor, even if that gets SIGKILL. What counts is the
        # thread that started the child (prctl(2)), and that is the main thread: asyncio spawns on it.
        # setpriv stands nearest to the server, because entering a user namespace forgets the setting.
        dies_with_us = (program("setpriv", "util-linux"), "--pdeathsig", self.part.dies_by, "--")
        argv = (*self.part.wrapper(), *dies_with_us, *self.part.argv())
        with self.part.output.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *argv,
                cwd=self.part.working_directory(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.part.environment()},
            )

    async def _until_ready(self) -> None:
        while not await self.part.ready():
            if self.part.port_taken():
                await self.stop()
                raise PortTaken(f"another program uses the port of {self.part.name}", cure="end that program")
            if not self._process:
                what = f"{self.part.name} ended instead of starting: {self.part.complaint()}"
                raise Unavailable(what, cure=f"see {self.part.output}")
            await asyncio.sleep(_LOOK_AGAIN)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        self._process = None
        self.part.ended()
        self._changed()
