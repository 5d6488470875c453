"""A relay of DNS messages over TCP between a client and a name server, with faults on command."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Self


class Mode(Enum):
    """What becomes of a request."""

    PASS = auto()
    LOSE_ANSWER = auto()
    """The server gets it, and the connection ends before its answer."""
    LOSE_REQUEST = auto()
    """The connection ends before the server gets it."""
    HOLD = auto()
    """Nobody says anything."""
    STRIP_TSIG = auto()
    """The answer comes without its last record."""
    FLIP = auto()
    """The answer comes with another rcode, which its TSIG does not fit."""


class Relay:
    """Listens on `host`, a loopback address, until the end of the block."""

    def __init__(self, server: tuple[str, int], host: str = "127.0.0.1") -> None:
        self._server = server
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.mode = Mode.PASS
        self.accepted = 0
        self.relayed = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        for thread in self._threads:
            thread.join(timeout=10)
            assert not thread.is_alive()
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def hang_up(self) -> None:
        """End all connections, as a server does that finds them idle."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._connections.append(client)
                self.accepted += 1
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), socket.create_connection(self._server) as server:
            while (request := _receive(client)) and self.mode is not Mode.LOSE_REQUEST:
                if self.mode is Mode.HOLD:
                    continue
                self.relayed += 1
                _send(server, request)
                answer = _receive(server)
                if self.mode is Mode.LOSE_ANSWER:
                    break
                _send(client, self._spoil(answer))
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _spoil(self, answer: bytes) -> bytes:
        if self.mode is Mode.STRIP_TSIG:
            return answer[:11] + bytes((answer[11] - 1,)) + answer[12:]
        if self.mode is Mode.FLIP:
            return answer[:3] + bytes((answer[3] ^ 5,)) + answer[4:]
        return answer


def _receive(connection: socket.socket) -> bytes:
    """The next message; empty when the connection has ended."""
    size = connection.recv(2, socket.MSG_WAITALL)
    return connection.recv(int.from_bytes(size), socket.MSG_WAITALL) if size else b""


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(2) + message)
