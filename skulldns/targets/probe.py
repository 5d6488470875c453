"""Real requests, as a visitor makes them: to a guest's web server, and through the proxy to a site.

Each connection goes to an address literal that the caller gives; no name is resolved here.
"""

import socket
import ssl
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

from dns.name import Name

from skulldns.model.guests import IPAddress
from skulldns.model.probes import Probe
from skulldns.model.sites import Scheme, Upstream

PROXY_HEADER = b"PROXY UNKNOWN\r\n"
"""What a connection of the proxy's own host begins with where nginx wants the PROXY protocol (its section 2.1)."""

_PATIENCE = 3.0


class HttpProber:
    """Keeps `skulldns.targets.protocol.Prober`. ``proxy`` is where the proxy listens for HTTPS, perhaps by the PROXY
    protocol; ``root`` a file with CA certificates to believe beside the system's, as for a private CA.
    """

    def __init__(
        self, proxy: tuple[IPAddress, int], root: Path | None = None, *, proxy_protocol: bool = False
    ) -> None:
        self._proxy = proxy
        self._root = root
        self._greeting = PROXY_HEADER if proxy_protocol else b""

    def upstream(self, upstream: Upstream, name: Name) -> Probe:
        tls = None
        if upstream.scheme in {Scheme.HTTPS, Scheme.GRPCS}:
            # A guest's own certificate is nobody's business but its own: the proxy does not verify it either.
            tls = ssl.create_default_context()
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        return _probe((upstream.address, upstream.port), name, tls)

    def site(self, name: Name) -> Probe:
        tls = ssl.create_default_context()
        if self._root is not None:
            tls.load_verify_locations(self._root)
        return _probe(self._proxy, name, tls, self._greeting)


def _probe(
    where: tuple[IPAddress, int], name: Name, tls: ssl.SSLContext | None, greeting: bytes = b""
) -> Probe:
    began = time.monotonic()
    address, port = where
    title = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"  # noqa: PLR2004 - IPv6
    try:
        answer = _get(where, name.to_text(omit_final_dot=True), tls, greeting)
    except ssl.SSLCertVerificationError as error:
        return _failed(f"{title}: its certificate is not valid for this name: {error.verify_message}")
    except ssl.SSLError as error:
        return _failed(f"{title}: TLS failed: {error.reason or error}")
    except TimeoutError:
        return _failed(f"{title} does not answer within {_PATIENCE:.0f} s")
    except ConnectionRefusedError:
        return _failed(f"{title}: nothing listens there")
    except (OSError, HTTPException) as error:
        return _failed(f"{title}: {str(error) or type(error).__name__}")
    taken = time.monotonic() - began
    good = answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return Probe(good, f"{title} answers {answer.status} {answer.reason}", taken, answer.status)


def _failed(text: str) -> Probe:
    return Probe(good=False, text=text)


def _get(
    where: tuple[IPAddress, int], host: str, tls: ssl.SSLContext | None, greeting: bytes
) -> HTTPResponse:
    address, port = str(where[0]), where[1]
    with socket.create_connection((address, port), _PATIENCE) as plain:
        plain.sendall(greeting)
        connection = HTTPConnection(host, timeout=_PATIENCE)
        connection.sock = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        try:
            connection.request("GET", "/", headers={"User-Agent": "SkullDNS", "Connection": "close"})
            return connection.getresponse()
        finally:
            connection.close()
