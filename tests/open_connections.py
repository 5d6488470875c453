"""Ten thousand visitors of one site, half of them with a request on its way and half with a WebSocket."""

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from skulldns.model.sites import SiteOptions
from tests.patient_server import PatientServer, patient_server
from tests.realnginx import ZONE, RealNginx, guest, own

NUMBER = 10_000
_AT_ONCE = 200  # connections that are being opened; more would find the listening queue full
_ASK = b"GET / HTTP/1.1\r\nHost: slow.test\r\n%b\r\n"


@dataclass(frozen=True)
class Survived:
    """How many requests, and how many WebSockets, got the right answer after a reload that took ``seconds``."""

    requests: int
    websockets: int
    seconds: float


def reload_under(nginx: RealNginx, number: int = NUMBER) -> Survived:
    """Roll out another site while ``number`` connections are open; nginx must let a worker have all of them."""
    with _all_descriptors(), patient_server(number) as server:
        slow = own("slow.test", server.port, SiteOptions(http=True), certificate=ZONE)
        target = nginx.target()
        target.roll_out([slow], nginx.wildcard())
        nginx.settled()

        def change() -> None:
            before = set(nginx.workers())
            target.roll_out([slow, guest("new", 80)], nginx.wildcard())
            assert set(nginx.workers()) > before, "the workers of before still have the connections"

        return asyncio.run(_visit(nginx.http, number, server, change))


@contextmanager
def _all_descriptors() -> Iterator[None]:
    """Let this process and its children open as many files as they may: at least one for each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _visit(port: int, number: int, server: PatientServer, change: Callable[[], None]) -> Survived:
    gate, changed = asyncio.Semaphore(_AT_ONCE), asyncio.Event()
    clients = [asyncio.create_task(_client(port, gate, changed, place % 2 == 0)) for place in range(number)]
    await asyncio.to_thread(server.until_all_wait)
    begun = perf_counter()
    await asyncio.to_thread(change)
    seconds = perf_counter() - begun
    server.answer()
    changed.set()
    answers = await asyncio.gather(*clients)
    return Survived(sum(answers[1::2]), sum(answers[::2]), seconds)


async def _client(port: int, gate: asyncio.Semaphore, changed: asyncio.Event, websocket: bool) -> bool:  # noqa: FBT001
    """Whether a visitor got the right answer after the change."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" if websocket else b"Connection: close\r\n"
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_ASK % upgrade)
        await writer.drain()
    try:
        if not websocket:
            return (await reader.read()).endswith(b"\r\n\r\nok")
        head = await reader.readuntil(b"\r\n\r\n")
        await changed.wait()
        writer.write(b"still there?\n")
        return b" 101 " in head and await reader.readline() == b"still there?\n"
    except (OSError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.close()
