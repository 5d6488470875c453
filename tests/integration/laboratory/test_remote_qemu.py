"""Real machines of another host: QEMU over TCP, TLS and ssh, and two hosts at a time up to both name servers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from skulldns.model.guests import Guest as Seen
from skulldns.model.guests import GuestId, GuestState, Origin
from skulldns.sources.host.neighbours import Neighbours
from skulldns.sources.libvirt import LibvirtSource, Limits
from tests.contract.source_stages import Hints
from tests.integration.dnsview import both
from tests.integration.libvirtd import Sshd, make_pki
from tests.integration.served import answered, full, gone
from tests.laboratory.guest import Guest, Wanted
from tests.laboratory.installation import ZONE, installed, status
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.libvirtd import Libvirt
from tests.support import require

_HERE = "127.0.0.1"
_OTHER = "192.0.2.2"  # where the second host is for the first
_LIMITS = Limits(connect=30.0)
_PATIENCE = 90.0
_TRANSPORTS = ("tcp", "tls", "ssh")

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Host:
    """One host of guests with its sshd, and what a client of it has."""

    libvirt: Libvirt
    sshd: Sshd
    address: str
    directory: Path

    def uri(self, driver: str, transport: str) -> str:
        """As an admin writes it, for the daemon's read-only socket where there is one."""
        user = ""
        options: dict[str, object] = {}
        if transport == "tls":
            options = {"pkipath": self.directory / "pki"}
        elif transport == "ssh":
            user = "root@"
            options = {
                "socket": self.libvirt.home / "libvirt-sock-ro",
                "proxy": "netcat",
                "keyfile": self.sshd.client_key,
                "command": self.directory / "ssh",
            }
        query = "&".join(f"{key}={value}" for key, value in options.items())
        return f"{driver}+{transport}://{user}{self.address}/system?{query}"


@pytest.fixture(scope="module")
def first(laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The host that SkullDNS reaches on loopback, in every way."""
    directory = tmp_path_factory.mktemp("first")
    make_pki(directory / "pki")
    laboratory.libvirt.listen(directory / "pki")
    with closing(_host(laboratory, _HERE, directory)) as sshd:
        yield Host(laboratory.libvirt, sshd, _HERE, directory)


@pytest.fixture(scope="module")
def second(laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Another host with a libvirtd of its own, at the other end of a cable."""
    with Laboratory.up() as other:
        _connect(laboratory, other)
        directory = tmp_path_factory.mktemp("second")
        with closing(_host(other, _OTHER, directory)) as sshd:
            yield Host(other.libvirt, sshd, _OTHER, directory)


@pytest.fixture(scope="module")
def lab(laboratory: Laboratory, first: Host, second: Host) -> Iterator[Lab]:
    """ns1, ns2 and the daemon, which watches both hosts over ssh."""
    require("named", package="bind9")
    sources = [
        {"kind": "libvirt", "uri": first.uri("qemu", "ssh"), "zone": ZONE},
        {"kind": "libvirt", "uri": second.uri("lxc", "ssh"), "zone": ZONE},
    ]
    with installed(laboratory, sources) as running:
        yield running


def _host(laboratory: Laboratory, address: str, directory: Path) -> Sshd:
    for program, package in (("ssh", "openssh-client"), ("nc", "netcat-openbsd")):
        require(program, package=package)
    sshd = Sshd(22, address, laboratory.command())
    try:
        sshd.start()
    except BaseException:
        sshd.close()
        raise
    sshd.ssh(directory / "ssh")
    return sshd


def _connect(one: Laboratory, other: Laboratory) -> None:
    """Lay a cable between them."""
    with one.network():
        pair = (
            "ip",
            "link",
            "add",
            "cable",
            "type",
            "veth",
            "peer",
            "name",
            "cable",
            "netns",
            str(other.pid),
        )
        subprocess.run(pair, check=True, timeout=30)
    for laboratory, address in ((one, "192.0.2.1"), (other, _OTHER)):
        laboratory.run("ip", "address", "add", f"{address}/24", "dev", "cable")
        laboratory.run("ip", "link", "set", "cable", "up")


def test_start_lease_and_stop_are_seen_over_each_transport(laboratory: Laboratory, first: Host) -> None:
    with ExitStack() as ending, laboratory.network():
        machine = ending.enter_context(first.libvirt.create_machine(Wanted("seen", owner="alice")))
        identity = GuestId(machine.uuid)
        watched: dict[str, tuple[LibvirtSource, Hints]] = {}
        for transport in _TRANSPORTS:
            source = LibvirtSource(first.uri("qemu", transport), neighbours=_not_there, limits=_LIMITS)
            ending.callback(source.close)
            watched[transport] = source, Hints(lambda guest: frozenset({guest}))
            source.watch(watched[transport][1])
            [guest] = source.guests()
            assert (guest.id, guest.name, guest.state) == (identity, "seen", GuestState.STOPPED)
            assert guest.options.owner == "alice"
            watched[transport][1].until_everything()
        machine.start()
        for source, hints in watched.values():
            hints.until_guest(identity)
            assert _look(source, identity).state is GuestState.RUNNING
        address = laboratory.await_lease(machine)
        for source, _ in watched.values():
            guest = _look(source, identity)
            assert [(str(one.ip), one.origin) for one in guest.addresses] == [(address, Origin.LEASE)]
            assert guest == next(iter(source.guests()))
        machine.stop()
        for source, hints in watched.values():
            hints.until_guest(identity)
            assert _look(source, identity).state is GuestState.STOPPED
            assert _look(source, identity).addresses == ()


def test_two_hosts_up_to_both_name_servers(
    laboratory: Laboratory, first: Host, second: Host, lab: Lab
) -> None:
    # Both hosts lease out of one range, from which dnsmasq takes an address by the MAC.
    with second.libvirt.create_container(Wanted("distant", mac="52:54:00:00:00:02")).start() as distant:
        with first.libvirt.create_machine(Wanted("near", mac="52:54:00:00:00:01")).start() as near:
            near_by, far_off = (_served(laboratory, lab, guest) for guest in (near, distant))
            second.libvirt.server.kill()
            _until(laboratory, qemu="ready", lxc="unavailable")
        gone(lab, "near", near_by)
        assert both(lab, full(lab, "distant")) == ((far_off,),) * 2
        second.libvirt.restart()
        _until(laboratory, qemu="ready", lxc="ready")
    gone(lab, "distant", far_off)


def _served(laboratory: Laboratory, lab: Lab, guest: Guest) -> str:
    """Wait until both servers answer for the guest, and return its address."""
    address = laboratory.await_lease(guest)
    leased = time.monotonic()
    answered(lab, guest.name, address)
    sys.stdout.write(f"{guest.name}: {time.monotonic() - leased:.1f} s from its lease to its name\n")
    return address


def _look(source: LibvirtSource, identity: GuestId) -> Seen:
    guest = source.guest(identity)
    assert guest is not None
    return guest


def _until(laboratory: Laboratory, **wanted: str) -> None:
    """Wait until `status` says this of each source, by its driver."""

    def said() -> bool:
        states = {source["name"]: source["state"] for source in status(laboratory)["sources"]}
        return all(
            state == states[name]
            for driver, state in wanted.items()
            for name in states
            if f" {driver}+" in name
        )

    begun = time.monotonic()
    until(said, f"the sources being {wanted}", patience=_PATIENCE)
    sys.stdout.write(f"{wanted} after {time.monotonic() - begun:.1f} s\n")


def _not_there() -> Neighbours:
    raise AssertionError("this host's neighbours mean nothing for guests of another one")
