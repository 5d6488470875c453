"""Real guests and their names: from nothing to both name servers and back, and guests that want another's."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both
from tests.integration.served import answered, full, gone
from tests.laboratory.guest import Guest, Wanted
from tests.laboratory.installation import every_source, installed, status, user_source
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.unprivileged import UID
from tests.rooms import ROOT
from tests.support import require

_PATIENCE = 60.0
_KINDS: Mapping[str, Callable[[Laboratory, Wanted], Guest]] = {
    "machine": lambda laboratory, wanted: laboratory.libvirt.create_machine(wanted),
    "container": lambda laboratory, wanted: laboratory.libvirt.create_container(wanted),
    "classic": lambda laboratory, wanted: laboratory.lxc.create(wanted),
    "instance": lambda laboratory, wanted: laboratory.lxd.create(wanted),
    "user": lambda laboratory, wanted: laboratory.user_lxc.create(wanted),
}
_CONTAINERS = ["container", "classic", "instance"]  # one kind of each hypervisor, in which commands run


@pytest.fixture(scope="module")
def lab(laboratory: Laboratory) -> Iterator[Lab]:
    """ns1, ns2 and the daemon, which watches all four hypervisors, and a user's containers."""
    require("named", package="bind9")
    with installed(laboratory, [*every_source(laboratory), user_source(laboratory)]) as running:
        yield running


@pytest.fixture(scope="module")
def victims(laboratory: Laboratory, lab: Lab) -> dict[str, Guest]:
    """An honest guest on each network, with its name served."""
    victims = {kind: _KINDS[kind](laboratory, Wanted(f"victim-{kind}")).start() for kind in _CONTAINERS}
    for victim in victims.values():
        answered(lab, victim.name, laboratory.await_lease(victim))
    return victims


class TestLife:
    @pytest.mark.parametrize("kind", _KINDS)
    def test_from_nothing_to_its_name_and_back(self, laboratory: Laboratory, lab: Lab, kind: str) -> None:
        with _KINDS[kind](laboratory, Wanted(f"life-{kind}", owner="alice")).start() as guest:
            address = laboratory.await_lease(guest)
            leased = time.monotonic()
            answered(lab, guest.name, address)
            _tell(f"{kind}: name and address answer on ns1 and ns2", leased)
            assert _dig(laboratory, lab, address) == {full(lab, guest.name)}
            laboratory.await_page(address, guest.name)
        destroyed = time.monotonic()
        gone(lab, guest.name, address)
        _tell(f"{kind}: gone after its end and 2 s of grace", destroyed)

    def test_a_static_address_is_served_from_the_start(self, laboratory: Laboratory, lab: Lab) -> None:
        wanted, address = Wanted("life-static", dhcp=False), "192.0.2.251"
        with laboratory.lxc.create(wanted, static=f"{address}/24").start() as guest:
            started = time.monotonic()
            answered(lab, guest.name, address)
            _tell("classic, static address: name and address answer on ns1 and ns2", started)
        gone(lab, guest.name, address)


