"""A proxy in front of Pebble that adds what it lacks, and faults on command.

Pebble makes its URLs from the Host header, which is passed on unchanged: so all URLs lead to the proxy by themselves,
and the URL that a client signs is the one that Pebble sees.
"""

import base64
import http.client
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

_RENEWAL_INFO = "/renewal-info/"
_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "date", "server"}
_PROBLEM = "urn:ietf:params:acme:error:"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer in place of Pebble's."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def problem(code: str, detail: str = "as the test wants it", status: int = 400, **headers: str) -> Answer:
    """A problem document; ``headers`` with underscores for hyphens."""
    body = json.dumps({"type": _PROBLEM + code, "detail": detail, "status": status}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"Content-Type": "application/problem+json", **named}, body)


class FaultyCa:
    """The proxy, running within a block; ``directory`` is its URL.

    * ``fail``: answers for paths that contain a text; ``hang``: paths that get no answer until the end of the block;
    * ``lose``: paths whose next request Pebble obeys, while its answer gets lost;
    * ``window``: what renewal information answers, as JSON or as text that is none; None: the CA has no such thing;
    * ``profiles``: what the directory's meta offers; ``chain``: what replaces issued certificates;
    * ``once_only``: whether a certificate can be named in ``replaces`` once only (alreadyReplaced).

    ``orders`` has the payload of each new order that Pebble took, ``replaced`` what they named in ``replaces``, and
    ``asked`` counts requests by path, those with a rejected nonce left out.
    """

    def __init__(self, pebble: str, home: Path) -> None:
        parts = urlsplit(pebble)
        assert parts.hostname
        assert parts.port
        self._upstream = (parts.hostname, parts.port)
        self._trust = ssl.create_default_context(cafile=str(home / "tls.pem"))
        self._failures: list[tuple[str, Answer, int]] = []
        self._hanging: list[str] = []
        self._losing: list[str] = []
        self._end = threading.Event()
        self._lock = threading.Lock()
        self.window: Callable[[str], Any] | None = None
        self.window_headers: dict[str, str] = {}
        self.profiles: dict[str, str] | None = None
        self.chain: Callable[[bytes], bytes] | None = None
        self.once_only = False
        self.orders: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()
        self.replaced: set[str] = set()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(home / "tls.pem", home / "tls.key")
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.directory = f"https://127.0.0.1:{self._server.server_address[1]}{parts.path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, path: str, answer: Answer, times: int = 10**9) -> None:
        """Answer the next requests for paths that contain ``path`` with this."""
        with self._lock:
            self._failures.append((path, answer, times))

    def hang(self, path: str) -> None:
        """Do not answer paths that contain ``path``."""
        self._hanging.append(path)

    def lose(self, path: str) -> None:
        """Lose what Pebble answers when it has obeyed the next request for paths that contain ``path``."""
        self._losing.append(path)

    def heal(self) -> None:
        """End all faults."""
        with self._lock:
            self._failures.clear()
        self._hanging.clear()
        self.chain = None

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the client gets."""
        self.asked[path] += 1
        if any(part in path for part in self._hanging):
            self._end.wait()
            return Answer(503)
        failure = self._failure(path)
        if failure:
            return failure
        if path.startswith(_RENEWAL_INFO):
            return self._renewal_info(path.removeprefix(_RENEWAL_INFO))
        if path == "/order-plz":
            return self._order(_payload(body), self._pebble(method, path, headers, body))
        return self._changed(path, self._pebble(method, path, headers, body))

    def _order(self, order: dict[str, Any], answer: Answer) -> Answer:
        """What becomes of a new order that Pebble took; it may also have rejected the nonce."""
        if answer.status != http.client.CREATED:
            return answer
        self.orders.append(order)
        replaces = order.get("replaces")
        if self.once_only and replaces:
            if replaces in self.replaced:
                return problem("alreadyReplaced", "it was replaced before", 409)
            self.replaced.add(replaces)
        return answer

    def _failure(self, path: str) -> Answer | None:
        with self._lock:
            for place, (part, answer, times) in enumerate(self._failures):
                if part in path:
                    self._failures[place : place + 1] = [(part, answer, times - 1)] if times > 1 else []
                    return answer
        return None

    def _renewal_info(self, certificate: str) -> Answer:
        told = self.window(certificate) if self.window else None
        if told is None:
            return problem("malformed", "no such certificate", 404)
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        return Answer(200, {"Content-Type": "application/json", **self.window_headers}, body)

    def _changed(self, path: str, answer: Answer) -> Answer:
        if path == "/dir" and answer.status == http.client.OK:
            content = json.loads(answer.body)
            base = content["newOrder"].removesuffix("/order-plz")
            if self.window:
                content["renewalInfo"] = base + _RENEWAL_INFO.rstrip("/")
            if self.profiles:
                content["meta"]["profiles"] = self.profiles
            return Answer(answer.status, answer.headers, json.dumps(content).encode())
        lost = [part for part in self._losing if part in path and answer.status < http.client.BAD_REQUEST]
        if lost:
            self._losing.remove(lost[0])
            return Answer(http.client.GATEWAY_TIMEOUT)
        if path.startswith("/certZ/") and self.chain and answer.status == http.client.OK:
            return Answer(answer.status, answer.headers, self.chain(answer.body))
        return answer

    def _pebble(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPSConnection(*self._upstream, context=self._trust, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in _NOT_PASSED_ON:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            found = connection.getresponse()
            answer = Answer(found.status, _joined(found.getheaders()), found.read())
        finally:
            connection.close()
        if b"error:badNonce" in answer.body:  # Pebble rejects some by chance: the client will ask once more
            self.asked[path] -= 1
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no news."""


def _handler(ca: FaultyCa) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = ca.answer(self.command, self.path, dict(self.headers.items()), body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _NOT_PASSED_ON - {"date"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_POST = do_HEAD = _serve  # noqa: N815 - http.server calls them so

    return Handler


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _payload(body: bytes) -> dict[str, Any]:
    encoded = json.loads(body)["payload"]
    return dict(json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))))
