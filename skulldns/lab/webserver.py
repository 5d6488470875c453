"""The guests' own web servers: `python -m skulldns.lab.webserver URI PORT`.

The lab's guests are made of air, but their addresses are loopback addresses: while a guest runs, this program
listens on its address for it, and answers with a page that says which guest it is. One process does it for all.
"""

import asyncio
import sys
import threading
from asyncio import AbstractEventLoop, Server, StreamReader, StreamWriter
from contextlib import suppress
from html import escape

import libvirt

from skulldns.lab.guests import addresses, connect

READY = "listening for the guests"
"""What it prints when every guest that runs has its server."""

_LIMIT = 16_384
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>
<style>:root{{color-scheme:light dark}}body{{font:1.2rem/1.5 system-ui;display:grid;place-content:center;height:90vh;
text-align:center}}</style><h1>{name}</h1><p>This page comes from the guest itself.</p></html>
"""


class GuestServers:
    """A server for each running guest, by its UUID."""

    def __init__(self, connection: libvirt.virConnect, port: int, loop: AbstractEventLoop) -> None:
        self._connection = connection
        self._port = port
        self._loop = loop
        self._servers: dict[str, list[Server]] = {}
        self._writers: dict[str, set[StreamWriter]] = {}
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """Hear of every guest from now on, and serve those that run."""
        self._connection.domainEventRegisterAny(
            None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle, None
        )
        for domain in self._connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
            await self.look(domain.UUIDString())

    def _on_lifecycle(
        self, _connection: object, domain: libvirt.virDomain, _event: int, _detail: int, _opaque: object
    ) -> None:
        uuid = domain.UUIDString()
        asyncio.run_coroutine_threadsafe(self.look(uuid), self._loop)

    async def look(self, uuid: str) -> None:
        """Start or end a guest's server, as it is now."""
        async with self._turn:
            self._end(uuid)
            name, found = await asyncio.to_thread(self._state, uuid)
            for address in found:
                with suppress(OSError):  # another guest has the address, and was first
                    self._servers.setdefault(uuid, []).append(await self._serve(uuid, name, address))

    def _state(self, uuid: str) -> tuple[str, tuple[str, ...]]:
        try:
            domain = self._connection.lookupByUUIDString(uuid)
            return domain.name(), addresses(domain) if domain.isActive() else ()
        except libvirt.libvirtError:
            return "", ()

    async def _serve(self, uuid: str, name: str, address: str) -> Server:
        async def answer(reader: StreamReader, writer: StreamWriter) -> None:
            writers = self._writers.setdefault(uuid, set())
            writers.add(writer)
            try:
                await _answer(reader, writer, name)
            finally:
                writers.discard(writer)
                writer.close()

        return await asyncio.start_server(answer, address, self._port, limit=_LIMIT)

    def _end(self, uuid: str) -> None:
        for server in self._servers.pop(uuid, ()):
            server.close()
        for writer in self._writers.pop(uuid, ()):
            writer.close()


async def _answer(reader: StreamReader, writer: StreamWriter, name: str) -> None:
    with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
        body = _PAGE.format(name=escape(name)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()


async def _main(uri: str, port: int) -> None:
    loop, lost = asyncio.get_running_loop(), asyncio.Event()
    connection = await asyncio.to_thread(connect, uri)
    connection.registerCloseCallback(lambda *_: loop.call_soon_threadsafe(lost.set), None)
    connection.setKeepAlive(5, 3)
    await GuestServers(connection, port, loop).begin()
    print(READY, flush=True)  # noqa: T201 - the supervisor reads it in the log
    await lost.wait()


def _run_events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


if __name__ == "__main__":
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_run_events, daemon=True).start()
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
