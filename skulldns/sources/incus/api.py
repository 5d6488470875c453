"""Ask the API, within limits."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from skulldns.errors import Unavailable
from skulldns.model.guests import SourceName
from skulldns.sources.incus.endpoint import Ways
from skulldns.sources.incus.trouble import TROUBLE, not_the_api, refusal, silent, trouble

_MAX_ANSWER = 256 * 1024 * 1024  # bytes; an instance with its state takes some 10,000


class NotFound(Unavailable):
    """The daemon says that there is no such thing."""


class Api:
    """Requests of one look after the other, in one thread."""

    def __init__(
        self, ways: Ways, where: SourceName, clock: Callable[[], float], *, connect: float, look: float
    ) -> None:
        """``connect`` and ``look`` are seconds: to reach the daemon, and for all requests of a look."""
        self._endpoint = ways.endpoint
        self._client = ways.http()
        self._where = where
        self._clock = clock
        self._connect = connect
        self._look = look
        self._until = 0.0

    def begin_look(self) -> None:
        """Give the look that begins now its time."""
        self._until = self._clock() + self._look

    def get(self, *path: str, **query: str) -> Any:
        """Return what is at ``/1.0/`` and below. Raises `NotFound` and ``Unavailable``."""
        url = "/1.0/" + "/".join(quote(part, safe="") for part in path)
        remaining = self._until - self._clock()
        if remaining <= 0:
            raise silent(self._where)
        limits = httpx.Timeout(remaining, connect=min(self._connect, remaining))
        try:
            with self._client.stream("GET", url, params=query, timeout=limits) as response:
                answer = _decoded(self._body(response))
        except TROUBLE as error:
            raise trouble(error, self._endpoint, self._where) from None
        return self._metadata(response.status_code, answer)

    def close(self) -> None:
        """Give back the connections. No request may be under way."""
        self._client.close()

    def _body(self, response: httpx.Response) -> bytes:
        """Read the body. httpx limits the wait for each piece only; a daemon that dribbles would take for ever."""
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _MAX_ANSWER or self._clock() > self._until:
                raise silent(self._where)
        return bytes(body)

    def _metadata(self, status: int, answer: Mapping[str, Any] | None) -> Any:
        if answer is None or "metadata" not in answer:
            if status >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise refusal(status, "", self._endpoint, self._where)
            raise not_the_api(self._endpoint, self._where)
        if status == httpx.codes.OK and answer.get("type") == "sync":
            return answer["metadata"]
        said = answer.get("error")
        refused = refusal(status, said if isinstance(said, str) else "", self._endpoint, self._where)
        if status == httpx.codes.NOT_FOUND:
            raise NotFound(refused.what, where=refused.where, cure=refused.cure)
        raise refused


def _decoded(body: bytes) -> Mapping[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
