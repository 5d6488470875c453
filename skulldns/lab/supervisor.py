"""The supervisor: the one process whose children are the servers of a lab, and which ends them all.

Run as `python -m skulldns.lab.supervisor DIR [--no-daemon] [--with PART] [--detached] [--temporary]`. Its standard
output says how the start went (one `control.Outcome`) and is then closed. Its standard input is a pipe from the
starter: when that closes, the starter is gone and the lab with it; detached, this counts only until the lab
is complete.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path

from skulldns.errors import ConfigError, SkullDNSError, Unavailable
from skulldns.lab.control import Outcome, Request, Verb, parse_request
from skulldns.lab.leftovers import end_servers
from skulldns.lab.part import Part
from skulldns.lab.parts import assemble
from skulldns.lab.place import Place, write_private
from skulldns.lab.ports import PortBlock
from skulldns.lab.servers import PortTaken, ServerProcess

_PORT_TRIES = 5
_STARTER = 0  # standard input: a pipe from the starter


class Supervisor:
    """Runs the parts of one lab; the caller holds the place's lock."""

    def __init__(self, place: Place, *, daemon: bool, extra: Sequence[str], detached: bool) -> None:
        self._place = place
        self._daemon = daemon
        self._extra = extra
        self._detached = detached
        self._servers: dict[str, ServerProcess] = {}
        self._ports: PortBlock | None = None
        self._complete = False
        self._end = asyncio.Event()
        self._busy = asyncio.Lock()
        self._requests: set[asyncio.Task[None]] = set()

    def end(self) -> None:
        """Ask `run` to stop everything and return."""
        self._end.set()

    async def run(self) -> None:
        """Start everything, say so on standard output, and serve requests until told to end.

        Raises SkullDNSError if a part does not start; everything is stopped then.
        """
        loop = asyncio.get_running_loop()
        loop.add_reader(_STARTER, self.end)  # the starter never writes: readable means closed
        try:
            await self._unless_ended(self._up())
            if self._complete:
                listener = await asyncio.start_unix_server(self._serve, self._place.control)
                if self._detached:
                    loop.remove_reader(_STARTER)
                _say(Outcome("done"))
                _talk_to_log(self._place)
                await self._end.wait()
                listener.close()
        finally:
            loop.remove_reader(_STARTER)
            await self._down()

    async def _unless_ended(self, work: Coroutine[None, None, None]) -> None:
        working, ended = asyncio.create_task(work), asyncio.create_task(self._end.wait())
        await asyncio.wait({working, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if working.done():
            working.result()
        else:
            working.cancel()
            await asyncio.wait({working})

    async def _up(self) -> None:
        for _ in range(_PORT_TRIES):
            self._place.erase()
            self._place.prepare()
            self._ports = PortBlock.find()
            try:
                await self._start_all(self._ports)
            except PortTaken:
                await self._down()
            else:
                self._complete = True
                self._note()
                return
        raise Unavailable("other programs keep taking the ports that the lab chooses", cure="try again")

    async def _start_all(self, ports: PortBlock) -> None:
        parts = assemble(self._place, ports, self._extra)
        for part in parts:
            part.write()
        self._servers = {part.name: ServerProcess(part, self._note) for part in parts}
        ready = {name: asyncio.Event() for name in self._servers}

        async def start_in_turn(server: ServerProcess) -> None:
            for name in server.part.after:
                if self._wanted(self._servers[name].part):
                    await ready[name].wait()
            await server.start()
            ready[server.part.name].set()

        try:
            async with asyncio.TaskGroup() as group:
                for server in self._servers.values():
                    if self._wanted(server.part):
                        group.create_task(start_in_turn(server))
        except* SkullDNSError as errors:
            raise errors.exceptions[0] from None

    def _wanted(self, part: Part) -> bool:
        """Whether it is started with the lab."""
        if part.name == "daemon":
            return self._daemon
        return not part.on_demand or part.name in self._extra

    async def _down(self) -> None:
        for request in self._requests:
            request.cancel()
        servers = self._servers.values()
        await _stop(server for server in servers if server.part.after)
        await _stop(server for server in servers if not server.part.after)
        if self._ports:
            self._ports.close()

    def _note(self) -> None:
        """Write `lab.json`, once the lab is complete and whenever a process came or went."""
        if not self._complete:
            return
        content: dict[str, object] = {}
        for server in self._servers.values():
            content |= server.part.entry()
        content["pid"] = {name: server.pid for name, server in self._servers.items()} | {
            "supervisor": os.getpid()
        }
        write_private(self._place.lab_json, json.dumps(content, indent=2) + "\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)
        try:
            async with self._busy:
                await self._do(parse_request(await reader.readline()))
            outcome = Outcome("done")
        except SkullDNSError as error:
            outcome = Outcome.of(error)
        writer.write(outcome.dump().encode() + b"\n")
        writer.close()

    async def _do(self, request: Request) -> None:
        server = self._servers.get(request.part)
        if not server:
            raise ConfigError(
                f"the lab has no part {request.part!r}", cure=f"its parts are {', '.join(self._servers)}"
            )
        if request.verb is Verb.START:
            await server.start()
        else:
            await server.stop()


async def _stop(servers: Iterable[ServerProcess]) -> None:
    await asyncio.gather(*(server.stop() for server in servers))


def _say(outcome: Outcome) -> None:
    print(outcome.dump(), flush=True)  # noqa: T201 - the starter reads it from this pipe


def _talk_to_log(place: Place) -> None:
    """Let go of the starter's pipe; what Python itself has to say goes to a log from now on."""
    log = os.open(place.log / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


async def _supervise(place: Place, *, daemon: bool, extra: Sequence[str], detached: bool) -> None:
    supervisor = Supervisor(place, daemon=daemon, extra=extra, detached=detached)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.end)
    await supervisor.run()


def main() -> int:
    """Run a lab until told to end; 0 if it ended as asked."""
    parser = argparse.ArgumentParser(prog="skulldns.lab.supervisor")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--no-daemon", dest="daemon", action="store_false")
    parser.add_argument("--with", dest="extra", action="append", default=[], help="start this part too")
    parser.add_argument("--detached", action="store_true", help="do not end with the starter")
    parser.add_argument("--temporary", action="store_true", help="remove the whole directory at the end")
    options = parser.parse_args()
    place = Place(options.directory)
    if options.detached and os.fork():
        return 0  # the starter gets its child back at once, and init becomes the supervisor's parent
    try:
        place.check_not_foreign()
        with place.lock():
            try:
                end_servers(place)
                asyncio.run(
                    _supervise(place, daemon=options.daemon, extra=options.extra, detached=options.detached)
                )
            finally:
                place.retire()
                if options.temporary:
                    place.remove_all()
    except BlockingIOError:
        error = ConfigError(
            "a lab is running here", file=place.directory, cure="end it with `skulldns lab down`"
        )
        _say(Outcome.of(error))
        return 2
    except SkullDNSError as error:
        _say(Outcome.of(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
