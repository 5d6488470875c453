"""libvirtd with the QEMU and LXC drivers, its network and its guests."""

import json
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Self
from xml.sax.saxutils import escape, quoteattr

import libvirt

from skulldns.errors import Unavailable
from skulldns.lab.guests import connect
from skulldns.lab.waiting import until
from tests.laboratory.files import KERNEL, write_initramfs, write_root
from tests.laboratory.guest import Guest, Wanted, draw_mac

if TYPE_CHECKING:
    from tests.laboratory.laboratory import Laboratory

NETWORK = "guests"
_METADATA = "https://skulldns.org/guest/1"
_PATIENCE = 30.0

# No service of the system may be asked to log, lock, confine or account for a guest.
_QEMU_CONF = """
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = [ ]
stdio_handler = "file"
remember_owner = 0
"""
_LIBVIRTD_CONF = """
unix_sock_dir = "{home}"
auth_unix_rw = "none"
auth_unix_ro = "none"
"""
_DEAF_CONF = """
listen_tcp = 0
listen_tls = 0
"""
_LISTEN_CONF = """
listen_addr = "127.0.0.1"
listen_tcp = 1
listen_tls = 1
auth_tcp = "none"
auth_tls = "none"
ca_file = "{pki}/cacert.pem"
cert_file = "{pki}/servercert.pem"
key_file = "{pki}/serverkey.pem"
"""
_NETWORK_XML = """
<network xmlns:dnsmasq="http://libvirt.org/schemas/network/dnsmasq/1.0">
  <name>{network}</name>
  <bridge name="{bridge}" stp="off" delay="0"/>
  <forward mode="open"/>
  <ip address="198.51.100.1" prefix="24">
    <dhcp><range start="198.51.100.10" end="198.51.100.199"/></dhcp>
  </ip>
  <dnsmasq:options><dnsmasq:option value="no-ping"/></dnsmasq:options>
</network>
"""
_QEMU_XML = """
<domain type="qemu">
  <name>{name}</name>
  {metadata}
  <memory unit="MiB">128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch="x86_64" machine="q35">hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd>
    <cmdline>console=ttyS0 quiet panic=1 tsc=unstable {variables}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type="network">
      <mac address="{mac}"/><source network="{network}"/><model type="virtio"/>
      <rom enabled="no"/>
    </interface>
    <serial type="file"><source path="{log}"/></serial>
    <memballoon model="none"/>
  </devices>
</domain>
"""
_LXC_XML = """
<domain type="lxc">
  <name>{name}</name>
  {metadata}
  <memory unit="MiB">64</memory>
  <os><type>exe</type><init>/init</init>{variables}</os>
  <devices>
    <filesystem type="mount"><source dir="{root}"/><target dir="/"/></filesystem>
    <interface type="network"><mac address="{mac}"/><source network="{network}"/></interface>
    <console type="pty"/>
  </devices>
</domain>
"""


