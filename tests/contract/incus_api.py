"""The part of Incus' REST API that a source asks, over instances in memory, with faults on command.

It speaks the real protocols on a Unix socket: HTTP, and the websocket of events.
"""

import json
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve, unix_serve

NETWORK = "lab"
_PROJECT = "default"
_CODES = {"Running": 103, "Stopped": 102, "Frozen": 110, "Error": 112}

Place = tuple[str, str]
"""An instance's project and name."""


class _Connection(ServerConnection):
    """A connection that can fall silent: what it has to say, answers to pings too, goes nowhere."""

    silent = False

    def send_data(self) -> None:
        if self.silent:
            self.protocol.data_to_send()
        else:
            super().send_data()


class IncusApi:
    """A daemon that can be started, killed and broken. Its instances outlive its end."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.instances: dict[Place, dict[str, Any]] = {}
        self.requests: list[str] = []
        """What was asked, in order; websockets too."""
        self.status: int | None = None
        """The HTTP status of every answer, when it is not its own."""
        self.body: bytes | None = None
        """The body of every answer, when it is not its own."""
        self.networks: list[dict[str, Any]] = [
            {
                "name": NETWORK,
                "type": "bridge",
                "managed": True,
                "config": {"ipv4.address": "192.0.2.1/24", "ipv6.address": "none"},
            }
        ]
        self.leases: list[dict[str, str]] = []
        """Leases beside those of the running instances."""
        self._talking = threading.Event()
        self._talking.set()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._listeners: list[ServerConnection] = []
        self._lock = threading.Lock()
        self._started = 0

    # The daemon.

    def start(self) -> None:
        """Listen."""
        self.socket.unlink(missing_ok=True)
        self._run(
            unix_serve(
                self._listen,
                str(self.socket),
                process_request=self._answer,
                create_connection=_Connection,
                compression=None,
                close_timeout=0.1,
            )
        )

    def start_tls(self, context: ssl.SSLContext) -> int:
        """Listen on a port of 127.0.0.1 instead, and return it."""
        server = serve(
            self._listen,
            "127.0.0.1",
            0,
            ssl=context,
            process_request=self._answer,
            create_connection=_Connection,
            compression=None,
            close_timeout=0.1,
        )
        self._run(server)
        return int(server.socket.getsockname()[1])

    def kill(self) -> None:
        """End it: every connection breaks off. The socket's file stays, as after SIGKILL."""
        self.talk()
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            for listener in self._listeners:
                with suppress(OSError):  # it has ended already
                    listener.socket.shutdown(SHUT_RDWR)
            self._listeners.clear()
            server.shutdown()
            thread.join()

    def hush(self) -> None:
        """Fall silent: connections stay open, nobody gets an answer, not even to a ping."""
        self._talking.clear()
        for listener in self._listeners:
            assert isinstance(listener, _Connection)
            listener.silent = True

    def talk(self) -> None:
        """Answer again. Websockets that were open remain silent for ever: they are half open."""
        self._talking.set()

    # What an admin does.

    def define(self, name: str, *, project: str = _PROJECT, config: Mapping[str, str] | None = None) -> str:
        """Create a stopped instance with one interface; return its UUID."""
        uuid = str(uuid4())
        self._started += 1
        mac = f"00:16:3e:00:{self._started // 256:02x}:{self._started % 256:02x}"
        self.instances[project, name] = {
            "name": name,
            "project": project,
            "status": "Stopped",
            "type": "container",
            "expanded_config": {"volatile.uuid": uuid, "volatile.eth0.hwaddr": mac, **(config or {})},
            "expanded_devices": {
                "eth0": {"type": "nic", "network": NETWORK, "name": "eth0"},
                "root": {"type": "disk", "path": "/", "pool": "default"},
            },
            "address": f"192.0.2.{self._started % 250 + 2}",
        }
        self.tell("instance-created", (project, name))
        return uuid

    def place(self, uuid: str) -> Place:
        """Where the instance with this UUID is."""
        return next(
            place
            for place, instance in self.instances.items()
            if instance["expanded_config"]["volatile.uuid"] == uuid
        )

    def set_status(self, uuid: str, status: str, event: str) -> None:
        """Let an instance have another status."""
        place = self.place(uuid)
        self.instances[place]["status"] = status
        self.tell(event, place)

    def set_config(self, uuid: str, **config: str) -> None:
        """Set `user.skulldns.*` keys of an instance."""
        place = self.place(uuid)
        settings = self.instances[place]["expanded_config"]
        settings.update({f"user.skulldns.{key}": value for key, value in config.items()})
        self.tell("instance-updated", place)

    def rename(self, uuid: str, name: str, *, tell: bool = True) -> None:
        """Rename an instance, told or not."""
        old = self.place(uuid)
        new = (old[0], name)
        self.instances[new] = {**self.instances.pop(old), "name": name}
        if tell:
            self.tell("instance-renamed", new, {"old_name": old[1]})

    def delete(self, uuid: str) -> None:
        """Remove an instance."""
        place = self.place(uuid)
        del self.instances[place]
        self.tell("instance-deleted", place)

    def tell(self, action: str, place: Place, context: Mapping[str, str] | None = None) -> None:
        """Send an event about an instance to all who listen."""
        project, name = place
        query = "" if project == _PROJECT else f"?project={project}"
        source = f"/1.0/instances/{name}{query}"
        about = {"action": action, "source": source, **({"context": context} if context else {})}
        event = {"type": "lifecycle", "project": project, "metadata": about}
        for listener in list(self._listeners):
            with suppress(WebSocketException):  # it has ended, or never began
                listener.send(json.dumps(event))

    # What it answers.

    def _run(self, server: Server) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever)
        self._thread.start()

    def _listen(self, connection: ServerConnection) -> None:
        # It counts as a listener since `_answer`, before the other side knows that it is connected.
        with suppress(ConnectionClosed):
            for _ in connection:
                pass

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        with self._lock:
            self.requests.append(request.path)
        self._talking.wait()
        url = urlsplit(request.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if self.status is not None or self.body is not None:
            return _response(self.status or 200, self.body or b"{}")
        parts = [unquote(part) for part in url.path.split("/")[2:]]
        if parts == ["events"]:
            self._listeners.append(connection)
            return None
        with self._lock:
            answer = self._metadata(parts, query)
        if answer is None:
            failed = {"type": "error", "error_code": 404, "error": "not found", "metadata": None}
            return _response(404, json.dumps(failed).encode())
        told = {"type": "sync", "status_code": 200, "metadata": answer}
        return _response(200, json.dumps(told).encode())

    def _metadata(self, parts: list[str], query: Mapping[str, str]) -> object | None:
        project = query.get("project", _PROJECT)
        match parts:
            case ["instances"]:
                wanted = query.get("filter", "").rpartition(" ")[2]
                return [
                    _shown(instance, state=query["recursion"] == "2")
                    for place, instance in sorted(self.instances.items())
                    if "all-projects" in query or place[0] == project
                    if not wanted or instance["expanded_config"]["volatile.uuid"] == wanted
                ]
            case ["instances", name]:
                instance = self.instances.get((project, name))
                return instance and _shown(instance, state=True)
            case ["networks"]:
                return self.networks
            case ["networks", name, "leases"]:
                return [_GATEWAY, *self._leases(name, project), *self.leases]
        return None

    def _leases(self, network: str, project: str) -> list[dict[str, str]]:
        return [
            {"hostname": name, "hwaddr": _mac(instance), "address": instance["address"], "type": "dynamic"}
            for (where, name), instance in sorted(self.instances.items())
            if where == project and network == NETWORK and instance["status"] == "Running"
        ]


_GATEWAY = {"hostname": "lab.gw", "hwaddr": "", "address": "192.0.2.1", "type": "gateway"}


def _shown(instance: Mapping[str, Any], *, state: bool) -> dict[str, Any]:
    """An instance as the API has it; one that is broken has no more than its name where its state is asked."""
    status = instance["status"]
    shown = {key: value for key, value in instance.items() if key != "address"}
    shown["status_code"] = _CODES[status]
    if status == "Error" and state:
        return {
            "name": instance["name"],
            "project": instance["project"],
            "status": status,
            "status_code": 112,
        }
    if state:
        own = {"status": status, "network": _network(instance) if status == "Running" else None}
        shown["state"] = instance.get("state", own)  # of a container, unless it has another
    return shown


def _network(instance: Mapping[str, Any]) -> dict[str, Any]:
    def addresses(*texts: str) -> list[dict[str, str]]:
        return [{"family": "inet6" if ":" in text else "inet", "address": text} for text in texts]

    return {
        "eth0": {"hwaddr": _mac(instance), "addresses": addresses(instance["address"], "fe80::1")},
        "lo": {"hwaddr": "", "addresses": addresses("127.0.0.1", "::1")},
        "docker0": {"hwaddr": "02:42:00:00:00:01", "addresses": addresses("172.17.0.1")},
    }


def _mac(instance: Mapping[str, Any]) -> str:
    return str(instance["expanded_config"]["volatile.eth0.hwaddr"])


def _response(status: int, body: bytes) -> Response:
    headers = Headers(
        {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    )
    return Response(status, "", headers, body)
