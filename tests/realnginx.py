"""A real nginx on loopback, with SkullDNS as its target and small web servers behind it."""

import http
import http.client
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path, PurePosixPath
from typing import Self

import dns.name
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from dns.name import Name

from skulldns.lab.ports import PortBlock
from skulldns.lab.waiting import until
from skulldns.model.sites import Page, Site, SiteOptions, Upstream
from skulldns.targets.nginx import Commands, Nginx, template_loader
from skulldns.targets.proxy import CertificatePaths
from skulldns.targets.vhost.settings import Listen, ProxySettings
from tests.support import require

ZONE = "vmsrv.test"
LOOPBACK = ip_address("127.0.0.1")
PATIENCE = 60.0
_VISITORS = 4
_CONFIG = """\
{user}
worker_processes 2;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
worker_rlimit_nofile {files};
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    scgi_temp_path {home}/scgi;
    uwsgi_temp_path {home}/uwsgi;
    {extra}
    include {home}/skulldns/current/skulldns.con[f];
}}
"""


@dataclass(frozen=True)
class Answer:
    """What a client got; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


class RealNginx(AbstractContextManager["RealNginx"]):
    """One nginx in a directory of its own; it ends with the context."""

    def __init__(self, templates: Path | None = None, connections: int = 1024) -> None:
        self.program = require("nginx", package="nginx")
        self._templates = templates
        self._connections = connections
        self._certificates: dict[str, CertificatePaths] = {}
        self._ports = PortBlock.find()
        self.http, self.https, self.status, self.behind, self.behind_http = (
            self._ports.next() for _ in range(5)
        )

    def __enter__(self) -> Self:
        # A short path, since the rules for Unix sockets and for nginx's words are narrow; root's workers are others.
        self.home = Path(tempfile.mkdtemp(prefix="skulldns-test-"))
        self.home.chmod(0o755)
        self.challenges.mkdir(parents=True)
        try:
            self.configure()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._ports.close()
        shutil.rmtree(self.home)

    @property
    def challenges(self) -> Path:
        return self.home / "challenges" / ".well-known" / "acme-challenge"

    @property
    def current(self) -> Path:
        return self.home / "skulldns" / "current"

    @property
    def log(self) -> Path:
        return self.home / "error.log"

    @cached_property
    def settings(self) -> ProxySettings:
        return ProxySettings(
            directory=PurePosixPath(self.home / "skulldns"),
            challenges=PurePosixPath(self.home / "challenges"),
            http=(Listen(LOOPBACK, self.http),),
            https=(Listen(LOOPBACK, self.https),),
            status=Listen(LOOPBACK, self.status),
            networks=(ip_network("127.0.0.0/8"), ip_network("198.18.0.0/15")),
            zones=(name(ZONE),),
        )

    @cached_property
    def commands(self) -> Commands:
        base = (self.program, "-p", str(self.home), "-c", f"{self.home}/nginx.conf", "-e", str(self.log))
        return Commands(self.program, (*base, "-t", "-q"), (*base, "-s", "reload"))

    def target(self, settings: ProxySettings | None = None, patience: float = PATIENCE) -> Nginx:
        """A target that knows nothing of what others did."""
        return Nginx(
            settings or self.settings, template_loader(self._templates), self.commands, self.log, patience
        )

    def configure(self, extra: str = "") -> None:
        """Write nginx's own configuration, with more lines in ``http``."""
        # Root's workers must read the test's own files.
        user = "user root;" if os.geteuid() == 0 else ""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = 2 * self._connections if most == resource.RLIM_INFINITY else min(2 * self._connections, most)
        text = _CONFIG.format(
            user=user, home=self.home, connections=self._connections, files=files, extra=extra
        )
        (self.home / "nginx.conf").write_text(text, encoding="utf-8")

    def start(self) -> None:
        base = self.commands.reload[:-2]
        subprocess.run(base, check=True, capture_output=True, timeout=PATIENCE)
        until(self._pid_file_is_written, "starting nginx", patience=PATIENCE)

    def stop(self) -> None:
        """End it at once, without waiting for open connections."""
        if not self._pid_file_is_written():
            return
        os.kill(self.pid, signal.SIGTERM)
        # The master removes its pid file when its workers have ended; its own end waits for whoever reaps it.
        until(lambda: not (self.home / "nginx.pid").exists(), "stopping nginx", patience=PATIENCE)

    @property
    def pid(self) -> int:
        return int((self.home / "nginx.pid").read_text(encoding="ascii"))

    def workers(self) -> Sequence[int]:
        """The pids of all workers, also of those that are shutting down."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in children.split()]

    def settled(self) -> None:
        """Return when only the newest workers are left."""
        until(lambda: len(self.workers()) == 2, "the end of old workers", patience=PATIENCE)

    def _pid_file_is_written(self) -> bool:
        try:
            return (self.home / "nginx.pid").read_text(encoding="ascii").strip().isdigit()
        except FileNotFoundError:
            return False

    # ------------------------------------------------------------------------------------------ clients

    def get(
        self,
        host: str | None,
        path: str = "/",
        *,
        sni: str | None = "",
        tls: bool = True,
        method: str = "GET",
        headers: Sequence[tuple[str, str]] = (),
        body: str = "",
    ) -> Answer:
        """One request on a connection of its own. ``sni`` is the host if not given; None sends none."""
        with socket.create_connection(("127.0.0.1", self.https if tls else self.http), PATIENCE) as raw:
            stream = wrapped(raw, host if sni == "" else sni) if tls else raw
            lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host else []), "Connection: close"]
            lines += [f"{name}: {value}" for name, value in headers]
            if body:
                lines.append(f"Content-Length: {len(body)}")
            stream.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            response = http.client.HTTPResponse(stream, method=method)
            response.begin()
            text = response.read().decode()
            found = {name.lower(): value for name, value in response.getheaders()}
            response.close()
            stream.close()
            return Answer(response.status, found, text)

    # ------------------------------------------------------------------------------------- certificates

    def certificate(self, identity: str, *names: str) -> CertificatePaths:
        """Make a certificate that signs itself, for ``names`` or its identity, and write it with its key."""
        chain, key = self.home / f"{identity}.chain", self.home / f"{identity}.key"
        chain_pem, key_pem = make_pair(names or (identity,))
        chain.write_bytes(chain_pem)
        key.write_bytes(key_pem)
        return CertificatePaths(chain, key)

    def wildcard(self, *others: str) -> Mapping[str, CertificatePaths]:
        """The zone's certificate and those of other names, the same at each call."""
        for name in (ZONE, *others):
            if name not in self._certificates:
                self._certificates[name] = self.certificate(name, f"*.{name}", name)
        return {name: self._certificates[name] for name in (ZONE, *others)}