class Libvirt:
    """One libvirtd for both drivers; `server` is its process."""

    def __init__(self, laboratory: "Laboratory") -> None:
        self.laboratory = laboratory
        self.home = laboratory.directory / "libvirt"
        self.home.mkdir()
        self.bridge = laboratory.bridge("vir")
        config = laboratory.directory / "root" / "etc" / "libvirt"
        (config / "qemu.conf").write_text(_QEMU_CONF)
        self._config = config / "libvirtd.conf"
        self._config.write_text(_LIBVIRTD_CONF.format(home=self.home) + _DEAF_CONF)
        self.server = laboratory.serve(
            "libvirtd",
            "libvirtd",
            "--config",
            "/etc/libvirt/libvirtd.conf",
            "--listen",
            environment={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/no-dbus"},
        )
        self.server.await_file(self.home / "libvirt-sock")
        self.qemu = self._connect("qemu")
        self.lxc = self._connect("lxc")
        self._add_network()

    def uri(self, driver: str, *, read_only: bool = False) -> str:
        """The URI of the driver `qemu` or `lxc`."""
        socket = self.home / ("libvirt-sock-ro" if read_only else "libvirt-sock")
        return f"{driver}+unix:///system?socket={socket}"

    def listen(self, pki: Path) -> None:
        """Serve TCP and TLS on loopback as well, at their usual ports, with the certificates in `pki`."""
        self.server.stop()
        own, listening = _LIBVIRTD_CONF.format(home=self.home), _LISTEN_CONF.format(pki=pki)
        self._config.write_text(own + listening)
        self.restart()

    def create_machine(self, wanted: Wanted) -> "Machine":
        """Define a QEMU machine."""
        return Machine(self, wanted)

    def create_container(self, wanted: Wanted) -> "Container":
        """Define a container of libvirt's LXC driver."""
        return Container(self, wanted)

    def leases(self) -> dict[str, str]:
        """The leased addresses by MAC."""
        status = self.laboratory.directory / "root/var/lib/libvirt/dnsmasq" / f"{self.bridge}.status"
        try:
            entries = json.loads(status.read_text() or "[]")
        except FileNotFoundError:
            return {}
        except ValueError:  # it is being written
            return {}
        return {entry["mac-address"]: entry["ip-address"] for entry in entries}

    def restart(self) -> None:
        """Start libvirtd again after `server.kill()` or `server.stop()`, and connect anew."""
        self.server.start()
        self.server.await_file(self.home / "libvirt-sock")
        self.qemu, self.lxc = self._connect("qemu"), self._connect("lxc")

    def _connect(self, driver: str) -> libvirt.virConnect:
        found: list[libvirt.virConnect] = []

        def try_once() -> bool:
            try:
                found.append(connect(self.uri(driver)))
            except libvirt.libvirtError as error:
                if not self.server.is_running():
                    raise Unavailable(f"libvirtd ended: {self.server.last_words()}") from error
                return False
            return True

        until(try_once, f"libvirtd's {driver} driver", patience=_PATIENCE)
        return found[0]

    def _add_network(self) -> None:
        self.qemu.networkDefineXML(_NETWORK_XML.format(network=NETWORK, bridge=self.bridge)).create()

    @property
    def initramfs(self) -> Path:
        """The image that every machine boots; packed once."""
        image = self.home / "initramfs"
        if not image.exists():
            root = self.home / "initramfs.d"
            write_root(root)
            write_initramfs(root, image)
        return image


class _Domain(Guest):
    """A domain of either driver."""

    def __init__(self, hypervisor: Libvirt, driver: str, wanted: Wanted) -> None:
        self.name = wanted.name
        self.mac = wanted.mac or draw_mac("52:54:00")
        self.hypervisor = hypervisor
        self._driver = driver
        self._connection().defineXML(self._xml(wanted))

    @property
    def uuid(self) -> str:
        """Its identity."""
        return str(self._domain().UUIDString())

    def start(self) -> Self:
        self._domain().create()
        return self

    def stop(self) -> None:
        self._domain().destroy()

    def destroy(self) -> None:
        domain = self._domain()
        if domain.isActive():
            domain.destroy()
        domain.undefine()

    def lease(self) -> str | None:
        return self.hypervisor.leases().get(self.mac)

    def _connection(self) -> libvirt.virConnect:
        return self.hypervisor.qemu if self._driver == "qemu" else self.hypervisor.lxc

    def _domain(self) -> libvirt.virDomain:
        return self._connection().lookupByName(self.name)

    def _metadata(self, wanted: Wanted) -> str:
        if wanted.owner is None:
            return ""
        owner = f"<s:owner>{escape(wanted.owner)}</s:owner>"
        return f'<metadata><s:guest xmlns:s="{_METADATA}">{owner}</s:guest></metadata>'

    def _xml(self, wanted: Wanted) -> str:
        raise NotImplementedError


class Machine(_Domain):
    """A machine that QEMU emulates."""

    def __init__(self, hypervisor: Libvirt, wanted: Wanted) -> None:
        super().__init__(hypervisor, "qemu", wanted)
        self._address: str | None = None

    def run(self, *argv: str) -> str:
        """Run a command in it by way of its web server, at the address that it was first found at."""
        laboratory = self.hypervisor.laboratory
        self._address = self._address or laboratory.await_lease(self)
        page = f"http://{self._address}/cgi-bin/run"
        ask = ("busybox", "wget", "-Y", "off", "-q", "-O", "-", "--post-data", shlex.join(argv), page)
        output, _, status = laboratory.run(*ask).stdout.rstrip("\n").rpartition("\n")
        if status != "0":
            raise Unavailable(f"{argv[0]} failed in {self.name} ({status}): {output.strip()}")
        return output

    @property
    def console(self) -> Path:
        """What it wrote on its serial line."""
        return self.hypervisor.home / f"{self.name}.console"

    def _xml(self, wanted: Wanted) -> str:
        variables = " ".join(f"{name}={value}" for name, value in wanted.environment().items())
        return _QEMU_XML.format(
            name=escape(wanted.name),
            metadata=self._metadata(wanted),
            kernel=KERNEL,
            initrd=self.hypervisor.initramfs,
            variables=escape(variables),
            mac=self.mac,
            network=NETWORK,
            log=self.console,
        )


class Container(_Domain):
    """A container of libvirt's LXC driver."""

    def __init__(self, hypervisor: Libvirt, wanted: Wanted) -> None:
        self._root = hypervisor.home / "roots" / wanted.name
        write_root(self._root)
        super().__init__(hypervisor, "lxc", wanted)

    def destroy(self) -> None:
        super().destroy()
        shutil.rmtree(self._root)

    def run(self, *argv: str) -> str:
        uri = self.hypervisor.uri("lxc")
        enter = ("virsh", "-q", "-c", uri, "lxc-enter-namespace", "--noseclabel", self.name, "--")
        return self.hypervisor.laboratory.run(*enter, f"/bin/{argv[0]}", *argv[1:]).stdout

    def _xml(self, wanted: Wanted) -> str:
        variables = "".join(
            f"<initenv name={quoteattr(name)}>{escape(value)}</initenv>"
            for name, value in wanted.environment().items()
        )
        return _LXC_XML.format(
            name=escape(wanted.name),
            metadata=self._metadata(wanted),
            variables=variables,
            root=self._root,
            mac=self.mac,
            network=NETWORK,
        )
