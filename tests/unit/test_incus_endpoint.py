"""How the way to Incus is described, and what is said when it fails."""

import errno
import os
import ssl
from pathlib import Path

import httpx
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.http11 import Response

from skulldns.errors import ConfigError
from skulldns.model.guests import SourceName
from skulldns.sources.incus.endpoint import Endpoint, LocalSocket, Remote, Ways
from skulldns.sources.incus.source import pause
from skulldns.sources.incus.trouble import trouble

_LOCAL = LocalSocket(Path("/var/lib/incus/unix.socket"))
_FAR = Remote("https://host.test:8443", Path("c.crt"), Path("c.key"))


@pytest.mark.parametrize(
    "url", ["http://host.test:8443", "https://", "host.test:8443", "https://host.test/1.0"]
)
def test_a_url_that_cannot_be_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError, match="write it as https://HOST:8443"):
        Ways(Remote(url, Path("c.crt"), Path("c.key")))


@pytest.mark.parametrize("missing", ["certificate", "key", "server_certificate"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    files = {name: tmp_path / name for name in ("certificate", "key", "server_certificate")}
    for name, file in files.items():
        if name != missing:
            file.write_text("no PEM")
    if missing != "server_certificate":
        del files["server_certificate"]
    with pytest.raises(ConfigError, match="correct the path, or let this user read it") as error:
        Ways(Remote("https://host.test:8443", **files))
    assert error.value.file == str(files[missing])


def test_a_file_that_is_no_certificate_is_said(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.crt", tmp_path / "c.key"
    certificate.write_text("no PEM")
    key.write_text("no PEM")
    with pytest.raises(ConfigError, match="give PEM files"):
        Ways(Remote("https://host.test:8443", certificate, key))


def _status(status: int, body: bytes) -> InvalidStatus:
    return InvalidStatus(Response(status, "", Headers(), body))


def _wrapped(inner: BaseException) -> httpx.ConnectError:
    """As httpx tells what the system said: behind two errors of libraries."""
    middle = OSError()
    middle.__cause__ = inner
    outer = httpx.ConnectError("")
    outer.__cause__ = inner
    return outer


def _os(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "endpoint", "sentence"),
    [
        (_os(errno.ENOENT), _LOCAL, "there is no socket /var/lib/incus/unix.socket; start the daemon"),
        (_os(errno.EACCES), _LOCAL, "may not be opened; let this user open it, or use HTTPS"),
        (_os(errno.ECONNREFUSED), _LOCAL, "nobody answers at the socket /var/lib/incus/unix.socket; start"),
        (_wrapped(_os(errno.ECONNREFUSED)), _LOCAL, "nobody answers at the socket"),
        (OSError("AF_UNIX path too long"), _LOCAL, r"fails \(AF_UNIX path too long\)"),
        (_os(errno.ECONNREFUSED), _FAR, "Connection refused.*runs and serves HTTPS there"),
        (_os(errno.EHOSTUNREACH), _FAR, "No route to host.*HTTPS there"),
        (TimeoutError(), _FAR, "does not answer; if it stays so, restart the daemon"),
        (httpx.ReadTimeout(""), _LOCAL, "does not answer"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong"), _FAR, "TLS fails .*see that HTTPS is served"),
        (httpx.RemoteProtocolError("Server disconnected"), _LOCAL, r"was cut \(Server disconnected\)"),
        (InvalidMessage("did not receive a valid HTTP response"), _LOCAL, "was cut .*valid HTTP response"),
        (
            _status(403, b'{"error": "not authorized"}'),
            _FAR,
            r"not allow this \(not authorized\); trust the client",
        ),
        (_status(404, b'{"error": "Project not found"}'), _FAR, "Project not found.*correct the projects"),
        (_status(503, b"<html>"), _FAR, r"fails \(HTTP status 503\)"),
        (_status(200, b"<html>"), _FAR, "not Incus or LXD; correct the URL"),
        (_status(404, b"[]"), _LOCAL, "not Incus or LXD; correct the path"),
    ],
)
def test_each_trouble_is_one_sentence_with_a_cure(
    error: Exception, endpoint: Endpoint, sentence: str
) -> None:
    found = trouble(error, endpoint, SourceName("incus"))
    with pytest.raises(type(found), match=f"^incus: .*{sentence}"):
        raise found
    assert "\n" not in str(found)
    assert found.cure


def test_pauses_between_attempts_grow_to_half_a_minute() -> None:
    assert [pause(attempt, 0.0) for attempt in range(6)] == [1, 2, 4, 8, 16, 30]
    assert pause(10_000, 0.0) == 30
    assert pause(3, 1.0) == 4
