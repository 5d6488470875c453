"""Private libvirtds with the test driver, as many as a test needs, which also listen on TCP, TLS and behind ssh."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import libvirt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from skulldns.lab.guests import connect
from skulldns.lab.waiting import until
from tests.support import require

_HERE = "127.0.0.1"
_SSH_PORT = 22
_PATIENCE = 30.0  # seconds for a server to start or to end
_DAY = timedelta(days=1)

_NETWORK = """
<network>
  <name>lab</name>
  <ip address="{prefix}.0.1" prefix="16"><dhcp><range start="{prefix}.0.2" end="{prefix}.255.254"/></dhcp></ip>
</network>"""


class Daemon:
    """A process of a test, in a short directory of its own, with its messages in ``home / "log"``."""

    def __init__(self) -> None:
        # Short, for the longest name of a Unix socket; libvirtd as an ordinary user reads it too.
        self.home = Path(tempfile.mkdtemp(prefix="skulldns-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def launch(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start the process."""
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                arguments,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End the process as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE)
            self._process = None

    def close(self) -> None:
        """End the process and remove what it wrote."""
        self.kill()
        shutil.rmtree(self.home)

    def log(self) -> str:
        """What the process printed."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")


class Libvirtd(Daemon):
    """A libvirtd whose guests get addresses from ``prefix``, such as 127.7, a /16 on loopback.

    The test driver forgets its guests with its last connection, so ``connection`` is kept open.
    """

    def __init__(
        self,
        prefix: str = "127.7",
        *,
        tcp: int | None = None,
        tls: int | None = None,
        pki: Path | None = None,
    ) -> None:
        super().__init__()
        self.socket = self.home / "libvirt-sock"
        self.uri = f"test+unix:///default?socket={self.socket}"
        self._prefix = prefix
        self._ports = {"tcp": tcp, "tls": tls}
        self._pki = pki
        self._connection: libvirt.virConnect | None = None
        (self.home / "xdg").mkdir()

    @property
    def connection(self) -> libvirt.virConnect:
        assert self._connection is not None
        return self._connection

    def start(self) -> None:
        """Start it, without any guest."""
        (self.home / "libvirtd.conf").write_text(self._configuration(), encoding="utf-8")
        daemon = require("libvirtd", package="libvirt-daemon")
        listen = ["--listen"] if any(self._ports.values()) else []
        files = ["--config", str(self.home / "libvirtd.conf"), "--pid-file", str(self.home / "pid")]
        xdg = dict.fromkeys(
            ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(self.home / "xdg")
        )
        nowhere = f"unix:path={self.home}/no-dbus"
        self.launch(
            [*_as_an_ordinary_user(), daemon, *files, *listen],
            {
                **xdg,
                "LIBVIRT_DRIVER_DIR": str(self.home),
                "DBUS_SESSION_BUS_ADDRESS": nowhere,
                "DBUS_SYSTEM_BUS_ADDRESS": nowhere,
            },
        )
        until(self._connected, "libvirtd's start", patience=_PATIENCE)
        for domain in self.connection.listAllDomains():
            if domain.isActive():
                domain.destroy()
            domain.undefine()
        for network in self.connection.listAllNetworks():
            network.destroy()
            network.undefine()
        self.connection.networkDefineXML(_NETWORK.format(prefix=self._prefix)).create()

    def kill(self) -> None:
        super().kill()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.socket.unlink(missing_ok=True)

    def _connected(self) -> bool:
        assert self.alive(), self.log()
        try:
            self._connection = connect(self.uri)
        except libvirt.libvirtError:
            return False
        return True

    def _configuration(self) -> str:
        lines = [f'unix_sock_dir = "{self.home}"', 'auth_unix_rw = "none"', 'auth_unix_ro = "none"']
        lines += [f'listen_addr = "{_HERE}"', 'auth_tcp = "none"', 'auth_tls = "none"']
        for kind, port in self._ports.items():
            lines += [f"listen_{kind} = {int(port is not None)}", f'{kind}_port = "{port or 0}"']
        if self._pki is not None:
            for option, file in (("ca", "cacert"), ("cert", "servercert"), ("key", "serverkey")):
                lines.append(f'{option}_file = "{self._pki / file}.pem"')
        return "\n".join(lines) + "\n"


class Sshd(Daemon):
    """An sshd that lets ``user`` in with ``client_key`` and knows nothing of this machine's own ssh.

    ``entry`` is the command that enters the namespaces where it shall run; it then ends with these.
    """

    def __init__(self, port: int, address: str = _HERE, entry: Sequence[str] = ()) -> None:
        super().__init__()
        self.port = port
        self._address = address
        self._entry = entry
        self.client_key = self.home / "client"
        self.host_key = self.home / "host"
        for key in (self.client_key, self.host_key):
            make_ssh_key(key)
        self.known_hosts = self.home / "known_hosts"
        kind, data, *_ = self.host_key.with_suffix(".pub").read_text(encoding="ascii").split()
        self.known_hosts.write_text(f"{self._host} {kind} {data}\n", encoding="ascii")

    def start(self) -> None:
        """Start it."""
        options = {
            "HostKey": self.host_key,
            "AuthorizedKeysFile": self.client_key.with_suffix(".pub"),
            "ListenAddress": f"{self._address}:{self.port}",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PermitRootLogin": "yes",
            "PasswordAuthentication": "yes",  # so that a client may think of asking for one
        }
        arguments = [f"-o{option}={value}" for option, value in options.items()]
        sshd = require("sshd", package="openssh-server")
        self.launch([*self._entry, *_with_a_run_directory(), sshd, "-D", "-e", "-f", os.devnull, *arguments])
        until(self._listening, "sshd's start", patience=_PATIENCE)

    def ssh(self, wrapper: Path, known_hosts: Path | None = None) -> Path:
        """Write a command `ssh` that has nothing of this user and knows these hosts, this one if none are named."""
        known = known_hosts or self.known_hosts
        options = f"-F none -oIdentitiesOnly=yes -oGlobalKnownHostsFile=none -oUserKnownHostsFile={known}"
        wrapper.write_text(f'#!/bin/sh\nexec ssh {options} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
        return wrapper

    @property
    def _host(self) -> str:
        """Its name in `known_hosts`."""
        return self._address if self.port == _SSH_PORT else f"[{self._address}]:{self.port}"

    def _listening(self) -> bool:
        assert self.alive(), self.log()
        return "Server listening" in self.log()


def make_ssh_key(file: Path) -> None:
    """Write a new key pair to ``file`` and ``file``.pub."""
    keygen = require("ssh-keygen", package="openssh-client")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True, timeout=_PATIENCE)


def make_pki(directory: Path, *, address: str = _HERE) -> None:
    """Write a CA, and a server's and a client's certificate of it with their keys, in libvirt's names."""
    directory.mkdir()
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("ca", authority_key, "ca", authority_key, address=None)
    _write(directory / "cacert.pem", authority)
    for role, name in (("server", address), ("client", None)):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(directory / f"{role}cert.pem", _certificate(role, key, "ca", authority_key, address=name))
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (directory / f"{role}key.pem").write_bytes(pem)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    address: str | None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    authority = name == issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(_common_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if address is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _write(file: Path, certificate: x509.Certificate) -> None:
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _as_an_ordinary_user() -> Sequence[str]:
    """What lets root's libvirtd believe that it is unprivileged, as the lab's does."""
    return _prefix("--user")


def _with_a_run_directory() -> Sequence[str]:
    """What gives root's sshd its directory `/run/sshd`, in a mount namespace of its own."""
    script = 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$@"'
    return (*prefix, "sh", "-c", script, "sh") if (prefix := _prefix("--mount")) else ()


def _prefix(namespace: str) -> Sequence[str]:
    """A command before a daemon's own; for root only, and only where namespaces are permitted."""
    if os.geteuid() != 0:
        return ()
    prefix = (require("unshare", package="util-linux"), namespace, "--")
    tried = subprocess.run([*prefix, "true"], check=False, capture_output=True, timeout=_PATIENCE)
    return prefix if tried.returncode == 0 else ()