class TestAUsersContainers:
    """Events of containers that are not root's; nothing but an event makes the watcher look."""

    @pytest.mark.parametrize("user", [0, UID], ids=["by root", "by the user"])
    def test_starts_and_stops_are_heard(self, laboratory: Laboratory, user: int) -> None:
        containers = laboratory.user_lxc
        with containers.create(Wanted(f"heard-{user}")) as guest, _watcher(laboratory, user) as said:
            until(lambda: "ready" in said, "the first look", patience=_PATIENCE)
            for _ in range(2):
                said.clear()
                guest.start()
                running = f"{guest.name} running {laboratory.await_lease(guest)}"
                until(lambda: running in said, f"{running} in {said}", patience=_PATIENCE)  # noqa: B023
                guest.stop()
                until(lambda: f"{guest.name} stopped" in said, f"the stop in {said}", patience=_PATIENCE)

    def test_an_address_taken_by_hand_is_heard(self, laboratory: Laboratory) -> None:
        guest = laboratory.user_lxc.create(Wanted("claims"))
        with guest.start(), _watcher(laboratory) as said:
            own, taken = laboratory.await_lease(guest), "192.0.2.252"
            until(lambda: "ready" in said, "the first look", patience=_PATIENCE)
            guest.run("ip", "address", "add", f"{taken}/24", "dev", "eth0")
            laboratory.await_page(taken, guest.name)  # the host asked who has it
            expected = f"claims running {own} heard {taken}"
            until(lambda: expected in said, f"{expected} in {said}", patience=_PATIENCE)

    def test_root_reads_no_config_of_a_user_with_lxc(self, laboratory: Laboratory) -> None:
        """liblxc opens the log file that a config names, as whoever reads the config."""
        containers = laboratory.user_lxc
        target = laboratory.directory / "of-root"
        with containers.create(Wanted("writes")) as guest, _watcher(laboratory) as said:
            until(lambda: "ready" in said, "the first look", patience=_PATIENCE)
            config = guest.directory / "config"
            honest = config.read_text()
            config.write_text(f"{honest}lxc.log.file = {target}\nlxc.log.level = TRACE\n")
            until(lambda: any("writes" in line for line in said), "a look at it", patience=_PATIENCE)
            assert not target.exists()
            laboratory.run("lxc-info", "-P", containers.path, "-n", "writes")
            assert target.exists(), "what root's lxc-info would have done"
            config.write_text(honest)


class TestThieves:
    @pytest.mark.parametrize("kind", _CONTAINERS)
    def test_a_name_asked_of_dhcp_has_no_effect(
        self, laboratory: Laboratory, lab: Lab, victims: Mapping[str, Guest], kind: str
    ) -> None:
        names = ("ns1", victims[kind].name)
        before = [both(lab, full(lab, name)) for name in names]
        with ExitStack() as ending:
            for number, asked in enumerate(names):
                wanted = Wanted(f"asks-{kind}-{number}", asks=asked)
                thief = ending.enter_context(_KINDS[kind](laboratory, wanted).start())
                answered(lab, thief.name, laboratory.await_lease(thief))
                _await_alarm(laboratory, thief, asked)
            assert [both(lab, full(lab, name)) for name in names] == before

    @pytest.mark.parametrize("kind", _CONTAINERS)
    def test_an_address_taken_by_hand_has_no_effect(
        self, laboratory: Laboratory, lab: Lab, victims: Mapping[str, Guest], kind: str
    ) -> None:
        victim = victims[kind]
        address = laboratory.await_lease(victim)
        with _KINDS[kind](laboratory, Wanted(f"takes-{kind}")).start() as thief:
            own = laboratory.await_lease(thief)
            answered(lab, thief.name, own)
            _take_by_hand(laboratory, thief, address)
            answered(lab, victim.name, address)
            answered(lab, thief.name, own)

    @pytest.mark.parametrize("kind", ["container", "classic", "instance"])
    def test_anothers_client_id_has_no_effect(self, laboratory: Laboratory, lab: Lab, kind: str) -> None:
        """dnsmasq then writes the thief's MAC into the other's lease."""
        with (
            _KINDS[kind](laboratory, Wanted(f"robbed-{kind}")).start() as victim,
            _KINDS[kind](laboratory, Wanted(f"robber-{kind}")).start() as thief,
        ):
            address, own = laboratory.await_lease(victim), laboratory.await_lease(thief)
            answered(lab, victim.name, address)
            answered(lab, thief.name, own)
            thief.run("udhcpc", "-i", "eth0", "-n", "-q", "-s", "/bin/true", "-x", _client_id(victim))
            until(lambda: victim.lease() is None, "dnsmasq to give the lease to the thief")
            _look_at_everything(laboratory, lab)
            answered(lab, victim.name, address)
            answered(lab, thief.name, own)

    def test_a_machine_that_does_all_of_it_has_no_effect(self, laboratory: Laboratory, lab: Lab) -> None:
        libvirt = laboratory.libvirt
        before = both(lab, full(lab, "ns1"))
        with (
            libvirt.create_container(Wanted("robbed-by-machine")).start() as victim,
            libvirt.create_machine(Wanted("thief", asks="ns1")).start() as thief,
        ):
            address, own = laboratory.await_lease(victim), laboratory.await_lease(thief)
            answered(lab, victim.name, address)
            answered(lab, thief.name, own)
            _await_alarm(laboratory, thief, "ns1")
            ask = ("udhcpc", "-i", "eth0", "-n", "-q", "-s", "/bin/true")
            thief.run(*ask, "-x", f"hostname:{victim.name}")
            _await_alarm(laboratory, thief, victim.name)
            _take_by_hand(laboratory, thief, address)
            thief.run(*ask, "-x", _client_id(victim))
            until(lambda: victim.lease() is None, "dnsmasq to give the lease to the thief")
            _look_at_everything(laboratory, lab)
            assert both(lab, full(lab, "ns1")) == before
            answered(lab, victim.name, address)
            answered(lab, thief.name, own)


