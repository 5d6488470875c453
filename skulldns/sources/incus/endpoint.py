"""Where the API is, and how to get there: a Unix socket, or HTTPS with a client certificate."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from skulldns.errors import ConfigError
from skulldns.sources.host.neighbours import HostNetwork

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class LocalSocket:
    """A daemon on this host. Whoever may open its socket has all rights over the host.

    ``network`` tells what the host knows in the network that the daemon's bridges are in.
    """

    path: Path
    network: HostNetwork = field(default_factory=HostNetwork, compare=False)


@dataclass(frozen=True, slots=True)
class Remote:
    """A daemon behind HTTPS, such as ``https://host.test:8443``.

    ``certificate`` and ``key`` are the client's, as PEM files. ``server_certificate`` is the server's own, for
    one that no certificate authority has signed: then it and no other is accepted.
    """

    url: str
    certificate: Path
    key: Path
    server_certificate: Path | None = None


Endpoint = LocalSocket | Remote


class Ways:
    """Opens connections to an endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Read the certificates. Raises ``ConfigError`` for an URL or file that cannot be used."""
        self.endpoint = endpoint
        self._context = _context(endpoint) if isinstance(endpoint, Remote) else None

    def http(self) -> httpx.Client:
        """A new client for requests. Connects when it is used; the caller closes it."""
        if isinstance(self.endpoint, LocalSocket):
            transport = httpx.HTTPTransport(uds=str(self.endpoint.path))
            return httpx.Client(transport=transport, base_url="http://incus", trust_env=False)
        assert self._context is not None
        transport = httpx.HTTPTransport(verify=self._context, trust_env=False)
        return httpx.Client(transport=transport, base_url=self.endpoint.url, trust_env=False)

    def socket(self, limit: float) -> socket.socket:
        """A new connection, over TLS where that is due. Raises ``OSError`` after at most ``limit`` seconds a step."""
        if isinstance(self.endpoint, LocalSocket):
            local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with _closed_on_error(local):
                local.settimeout(limit)
                local.connect(str(self.endpoint.path))
            return local
        assert self._context is not None
        address = urlsplit(self.endpoint.url)
        plain = socket.create_connection((address.hostname or "", address.port or _HTTPS), limit)
        with _closed_on_error(plain):
            return self._context.wrap_socket(plain, server_hostname=address.hostname)


@contextlib.contextmanager
def _closed_on_error(opened: socket.socket) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        stack.enter_context(opened)
        yield
        stack.pop_all()


def _context(remote: Remote) -> ssl.SSLContext:
    address = urlsplit(remote.url)
    if address.scheme != "https" or not address.hostname or address.path.strip("/") or address.query:
        raise ConfigError(
            f"the URL {remote.url!r} of Incus or LXD is not one", cure="write it as https://HOST:8443"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if remote.server_certificate is None:
        context.load_default_certs()
    else:
        with _reading(remote.server_certificate):
            context.load_verify_locations(remote.server_certificate)
        # The daemon signs its certificate itself, with the host names of the day of its installation. So it is
        # known by its key and not by its name; a certificate authority's says nothing without the name.
        context.check_hostname = context.cert_store_stats()["x509_ca"] > 0
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for file in (remote.certificate, remote.key):
        with _reading(file):
            file.read_bytes()
    with _reading(remote.key):
        context.load_cert_chain(remote.certificate, remote.key, password=_no_passphrase)
    return context


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Turn what goes wrong with a certificate or key into a ``ConfigError``."""
    try:
        yield
    except ssl.SSLError as error:
        reason = (error.reason or "no PEM").replace("_", " ").lower()
        raise ConfigError(
            f"the certificate or key is not usable: {reason}",
            file=file,
            cure="give PEM files, and the key that belongs to the certificate",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}",
            file=file,
            cure="correct the path, or let this user read it",
        ) from None


def _no_passphrase() -> str:
    raise ConfigError(
        "the client's key has a passphrase", cure="store it without one, readable to this user only"
    )