class Visitors(AbstractContextManager["Visitors"]):
    """Asks for a site again and again, each time on a new connection; ``failed`` has what was not answered well."""

    def __init__(self, nginx: RealNginx, host: str, rate: float = 50.0) -> None:
        self.failed: list[str] = []
        self.answered = 0
        self._nginx = nginx
        self._host = host
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(_VISITORS / rate,)) for _ in range(_VISITORS)
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(PATIENCE)

    def _ask(self, pace: float) -> None:
        due = time.monotonic()
        while not self._enough.wait(max(0.0, due - time.monotonic())):
            due += pace
            try:
                answer = self._nginx.get(self._host)
            except OSError as error:
                self.failed.append(repr(error))
            else:
                self.answered += 1
                if answer.status != http.HTTPStatus.OK:
                    self.failed.append(f"{answer.status} {answer.body}")


def wrapped(raw: socket.socket, name: str | None) -> ssl.SSLSocket:
    """TLS as a client that believes anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(raw, server_hostname=name)


def make_pair(names: Sequence[str]) -> tuple[bytes, bytes]:
    """A certificate and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret


# ---------------------------------------------------------------------------------------------- upstreams


@contextmanager
def web_server(name: str | None, tls: CertificatePaths | None = None) -> Iterator[int]:
    """A guest's web server on loopback: it answers its name (its port without one) and the request's headers.

    Gives its port.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            received = self.rfile.read(length)
            lines = [
                name or str(server.server_address[1]),
                f"{self.command} {self.path}",
                *(f"{key}: {value}" for key, value in self.headers.items()),
            ]
            body = ("\n".join(lines) + f"\n\n{len(received)}").encode()
            self.send_response(int(self.path.split("status=")[1]) if "status=" in self.path else 200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Set-Cookie", "a=b; Path=/")
            self.send_header("X-Frame-Options", "ALLOWALL")
            self.send_header("X-Accel-Redirect", "/.skulldns/page")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_POST = do_HEAD = do_PUT = do_GET  # noqa: N815 - named by http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.chain, tls.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


# ------------------------------------------------------------------------------------------------- sites


def name(text: str) -> Name:
    return dns.name.from_text(text)


def guest(label: str, port: int, owner: str | None = None) -> Site:
    """A site of the common case, its guest on loopback."""
    return Site((name(f"{label}.{ZONE}"),), ZONE, upstream=Upstream(LOOPBACK, port), owner=owner)


def page(label: str, shown: Page, owner: str | None = None) -> Site:
    return Site((name(f"{label}.{ZONE}"),), ZONE, page=shown, owner=owner)


def own(
    title: str,
    port: int,
    options: SiteOptions | None = None,
    certificate: str | None = None,
    names: Sequence[str] = (),
) -> Site:
    """A site with a server block of its own."""
    return Site(
        tuple(map(name, (title, *names))),
        certificate or title,
        upstream=Upstream(LOOPBACK, port),
        options=options or SiteOptions(),
    )