@contextmanager
def _watcher(laboratory: Laboratory, user: int = 0) -> Iterator[list[str]]:
    """A source of the user's containers alone, run by ``user``; yields the lines that it says."""
    containers = laboratory.user_lxc
    program = (sys.executable, "-m", "tests.laboratory.watcher")
    where = (containers.path, containers.leases_file, str(user))
    command = laboratory.command("env", "--chdir", ROOT, f"HOME={containers.home}", *program, *where)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        said: list[str] = []
        reading = threading.Thread(target=lambda: said.extend(line.strip() for line in process.stdout or ()))
        reading.start()
        try:
            yield said
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            reading.join()


def _client_id(guest: Guest) -> str:
    """The option by which udhcpc passes itself off as this guest."""
    return "0x3d:01" + guest.mac.replace(":", "")


def _take_by_hand(laboratory: Laboratory, thief: Guest, address: str) -> None:
    """Let the thief have another's address until there is an alarm about it."""
    laboratory.page(address)  # the host asks who has it
    thief.run("ip", "address", "add", f"{address}/24", "dev", "eth0")

    def caught() -> bool:
        # The victim may ask for the host and so be believed again before the daemon looks.
        _answer_arp(laboratory, thief, address)
        return _has_alarm(laboratory, thief, address)

    until(caught, f"an alarm about {thief.name} and {address}", patience=_PATIENCE)


def _answer_arp(laboratory: Laboratory, thief: Guest, address: str) -> None:
    """Let the thief say that it has the address until the host believes it (for a second it keeps what it knew)."""

    def taken() -> bool:
        thief.run("arping", "-A", "-c", "1", "-I", "eth0", address)
        return thief.mac in laboratory.run("ip", "neighbour", "show", address).stdout

    until(taken, f"{thief.name} answering ARP for {address}", patience=_PATIENCE)


def _look_at_everything(laboratory: Laboratory, lab: Lab) -> None:
    """What the daemon does every minute, and when it starts; returns when it has."""
    lab.stop("daemon")
    lab.start("daemon")

    def looked() -> bool:
        return {source["state"] for source in status(laboratory)["sources"]} == {"ready"}

    until(looked, "a look at every source", patience=_PATIENCE)


def _has_alarm(laboratory: Laboratory, guest: Guest, what: str) -> bool:
    """Whether `status` has an alarm that names the guest and says what."""
    alarms = status(laboratory)["alarms"]
    return any(alarm["guest"] == guest.name and what in alarm["what"] for alarm in alarms)


def _await_alarm(laboratory: Laboratory, guest: Guest, what: str) -> None:
    until(
        lambda: _has_alarm(laboratory, guest, what),
        f"an alarm about {guest.name} and {what}",
        patience=_PATIENCE,
    )


def _dig(laboratory: Laboratory, lab: Lab, address: str) -> set[str]:
    """What `dig -x` says on either server."""
    program = require("dig", package="bind9-dnsutils")
    return {
        laboratory.run(
            program, "-x", address, f"@{server.address}", "-p", str(server.port), "+short"
        ).stdout.strip()
        for server in (lab.info.ns1, lab.info.ns2)
    }


def _tell(what: str, since: float) -> None:
    sys.stdout.write(f"{what}: {(time.monotonic() - since) * 1000:.0f} ms\n")
