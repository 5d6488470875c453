"""The test CA: Pebble, which looks up names at the lab's ns1."""

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from skulldns.lab.nameserver import ADDRESS, DnsPlan
from skulldns.lab.part import Part, program
from skulldns.lab.place import Place, write_private
from skulldns.lab.ports import PortBlock

_VALID = dt.timedelta(days=30)  # of the directory's own TLS certificate
_LIFETIME = dt.timedelta(days=90)  # of what it issues
_HEADERS_END = b"\r\n\r\n"


class Pebble(Part):
    """Pebble on loopback.

    Its issuing root is new at every start: ``ca.pem`` then has it beside the root of the directory's own TLS.
    ``http_port`` is where it looks for HTTP-01 on a name's addresses. Whoever wants it to behave otherwise edits
    ``ca/pebble.json`` or ``ca/environment.json`` and starts it anew.
    """

    name = "pebble"
    on_demand = True

    def __init__(self, place: Place, plan: DnsPlan, ports: PortBlock, http_port: int) -> None:
        super().__init__(place)
        self._plan = plan
        self._home = place.directory / "ca"
        self.root = place.directory / "ca.pem"
        self._port, self._management_port, self._tls_port = ports.next(), ports.next(), ports.next()
        self._http_port = http_port

    @property
    def directory(self) -> str:
        """The URL of its directory."""
        return f"https://{ADDRESS}:{self._port}/dir"

    def write(self) -> None:
        """Configuration, and a TLS certificate for the directory."""
        self._home.mkdir(mode=0o700)
        certificate, key = _self_signed()
        write_private(self._home / "tls.pem", certificate)
        write_private(self._home / "tls.key", key)
        write_private(self.root, certificate)
        content = {
            "listenAddress": f"{ADDRESS}:{self._port}",
            "managementListenAddress": f"{ADDRESS}:{self._management_port}",
            "certificate": "tls.pem",
            "privateKey": "tls.key",
            "httpPort": self._http_port,
            "tlsPort": self._tls_port,
            "certificateValidityPeriod": int(_LIFETIME.total_seconds()),
        }
        # Validate at once, and each time anew.
        environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"}
        write_private(self._home / "pebble.json", json.dumps({"pebble": content}, indent=2) + "\n")
        write_private(self._home / "environment.json", json.dumps(environment, indent=2) + "\n")

    def argv(self) -> Sequence[str]:
        """Pebble in the foreground."""
        return (
            program("pebble", "pebble"),
            "-config",
            "pebble.json",
            "-dnsserver",
            f"{ADDRESS}:{self._plan.ports['ns1']}",
        )

    def environment(self) -> Mapping[str, str]:
        """Pebble takes half of its options from there."""
        return dict(json.loads((self._home / "environment.json").read_text(encoding="utf-8")))

    def working_directory(self) -> Path:
        """Its home, and all its paths are relative to that."""
        return self._home

    async def ready(self) -> bool:
        """Its directory answers, and its issuing root is known."""
        try:
            await self._get(self._port, "/dir")
            root = await self._get(self._management_port, "/roots/0")
        except OSError:
            return False
        own = (self._home / "tls.pem").read_text(encoding="ascii")
        write_private(self.root, own + root.decode("ascii"))
        return True

    def port_taken(self) -> bool:
        """Whether it said so; it ends then."""
        return self.output.exists() and "address already in use" in self.output.read_text(encoding="utf-8")

    def entry(self) -> Mapping[str, Any]:
        """Where its directory is, and which roots to trust."""
        return {"acme": {"directory": self.directory, "root": str(self.root), "http_port": self._http_port}}

    async def _get(self, port: int, path: str) -> bytes:
        """The body of one HTTPS answer; raises OSError."""
        context = ssl.create_default_context(cafile=str(self._home / "tls.pem"))
        reader, writer = await asyncio.open_connection(ADDRESS, port, ssl=context)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {ADDRESS}\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(_HEADERS_END)
        finally:
            writer.close()
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(f"{path} is not there yet")
        return body


def _self_signed() -> tuple[str, str]:
    """A certificate for loopback, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SkullDNS lab")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"), private.decode("ascii")
