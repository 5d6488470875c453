"""How the command line talks to the running daemon: one JSON line each way over a Unix socket.

The socket lies in the state directory, so whoever may read that directory's secrets may ask, and nobody else.
"""

import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skulldns.errors import Conflict, Refused, SkullDNSError, Unavailable

SOCKET = "daemon.sock"
_TIMEOUT = 60.0
_ERRORS: dict[str, type[SkullDNSError]] = {
    "Conflict": Conflict,
    "Refused": Refused,
    "Unavailable": Unavailable,
}

Verbs = Mapping[str, Callable[[dict[str, Any]], Any]]


class NotRunning(Unavailable):
    """No daemon answers at the socket."""


class ControlServer:
    """Answers verbs until closed. A verb takes the request's arguments and returns what JSON can say."""

    def __init__(self, state: Path, verbs: Verbs) -> None:
        self._path = state / SOCKET
        self._path.unlink(missing_ok=True)
        with _short_path(state) as directory:
            self._server = _Server(f"{directory}/{SOCKET}", _Handler)
        self._path.chmod(0o600)
        self._server.verbs = verbs
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="control", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def ask(state: Path, verb: str, **arguments: Any) -> Any:
    """Ask the daemon whose state directory this is. Raises ``NotRunning``, or the error that the daemon raised."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT)
        try:
            with _short_path(state) as directory:
                connection.connect(f"{directory}/{SOCKET}")
        except OSError as error:
            raise NotRunning(
                "the daemon is not running", where=str(state), cure="start `skulldns run`"
            ) from error
        try:
            with connection.makefile("rwb") as stream:
                stream.write(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
                stream.flush()
                line = stream.readline()
        except OSError as error:
            raise Unavailable(f"the daemon does not answer: {error}", where=str(state)) from error
    if not line:
        raise Unavailable("the daemon closed the connection", where=str(state), cure="look at its log")
    answer = json.loads(line)
    if "error" in answer:
        kind = _ERRORS.get(answer["error"]["kind"], Unavailable)
        raise kind(answer["error"]["text"])
    return answer["result"]


@contextmanager
def _short_path(directory: Path) -> Iterator[str]:
    """A path of a few bytes for ``directory``: a socket's path must not exceed 107 (unix(7))."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    verbs: Verbs


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            request = json.loads(self.rfile.readline(1_000_000))
            verb = self.server.verbs[request["verb"]]
            answer: dict[str, Any] = {"result": verb(request.get("arguments", {}))}
        except SkullDNSError as error:
            answer = {"error": {"kind": type(error).__name__, "text": str(error)}}
        except (ValueError, KeyError, TypeError) as error:
            answer = {"error": {"kind": "Refused", "text": f"the request is not understood: {error!r}"}}
        try:
            self.wfile.write(json.dumps(answer).encode() + b"\n")
        except BrokenPipeError:
            return
