"""SkullDNS in a laboratory: ns1, ns2 and the daemon, which watches the laboratory's hypervisors."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from skulldns.lab import Lab
from tests.laboratory.classic import LxcPath
from tests.laboratory.laboratory import Laboratory

ZONE = "vmsrv.test"
_NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
_REVERSE = ("2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa")


def every_source(laboratory: Laboratory) -> list[dict[str, Any]]:
    """The sources of all four hypervisors, as skulldns.yaml has them; they are started."""
    return [
        {"kind": "libvirt", "uri": laboratory.libvirt.uri("qemu", read_only=True), "zone": ZONE},
        {"kind": "libvirt", "uri": laboratory.libvirt.uri("lxc", read_only=True), "zone": ZONE},
        _lxc(laboratory.lxc),
        {"kind": "incus", "socket": str(laboratory.lxd.socket), "zone": ZONE},
    ]


def user_source(laboratory: Laboratory) -> dict[str, Any]:
    """The source of the containers of the laboratory's user."""
    return _lxc(laboratory.user_lxc)


@contextmanager
def installed(laboratory: Laboratory, sources: Sequence[Mapping[str, Any]]) -> Iterator[Lab]:
    """Run a lab with these sources in the laboratory.

    The calling thread is in the laboratory's network for the length of the block, so that it reaches the name
    servers. The processes are in the laboratory's PID namespace: only what goes over files and sockets
    (`info`, `start`, `stop`, the daemon's control socket) works on the lab from here.
    """
    directory = laboratory.directory / "lab"
    directory.mkdir(mode=0o700)
    surroundings = {"sources": sources, "networks": _NETWORKS, "reverse": _REVERSE}
    (directory / "surroundings.json").write_text(json.dumps(surroundings), encoding="utf-8")
    _skulldns(laboratory, "lab", "up", "--detach", "--dir", str(directory))
    try:
        with laboratory.network():
            yield Lab(directory)
    finally:
        _skulldns(laboratory, "lab", "down", "--dir", str(directory))


def status(laboratory: Laboratory) -> Any:
    """What `skulldns status --json` prints in the laboratory."""
    config = laboratory.directory / "lab" / "skulldns.yaml"
    return json.loads(_skulldns(laboratory, "--config", str(config), "status", "--json").stdout)


def _lxc(containers: LxcPath) -> dict[str, Any]:
    leases = [str(containers.leases_file)]
    return {"kind": "lxc", "path": str(containers.path), "leases": leases, "zone": ZONE}


def _skulldns(laboratory: Laboratory, *arguments: str) -> subprocess.CompletedProcess[str]:
    return laboratory.run(sys.executable, "-m", "skulldns", *arguments)
