"""What went wrong on the way to the daemon, said for a person."""

import errno
import json
import ssl
from collections.abc import Iterator

import httpx
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Response

from skulldns.errors import Unavailable
from skulldns.model.guests import SourceName
from skulldns.sources.incus.endpoint import Endpoint, LocalSocket

TROUBLE = (OSError, EOFError, InvalidHandshake, httpx.HTTPError, httpx.InvalidURL)
"""What requests and the opening of a websocket raise."""

_HTTP_FORBIDDEN = 403
_HTTP_NOT_FOUND = 404
_HTTP_TROUBLE = 500


def trouble(error: Exception, endpoint: Endpoint, where: SourceName) -> Unavailable:
    """Say what an error of the line means."""
    what, cure = _meaning(error, endpoint)
    return Unavailable(" ".join(what.split()), where=where, cure=cure)


def refusal(status: int, said: str, endpoint: Endpoint, where: SourceName) -> Unavailable:
    """Say what an HTTP status of the API means; ``said`` is the daemon's own word for it."""
    said = " ".join(said.split()) or f"HTTP status {status}"
    if status == _HTTP_FORBIDDEN:
        what = f"the daemon does not allow this ({said})"
        if isinstance(endpoint, LocalSocket):
            cure = "use the socket of the daemon itself, and let this user open it"
        else:
            cure = (
                "trust the client's certificate there (`incus config trust add-certificate`, `lxc config trust add`), "
                "and name the projects that it may see"
            )
        return Unavailable(what, where=where, cure=cure)
    if status == _HTTP_NOT_FOUND:
        cure = "correct the projects of this source, or the path of its API"
        return Unavailable(f"the daemon does not know this ({said})", where=where, cure=cure)
    if status >= _HTTP_TROUBLE:
        return Unavailable(f"the daemon fails ({said})", where=where, cure="see the log of the daemon")
    return Unavailable(f"the daemon refuses this ({said})", where=where, cure="see the log of the daemon")


def not_the_api(endpoint: Endpoint, where: SourceName) -> Unavailable:
    """What answers is something else."""
    thing = "path of the socket" if isinstance(endpoint, LocalSocket) else "URL"
    return Unavailable("what answers there is not Incus or LXD", where=where, cure=f"correct the {thing}")


def silent(where: SourceName) -> Unavailable:
    """The daemon does not answer in time."""
    what = "the daemon does not answer"
    return Unavailable(what, where=where, cure="if it stays so, restart the daemon")


def _meaning(error: Exception, endpoint: Endpoint) -> tuple[str, str]:
    causes = list(_causes(error))
    if isinstance(error, InvalidStatus):
        return _refused(error.response, endpoint)
    if any(isinstance(cause, TimeoutError | httpx.TimeoutException) for cause in causes):
        return "the daemon does not answer", "if it stays so, restart the daemon"
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            what = f"the server's certificate is not the expected one ({cause.verify_message})"
            return what, "if it was renewed, fetch it again over a line that can be trusted"
        if isinstance(cause, ssl.SSLError):
            return f"TLS fails ({cause.strerror or cause})", "see that HTTPS is served at this address"
        if isinstance(cause, OSError):
            return _system(cause, endpoint)
    return (
        f"the line to the daemon was cut ({str(error) or type(error).__name__})",
        "see the log of the daemon",
    )


def _refused(response: Response, endpoint: Endpoint) -> tuple[str, str]:
    """What it means that a websocket is refused."""
    nowhere = SourceName("")
    try:
        said = json.loads(response.body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        said = ""
    status = response.status_code
    told = (
        refusal(status, str(said), endpoint, nowhere)
        if said or status >= _HTTP_TROUBLE
        else not_the_api(endpoint, nowhere)
    )
    return told.what, told.cure or ""


def _system(error: OSError, endpoint: Endpoint) -> tuple[str, str]:
    if isinstance(endpoint, LocalSocket):
        if error.errno == errno.ENOENT:
            return f"there is no socket {endpoint.path}", "start the daemon, or correct the path"
        if error.errno in {errno.EACCES, errno.EPERM}:
            cure = "let this user open it, or use HTTPS with a restricted certificate"
            return f"the socket {endpoint.path} may not be opened", cure
        if error.errno == errno.ECONNREFUSED:
            return f"nobody answers at the socket {endpoint.path}", "start the daemon"
        return f"the socket {endpoint.path} fails ({error.strerror or error})", "start the daemon"
    return (
        f"there is no connection ({error.strerror or error})",
        "see that the daemon runs and serves HTTPS there",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those behind it: libraries wrap what the system said, some more than once."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        yield following
        following = following.__cause__ or following.__context__
