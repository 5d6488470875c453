"""A private `libvirtd` with libvirt's built-in test driver: guests that need no hardware and no root."""

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import libvirt

from skulldns.lab.guests import NETWORK, connect
from skulldns.lab.part import Part, program, render
from skulldns.lab.place import Place

# Guests get their addresses from here; all of 127/8 is loopback, so a real server can listen on each of them.
_NETWORK_XML = f"""
<network>
  <name>{NETWORK}</name>
  <ip address="127.7.0.1" prefix="16">
    <dhcp><range start="127.7.0.2" end="127.7.255.254"/></dhcp>
  </ip>
</network>
"""


class Hypervisor(Part):
    """`libvirtd`. The test driver forgets everything with its last connection, so the lab holds one open."""

    name = "libvirtd"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._held: libvirt.virConnect | None = None
        self._user_namespace: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """The libvirt URI of this lab."""
        return f"test+unix:///default?socket={self._home / 'libvirt-sock'}"

    def write(self) -> None:
        """Its configuration and the directories it takes for its user's own."""
        self._choose_namespace()
        self._home.mkdir(mode=0o700)
        for name in ("drivers", "xdg"):
            (self._home / name).mkdir(mode=0o700)
        render("libvirtd.conf.j2", self._home / "libvirtd.conf", run=self._home)

    def argv(self) -> Sequence[str]:
        """`libvirtd` in the foreground."""
        config, pid_file = str(self._home / "libvirtd.conf"), str(self._home / "libvirtd.pid")
        daemon = program("libvirtd", "libvirt-daemon")
        return (daemon, "--config", config, "--pid-file", pid_file)

    def wrapper(self) -> Sequence[str]:
        """For root, a user namespace of its own."""
        return self._user_namespace

    def environment(self) -> Mapping[str, str]:
        """Keep it inside the lab: no driver module to load, no directory of the user, no D-Bus."""
        xdg = str(self._home / "xdg")
        nowhere = f"unix:path={self._home / 'no-dbus'}"
        return {
            "LIBVIRT_DRIVER_DIR": str(self._home / "drivers"),
            "XDG_RUNTIME_DIR": xdg,
            "XDG_CONFIG_HOME": xdg,
            "XDG_CACHE_HOME": xdg,
            "XDG_DATA_HOME": xdg,
            "DBUS_SESSION_BUS_ADDRESS": nowhere,
            "DBUS_SYSTEM_BUS_ADDRESS": nowhere,
        }

    async def ready(self) -> bool:
        """It accepts a connection, which is kept, and its sample guests gave way to the lab's network."""
        if self._held is None:
            if not (self._home / "libvirt-sock").exists():
                return False
            try:
                self._held = await asyncio.to_thread(connect, self.uri)
            except libvirt.libvirtError:
                return False
            await asyncio.to_thread(_furnish, self._held)
        return True

    def ended(self) -> None:
        """Drop the held connection; its socket file would look like a living server."""
        (self._home / "libvirt-sock").unlink(missing_ok=True)
        self._held = None

    def entry(self) -> Mapping[str, Any]:
        """The URI for every client, and the network that guests join."""
        return {"libvirt_uri": self.uri, "libvirt_network": NETWORK}

    @property
    def _home(self) -> Path:
        return self.place.run / "libvirt"

    def _choose_namespace(self) -> None:
        """Let root's libvirtd believe that it is unprivileged, so that it touches nothing of the system.

        In a new user namespace root keeps its files but loses its right to pass other people's private
        directories: then the lab's socket directory moves to a short one of its own. Where namespaces are not
        permitted (containers), libvirtd runs without.
        """
        if os.geteuid() != 0:
            return
        namespace = (program("unshare", "util-linux"), "--user", "--")
        if not _can_write(namespace, self.place.run):
            self.place.shorten()
        if _can_write(namespace, self.place.run):
            self._user_namespace = namespace


def _can_write(prefix: Sequence[str], directory: Path) -> bool:
    test = (*prefix, "test", "-w", str(directory), "-a", "-x", str(directory))
    return subprocess.run(test, check=False, stderr=subprocess.DEVNULL).returncode == 0


def _furnish(connection: libvirt.virConnect) -> None:
    for domain in connection.listAllDomains():
        if domain.isActive():
            domain.destroy()
        domain.undefine()
    for network in connection.listAllNetworks():
        if network.isActive():
            network.destroy()
        network.undefine()
    connection.networkDefineXML(_NETWORK_XML).create()
