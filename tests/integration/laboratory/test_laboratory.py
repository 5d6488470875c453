"""The laboratory itself: guests of every kind boot in it, and nothing of it stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from skulldns.lab.waiting import until
from tests.laboratory.guest import Guest, Wanted
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.needs import require_laboratory
from tests.laboratory.traces import Traces, system_files

_NETWORKS = {
    "machine": "198.51.100.",
    "container": "198.51.100.",
    "classic": "192.0.2.",
    "instance": "203.0.113.",
}
_PATIENCE = 60.0
_USER = """
import sys
from tests.laboratory.guest import Wanted
from tests.laboratory.laboratory import Laboratory
laboratory = Laboratory.up()
laboratory.lxc.create(Wanted("classic")).start()
print(laboratory.directory, laboratory.pid, laboratory.keeper_pid, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Four:
    """One guest of each kind, and how long they took from nothing to their pages, in seconds."""

    guests: dict[str, Guest]
    seconds: float

    def address(self, kind: str) -> str:
        found = self.guests[kind].lease()
        assert found
        return found


@pytest.fixture(scope="module")
def four(laboratory: Laboratory) -> Four:
    begun = time.monotonic()
    guests: dict[str, Guest] = {
        "machine": laboratory.libvirt.create_machine(Wanted("machine", asks="ns1")).start(),
        "container": laboratory.libvirt.create_container(Wanted("container", asks="ns1")).start(),
        "classic": laboratory.lxc.create(Wanted("classic", asks="ns1")).start(),
        "instance": laboratory.lxd.create(Wanted("instance", asks="ns1")).start(),
    }
    for guest in guests.values():
        laboratory.await_page(laboratory.await_lease(guest), guest.name)
    return Four(guests, time.monotonic() - begun)


class TestGuests:
    def test_all_four_boot_in_half_a_minute(self, four: Four, capsys: pytest.CaptureFixture[str]) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\nfour guests from nothing to their pages: {four.seconds:.1f} s\n")
        assert four.seconds < _PATIENCE, "half a minute on an idle machine"

    @pytest.mark.parametrize(("kind", "network"), list(_NETWORKS.items()))
    def test_each_says_its_name(self, laboratory: Laboratory, four: Four, kind: str, network: str) -> None:
        address = four.address(kind)
        assert address.startswith(network)
        assert laboratory.page(address) == kind

    @pytest.mark.parametrize("kind", ["container", "classic", "instance"])
    def test_commands_run_in_containers(self, four: Four, kind: str) -> None:
        assert four.address(kind) in four.guests[kind].run("ip", "-4", "address", "show", "dev", "eth0")

    def test_a_guest_asks_dhcp_for_the_name_it_wants(self, laboratory: Laboratory, four: Four) -> None:
        lines = [line.split() for line in laboratory.lxc.leases_file.read_text().splitlines()]
        (asked,) = [name for _, mac, _, name, *_ in lines if mac == four.guests["classic"].mac]
        assert asked == "ns1"

    def test_a_guest_takes_an_address_by_hand(self, laboratory: Laboratory, four: Four) -> None:
        guest = four.guests["classic"]
        guest.run("ip", "address", "add", "192.0.2.250/24", "dev", "eth0")
        laboratory.await_page("192.0.2.250", "classic")
        guest.run("ip", "address", "del", "192.0.2.250/24", "dev", "eth0")

    def test_a_static_address_needs_no_lease(self, laboratory: Laboratory) -> None:
        guest = laboratory.lxc.create(Wanted("static", dhcp=False), static="192.0.2.251/24").start()
        laboratory.await_page("192.0.2.251", "static")
        assert guest.lease() is None
        guest.destroy()

    def test_a_guest_stops_starts_and_goes(self, laboratory: Laboratory) -> None:
        guests: list[Guest] = [
            laboratory.libvirt.create_container(Wanted("short-one")),
            laboratory.lxc.create(Wanted("short-two")),
            laboratory.lxd.create(Wanted("short-three")),
        ]
        for guest in guests:
            guest.start()
            guest.stop()
            guest.start()
        for guest in guests:
            laboratory.await_page(laboratory.await_lease(guest), guest.name)
            guest.destroy()
        assert "short" not in laboratory.lxd.client("list", "--format=csv")
        assert not [one.name() for one in laboratory.libvirt.lxc.listAllDomains() if "short" in one.name()]

    def test_a_killed_libvirtd_comes_back_with_its_guests(self, laboratory: Laboratory, four: Four) -> None:
        laboratory.libvirt.server.kill()
        laboratory.libvirt.restart()
        assert laboratory.libvirt.qemu.lookupByName("machine").isActive()
        assert laboratory.page(four.address("machine")) == "machine"

    def test_traces_are_seen_while_it_lives(self, laboratory: Laboratory, four: Four) -> None:
        assert four.guests
        kinds = {line.partition(" ")[0] for line in Traces.of(laboratory.directory, laboratory.pid).found()}
        assert kinds == {"process", "control", "directory"}, "mounts and bridges are inside only"


class TestNothingStays:
    @pytest.fixture(autouse=True)
    def _system_is_left_alone(self) -> Iterator[None]:
        require_laboratory()
        before = system_files()
        yield
        assert system_files() == before

    def test_after_a_test_that_fails(self) -> None:
        laboratory = Laboratory.up()
        traces = Traces.of(laboratory.directory, laboratory.pid)
        with pytest.raises(ZeroDivisionError), laboratory:
            _start_and_fail(laboratory)
        assert traces.found() == []

    def test_after_the_user_was_killed(self) -> None:
        with _user() as user:
            traces, _ = _traces(user)
            assert traces.found()
            user.kill()
        until(lambda: not traces.found(), "the end of the laboratory", patience=_PATIENCE)

    def test_after_the_keeper_was_killed(self) -> None:
        laboratory = Laboratory.up()
        traces = Traces.of(laboratory.directory, laboratory.pid)
        laboratory.lxc.create(Wanted("one")).start()
        os.kill(laboratory.keeper_pid, signal.SIGKILL)
        until(lambda: not _processes(traces), "the end of its processes", patience=_PATIENCE)
        laboratory.down()
        assert traces.found() == []

    def test_after_a_signal_to_the_keeper(self) -> None:
        with _user() as user:
            traces, keeper = _traces(user)
            os.kill(keeper, signal.SIGTERM)
            until(lambda: not traces.found(), "the end of the laboratory", patience=_PATIENCE)
            user.kill()


def _start_and_fail(laboratory: Laboratory) -> None:
    laboratory.libvirt.create_container(Wanted("one")).start()
    laboratory.lxc.create(Wanted("two")).start()
    laboratory.lxd.create(Wanted("three")).start()
    laboratory.run("lxc-freeze", "-P", laboratory.lxc.path, "-n", "two")  # what is frozen ends too
    laboratory.lxd.server.process.suspend()
    raise ZeroDivisionError


def _user() -> subprocess.Popen[str]:
    """A process that has a laboratory with a running guest."""
    return subprocess.Popen(
        [sys.executable, "-c", _USER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def _traces(user: subprocess.Popen[str]) -> tuple[Traces, int]:
    assert user.stdout
    directory, pid, keeper = user.stdout.readline().split()
    return Traces.of(Path(directory), int(pid)), int(keeper)


def _processes(traces: Traces) -> list[str]:
    return [line for line in traces.found() if line.startswith("process")]
