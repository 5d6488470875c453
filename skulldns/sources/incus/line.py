"""The line on which the daemon tells what happens: websockets of events, kept alive by questions."""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import urlencode

from skulldns.sources.incus.endpoint import Ways
from skulldns.sources.incus.events import Anything, Changed, read
from skulldns.sources.incus.websocket import Lost, WebSocket

_ENDING = 2.0  # seconds for a thread to end once its connection is shut


class Listener(Protocol):
    """Hears what the line has to tell. Called from threads of the line: no method may block."""

    def instance_changed(self, changed: Changed) -> None:
        """An instance is new, has changed or is gone."""

    def anything_changed(self) -> None:
        """Something that concerns many instances."""

    def line_lost(self, reason: str) -> None:
        """Nothing more will come. Called at most once, and not after ``close``."""


class Line:
    """Open websockets, one for each query. Events arrive from when this is made."""

    def __init__(
        self,
        ways: Ways,
        queries: Sequence[Mapping[str, str]],
        listener: Listener,
        *,
        limit: float,
        ping: tuple[float, float],
    ) -> None:
        """Open all, with limits as `WebSocket` has them. Raises ``OSError`` or ``websockets.InvalidHandshake``."""
        self._listener = listener
        self._lock = threading.Lock()
        self._lost = False
        self._sockets: list[WebSocket] = []
        with contextlib.ExitStack() as stack:
            for query in queries:
                path = f"/1.0/events?{urlencode(query)}"
                self._sockets.append(WebSocket(ways.socket(limit), path, limit=limit, ping=ping))
                stack.callback(self._sockets[-1].abandon)
            stack.pop_all()
        self._threads = [
            threading.Thread(target=self._hear, args=(socket,), name="incus events", daemon=True)
            for socket in self._sockets
        ]
        for thread in self._threads:
            thread.start()

    @property
    def lost(self) -> bool:
        """Whether it was told to be lost, or closed. Any thread may ask."""
        return self._lost

    def close(self) -> None:
        """Close it without telling."""
        self._lose()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_ENDING)

    def _hear(self, socket: WebSocket) -> None:
        try:
            for message in socket.messages():
                self._tell(read(message))
        except Lost as lost:
            if self._lose():
                self._listener.line_lost(str(lost))

    def _tell(self, event: Changed | Anything | None) -> None:
        if self._lost:
            return
        if isinstance(event, Changed):
            self._listener.instance_changed(event)
        elif event is not None:
            self._listener.anything_changed()

    def _lose(self) -> bool:
        """Mark it as lost and end what is open; return whether it was not before."""
        with self._lock:
            before, self._lost = self._lost, True
        for socket in self._sockets:
            socket.close()
        return not before
