"""A web server that keeps everybody waiting: a process of its own, since a process has only so many descriptors.

It prints its port, then a line once ``number`` connections wait; a line on standard input lets it answer requests.
Whoever asks for a WebSocket gets one, more or less: it is answered line by line.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class PatientServer:
    """The server as its starter sees it."""

    def __init__(self, said: IO[bytes], told: IO[bytes]) -> None:
        self._said = said
        self._told = told
        self.port = int(said.readline())

    def until_all_wait(self) -> None:
        """Return when all connections that it was started for wait; raises if it ended before."""
        if not self._said.readline():
            raise AssertionError("the server has ended")

    def answer(self) -> None:
        """Let it answer all requests."""
        self._told.write(b"\n")
        self._told.flush()


@contextmanager
def patient_server(number: int) -> Iterator[PatientServer]:
    """Run one for ``number`` connections."""
    command = [sys.executable, "-m", "tests.patient_server", str(number)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield PatientServer(process.stdout, process.stdin)
        finally:
            process.kill()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _serve(number: int) -> None:
    release = asyncio.Event()
    waiting = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        head = await reader.readuntil(b"\r\n\r\n")
        upgrade = b"upgrade: websocket" in head.lower()
        if upgrade:
            writer.write(_UPGRADED)
            await writer.drain()
        waiting += 1
        if waiting == number:
            _say("all wait")
        if upgrade:
            while line := await reader.readline():
                writer.write(line)
        else:
            await release.wait()
            writer.write(_ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=4096)
    _say(str(server.sockets[0].getsockname()[1]))
    await asyncio.to_thread(sys.stdin.readline)
    release.set()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
