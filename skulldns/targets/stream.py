"""One TCP connection that carries DNS messages, each after its length (RFC 1035 section 4.2.2, RFC 7766)."""

import select
import socket
import time
from collections.abc import Sequence

_CHUNK = 1 << 16


class Unsent(ConnectionError):
    """The connection ended before all of the message was handed over, so the server cannot have read it."""


class Stream:
    """A connection to an IPv4 or IPv6 ``address``.

    Deadlines are of ``time.monotonic``. Raises ``OSError``; the connection is of no further use then.
    """

    def __init__(self, address: str, port: int, deadline: float) -> None:
        self._socket = socket.create_connection((address, port), timeout=_left(deadline))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    @property
    def stale(self) -> bool:
        """Whether the server has closed the connection, or says something that nobody asked for."""
        poll = select.poll()  # unlike select(), it takes descriptors of any number
        poll.register(self._socket, select.POLLIN)
        return bool(self._buffer) or bool(poll.poll(0))

    def send(self, messages: Sequence[bytes], deadline: float) -> None:
        """Send ``messages``; raises ``Unsent`` when the last of them was not handed over in full."""
        data = memoryview(b"".join([len(message).to_bytes(2) + message for message in messages]))
        try:
            while data:
                self._socket.settimeout(_left(deadline))
                data = data[self._socket.send(data) :]
        except OSError as error:
            raise Unsent(str(error)) from error

    def receive(self, deadline: float) -> bytes:
        """The next message; raises ``ConnectionError`` when the server closes instead, ``TimeoutError``."""
        self._fill(2, deadline)
        end = 2 + int.from_bytes(self._buffer[:2])
        self._fill(end, deadline)
        message = bytes(self._buffer[2:end])
        del self._buffer[:end]
        return message

    def close(self) -> None:
        """Give back the socket."""
        self._socket.close()

    def _fill(self, size: int, deadline: float) -> None:
        while len(self._buffer) < size:
            self._socket.settimeout(_left(deadline))
            # A server that sends many small answers waits for the ACK of the first (Nagle), which Linux would
            # delay by 40 ms. The option does not last.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            data = self._socket.recv(_CHUNK)
            if not data:
                raise ConnectionAbortedError("the server closed the connection")
            self._buffer += data


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
