"""How a client asks the supervisor for something: one JSON object each way over a unix socket."""

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Literal

from skulldns.errors import ConfigError, SkullDNSError, Unavailable
from skulldns.lab.place import Place

_PATIENCE = 120.0  # seconds; starting or stopping one server takes far less, also on a busy machine


class Verb(StrEnum):
    """What can be done to one part."""

    START = "start"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: nothing, or whose turn it is to act and why."""

    kind: Literal["done", "config", "unavailable"]
    what: str = ""
    where: str | None = None
    cure: str | None = None

    @classmethod
    def of(cls, error: SkullDNSError) -> "Outcome":
        """The outcome that becomes this error again on the other side."""
        kind: Literal["config", "unavailable"] = "config" if isinstance(error, ConfigError) else "unavailable"
        return cls(kind, error.what, error.where, error.cure)

    @classmethod
    def parse(cls, text: str) -> "Outcome":
        """Read `dump`'s text."""
        return cls(**json.loads(text))

    def dump(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    def check(self) -> None:
        """Raise ConfigError or Unavailable unless it is done."""
        if self.kind == "config":
            raise ConfigError(self.what, file=self.where, cure=self.cure)
        if self.kind == "unavailable":
            raise Unavailable(self.what, where=self.where, cure=self.cure)


@dataclass(frozen=True, slots=True)
class Request:
    """What the supervisor shall do, and to which part."""

    verb: Verb
    part: str


def ask(place: Place, request: Request) -> None:
    """Send a request to the supervisor and wait until it is done.

    Raises ConfigError or Unavailable as the supervisor says, and OSError if there is no supervisor.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        connection.connect(str(place.control))
        connection.sendall(json.dumps(asdict(request)).encode() + b"\n")
        with connection.makefile(encoding="utf-8") as answer:
            line = answer.readline()
    if not line:
        raise ConnectionResetError("the supervisor ended before it answered")
    Outcome.parse(line).check()


def parse_request(line: bytes) -> Request:
    """Read a client's line."""
    raw: Mapping[str, str] = json.loads(line)
    return Request(Verb(raw["verb"]), raw["part"])
