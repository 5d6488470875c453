"""LXD and Incus, each with one managed bridge."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.laboratory.files import write_root
from tests.laboratory.guest import Guest, Wanted, draw_mac, read_leases

if TYPE_CHECKING:
    from tests.laboratory.laboratory import Laboratory

_PATIENCE = 60.0
_IMAGE = "busybox"
_METADATA = """architecture: x86_64
creation_date: 1
properties: {description: busybox, os: busybox}
"""
_PRESEED = """
config: {{}}
storage_pools:
  - {{name: default, driver: dir}}
networks:
  - name: {bridge}
    type: bridge
    config:
      ipv4.address: {address}
      ipv4.dhcp.ranges: {leases}
      ipv4.nat: "false"
      ipv4.firewall: "false"
      ipv6.address: none
      dns.mode: none
profiles:
  - name: default
    devices:
      root: {{type: disk, path: /, pool: default}}
      eth0: {{type: nic, network: {bridge}, name: eth0}}
"""


class Lxd:
    """One LXD; `socket` speaks its REST API."""

    kind = "lxd"
    _daemon = ("lxd", "--group", "root")
    _admin: tuple[str, ...] = ("lxd",)
    _client = "/usr/bin/lxc"
    _address = "203.0.113.1/24"
    _leases = "203.0.113.10-203.0.113.199"

    def __init__(self, laboratory: "Laboratory") -> None:
        self.laboratory = laboratory
        self.home = laboratory.directory / self.kind
        self.home.mkdir(mode=0o711)
        self.socket = self.home / "unix.socket"
        self.bridge = laboratory.bridge(self.kind)
        self._environment = {
            f"{self.kind.upper()}_DIR": str(self.home),
            f"{self.kind.upper()}_CONF": str(laboratory.directory / f"{self.kind}-client"),
            f"{self.kind.upper()}_SECURITY_APPARMOR": "false",
        }
        self.server = laboratory.serve(self.kind, *self._daemon, environment=self._environment)
        self.server.await_file(self.socket)
        self.lxd("waitready", "--timeout=60")
        preseed = _PRESEED.format(bridge=self.bridge, address=self._address, leases=self._leases)
        self.lxd("init", "--preseed", text=preseed)
        self._import_image()

    def create(self, wanted: Wanted) -> "LxdContainer":
        """Make a container."""
        return LxdContainer(self, wanted)

    def client(self, *arguments: str, text: str = "") -> str:
        """Run `lxc`, LXD's client, or `incus`."""
        return self.laboratory.run(self._client, *arguments, text=text, environment=self._environment).stdout

    def lxd(self, *arguments: str, text: str = "") -> str:
        """Run a verb of the server's own program, or of `incus admin`."""
        return self.laboratory.run(*self._admin, *arguments, text=text, environment=self._environment).stdout

    def ask(self, path: str) -> Any:
        """What the REST API answers to a GET of this path."""
        return json.loads(self.client("query", path))

    def leases(self) -> dict[str, str]:
        """The leased addresses by MAC."""
        return read_leases(self.home / "networks" / self.bridge / "dnsmasq.leases")

    def _import_image(self) -> None:
        source = self.laboratory.directory / "image"
        write_root(source / "rootfs")
        (source / "metadata.yaml").write_text(_METADATA)
        image = self.laboratory.directory / "image.tar"
        with tarfile.open(image, "w") as archive:
            for path in ("metadata.yaml", "rootfs"):
                archive.add(source / path, path)
        self.client("image", "import", str(image), "--alias", _IMAGE)
        image.unlink()
        shutil.rmtree(source)


class Incus(Lxd):
    """One Incus, which Debian 12 has in its backports only."""

    kind = "incus"
    program = shutil.which("incusd") or "/usr/libexec/incus/incusd"
    _daemon = (program, "--group", "root")
    _admin = ("incus", "admin")
    _client = "incus"
    _address = "203.0.113.209/28"  # apart from what LXD leases
    _leases = "203.0.113.210-203.0.113.222"

    @classmethod
    def is_here(cls) -> bool:
        """Whether it is installed."""
        return Path(cls.program).exists() and shutil.which(cls._client) is not None


class LxdContainer(Guest):
    """One instance."""

    def __init__(self, hypervisor: Lxd, wanted: Wanted) -> None:
        self.name = wanted.name
        self.mac = wanted.mac or draw_mac("00:16:3e")
        self.hypervisor = hypervisor
        settings = {"security.privileged": "true", "volatile.eth0.hwaddr": self.mac}
        settings |= {f"environment.{name}": value for name, value in wanted.environment().items()}
        if wanted.owner is not None:
            settings["user.skulldns.owner"] = wanted.owner
        options = [f"--config={name}={value}" for name, value in settings.items()]
        hypervisor.client("init", _IMAGE, self.name, *options)

    def start(self) -> Self:
        self.hypervisor.client("start", self.name)
        return self

    def stop(self) -> None:
        self.hypervisor.client("stop", "--force", self.name)

    def destroy(self) -> None:
        self.hypervisor.client("delete", "--force", self.name)

    def run(self, *argv: str) -> str:
        return self.hypervisor.client("exec", "--force-noninteractive", self.name, "--", *argv)

    def lease(self) -> str | None:
        return self.hypervisor.leases().get(self.mac)
