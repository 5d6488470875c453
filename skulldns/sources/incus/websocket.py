"""One websocket, driven by one thread that never waits without a limit.

The protocol is that of the library's layer without I/O. Its own threads wait for ever in some cases where a
server refuses a websocket over TLS.
"""

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterator

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

_PIECE = 65_536
_MAX_MESSAGE = 4 * 1024 * 1024  # bytes; an event takes some 300
_NO_TIME = 0.001

# What it would log is told in a sentence by those who use it.
_quiet = logging.getLogger(f"{__name__}.library")
_quiet.setLevel(logging.CRITICAL)


class Lost(Exception):
    """The connection has ended; the text says how."""


class WebSocket:
    """An open websocket that is only listened to."""

    def __init__(
        self,
        connection: socket.socket,
        path: str,
        *,
        limit: float,
        ping: tuple[float, float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Shake hands within ``limit`` seconds. The connection is closed with this object, also on an error.

        ``ping`` is after how long a silence the other side is asked, and how long its answer may take.
        Raises ``OSError``, or ``websockets.InvalidHandshake`` with the answer of a server that refuses.
        """
        self._connection = connection
        self._ping = ping
        self._protocol = ClientProtocol(parse_uri(f"ws://incus{path}"), max_size=_MAX_MESSAGE, logger=_quiet)
        try:
            self._shake_hands(clock() + limit, clock)
        except BaseException:
            connection.close()
            raise

    def messages(self) -> Iterator[bytes]:
        """Yield what comes until the end, then close. Raises `Lost`."""
        try:
            message = b""
            while True:
                for event in self._protocol.events_received():
                    if isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                        message += event.data
                        if event.fin:
                            yield message
                            message = b""
                self._receive()
                if self._protocol.state is not State.OPEN:
                    polite = self._protocol.close_rcvd is not None
                    raise Lost("the daemon closed it" if polite else "the line to the daemon broke off")
        except OSError as error:
            raise Lost(f"the line to the daemon broke off ({error.strerror or error})") from None
        finally:
            self._connection.close()

    def close(self) -> None:
        """End it from another thread: ``messages`` stops soon."""
        # Not the method of a TLS socket, which takes the TLS from under the thread that reads.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

    def abandon(self) -> None:
        """Close it before anybody listened."""
        self._connection.close()

    def _shake_hands(self, until: float, clock: Callable[[], float]) -> None:
        self._protocol.send_request(self._protocol.connect())
        self._send()
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            self._connection.settimeout(max(_NO_TIME, until - clock()))
            self._take(self._connection.recv(_PIECE))
        if self._protocol.handshake_exc is not None:
            raise self._protocol.handshake_exc

    def _receive(self) -> None:
        """Wait for the next bytes; ask after a silence, once."""
        self._connection.settimeout(self._ping[0])
        try:
            self._take(self._connection.recv(_PIECE))
        except TimeoutError:
            self._protocol.send_ping(b"")
            self._connection.settimeout(self._ping[1])
            try:
                self._send()
                self._take(self._connection.recv(_PIECE))
            except TimeoutError:
                raise Lost("the daemon does not answer") from None

    def _take(self, data: bytes) -> None:
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._send()

    def _send(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._connection.sendall(data)
