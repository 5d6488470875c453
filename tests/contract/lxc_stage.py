"""The stage of classic LXC: real containers without an address of their own, whose leases the stage writes."""

import shutil
import time
from itertools import count
from pathlib import Path

from skulldns.model.guests import GuestId
from skulldns.sources.lxc import LxcSource
from tests.contract.source_stages import Stage
from tests.laboratory.files import write_root
from tests.laboratory.laboratory import Laboratory

_BRIDGE = "lab"
_CONFIG = """
lxc.rootfs.path = dir:{root}
lxc.init.cmd = /init
lxc.environment = GUEST_NAME=contract
lxc.environment = GUEST_DHCP=no
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.apparmor.profile = unconfined
lxc.net.0.type = veth
lxc.net.0.link = {bridge}
lxc.net.0.flags = up
lxc.net.0.hwaddr = {mac}
{owner}
"""


class LxcStage(Stage):
    """Containers below a path of their own in a laboratory."""

    rename_keeps_identity = False

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self.path = laboratory.directory / "contract"
        self._leases = laboratory.directory / "contract.leases"
        self._numbers = count(1)
        self._macs: dict[GuestId, str] = {}

    def source(self) -> LxcSource:
        return LxcSource(self.path, leases=(self._leases,), command=self.laboratory.command())

    def define(self, name: str, *, owner: str | None = None) -> GuestId:
        identity = GuestId(f"lxc:{self.path}/{name}")
        self._macs[identity] = f"00:16:3e:00:00:{next(self._numbers):02x}"
        (self._directory(identity) / "rootfs").mkdir(parents=True)
        self._write(identity, owner)
        return identity

    def start(self, guest: GuestId) -> None:
        root = self._directory(guest) / "rootfs"
        if not (root / "init").exists():
            root.rmdir()
            write_root(root)
        self._lxc("lxc-start", guest)
        mac = self._macs[guest]
        with self._leases.open("a", encoding="utf-8") as file:
            file.write(f"{int(time.time()) + 3600} {mac} 192.0.2.{int(mac[-2:], 16)} * *\n")

    def stop(self, guest: GuestId) -> None:
        self._lxc("lxc-stop", guest, "--kill")

    def rename(self, guest: GuestId, name: str) -> None:
        self._lxc("lxc-copy", guest, "--rename", "--newname", name)

    def assign(self, guest: GuestId, owner: str) -> None:
        self._write(guest, owner)

    def undefine(self, guest: GuestId) -> None:
        shutil.rmtree(self._directory(guest))

    def break_down(self) -> None:
        self._stop_all()
        aside = self.path.with_suffix(".gone")
        self.path.rename(aside)
        shutil.rmtree(aside)

    def recover(self) -> None:
        self.path.mkdir()

    def clear(self) -> None:
        """Make the bridge and an empty directory of containers, whatever a test left."""
        run = self.laboratory.run
        if run("ip", "link", "show", _BRIDGE, check=False).returncode:
            run("ip", "link", "add", _BRIDGE, "type", "bridge")
            run("ip", "link", "set", _BRIDGE, "up")
        self._leases.write_text("", encoding="utf-8")
        if self.path.exists():
            self.break_down()
        self.recover()

    def _stop_all(self) -> None:
        running = self.laboratory.run("lxc-ls", "-P", self.path, "--active", "-1").stdout
        for name in running.split():
            self.stop(GuestId(f"lxc:{self.path}/{name}"))

    def _directory(self, guest: GuestId) -> Path:
        return Path(guest.removeprefix("lxc:"))

    def _write(self, guest: GuestId, owner: str | None) -> None:
        said = f"lxc.environment = SKULLDNS_OWNER={owner}" if owner else ""
        text = _CONFIG.format(
            root=self._directory(guest) / "rootfs", bridge=_BRIDGE, mac=self._macs[guest], owner=said
        )
        (self._directory(guest) / "config").write_text(text, encoding="utf-8")

    def _lxc(self, tool: str, guest: GuestId, *arguments: str) -> str:
        name = self._directory(guest).name
        return self.laboratory.run(tool, "-P", self.path, "-n", name, *arguments).stdout
