"""Classic LXC: containers under a path, a bridge and a dnsmasq as Debian's lxc-net has them."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from skulldns.lab.waiting import until
from tests.laboratory.files import write_root
from tests.laboratory.guest import Guest, Wanted, draw_mac, read_leases

if TYPE_CHECKING:
    from tests.laboratory.laboratory import Laboratory

_CONFIG = """
lxc.uts.name = {name}
lxc.rootfs.path = dir:{root}
lxc.init.cmd = /init
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.apparmor.profile = unconfined
lxc.net.0.type = veth
lxc.net.0.link = {bridge}
lxc.net.0.flags = up
lxc.net.0.name = eth0
lxc.net.0.hwaddr = {mac}
{more}
"""


class LxcPath:
    """The containers under `path`; `leases_file` is dnsmasq's, in its own format.

    `user` stands before LXC's programs, whose logs are in `logs`.
    """

    logs: Path

    def __init__(self, laboratory: "Laboratory", path: Path, user: Iterable[str] = ()) -> None:
        self.laboratory = laboratory
        self.path = path
        self.user = tuple(user)
        self.bridge = laboratory.bridge("lxc")
        self.leases_file = laboratory.directory / "lxc.leases"

    def leases(self) -> dict[str, str]:
        """The leased addresses by MAC."""
        return read_leases(self.leases_file)


class ClassicLxc(LxcPath):
    """Root's containers, and the bridge of all."""

    def __init__(self, laboratory: "Laboratory") -> None:
        super().__init__(laboratory, laboratory.directory / "lxc")
        self.path.mkdir()
        self.logs = laboratory.directory / "log"
        self._add_bridge()
        self.server = laboratory.serve(
            "dnsmasq",
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--user=root",
            "--pid-file=",
            "--port=0",
            "--bind-interfaces",
            f"--interface={self.bridge}",
            "--except-interface=lo",
            "--dhcp-range=192.0.2.10,192.0.2.199,1h",
            "--dhcp-authoritative",
            "--no-ping",
            f"--dhcp-leasefile={self.leases_file}",
        )
        self.server.await_file(self.leases_file)

    def create(self, wanted: Wanted, *, static: str | None = None) -> "LxcContainer":
        """Make a container; `static` is an address with its prefix length that LXC gives it, as in 192.0.2.7/24."""
        more = [f"lxc.net.0.ipv4.address = {static}", "lxc.net.0.ipv4.gateway = 192.0.2.1"] if static else []
        return LxcContainer(self, wanted, more)

    def _add_bridge(self) -> None:
        self.laboratory.run("ip", "link", "add", self.bridge, "type", "bridge")
        self.laboratory.run("ip", "address", "add", "192.0.2.1/24", "dev", self.bridge)
        self.laboratory.run("ip", "link", "set", self.bridge, "up")


class LxcContainer(Guest):
    """One container."""

    def __init__(self, hypervisor: LxcPath, wanted: Wanted, config: Iterable[str] = ()) -> None:
        self.name = wanted.name
        self.mac = wanted.mac or draw_mac("00:16:3e")
        self.hypervisor = hypervisor
        self.directory = hypervisor.path / wanted.name
        root = self.root = self.directory / "rootfs"
        write_root(root)
        more = [f"lxc.environment = {name}={value}" for name, value in wanted.environment().items()]
        if wanted.owner is not None:
            more.append(f"lxc.environment = SKULLDNS_OWNER={wanted.owner}")
        text = _CONFIG.format(
            name=self.name,
            root=root,
            bridge=hypervisor.bridge,
            mac=self.mac,
            more="\n".join([*more, *config]),
        )
        (self.directory / "config").write_text(text)

    def start(self) -> Self:
        self._lxc("lxc-start", "--logfile", str(self.hypervisor.logs / f"lxc-{self.name}.log"))
        return self

    def stop(self) -> None:
        self._lxc("lxc-stop", "--kill")
        until(lambda: self.state() == "STOPPED", f"the end of {self.name}")

    def destroy(self) -> None:
        if self.state() != "STOPPED":
            self.stop()
        shutil.rmtree(self.directory)

    def state(self) -> str:
        """RUNNING, STOPPED and so on, as lxc-info says."""
        return self._lxc("lxc-info", "--state", "--no-humanize").strip()

    def run(self, *argv: str) -> str:
        return self._lxc("lxc-attach", "--clear-env", "--", *argv)

    def lease(self) -> str | None:
        return self.hypervisor.leases().get(self.mac)

    def _lxc(self, tool: str, *arguments: str) -> str:
        where = ("--lxcpath", str(self.hypervisor.path), "--name", self.name)
        return self.hypervisor.laboratory.run(*self.hypervisor.user, tool, *where, *arguments).stdout
