"""Real guests and their names: from nothing to both name servers and back, and guests that want another's."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both
from tests.integration.served import answered, full, gone
from tests.laboratory.guest import Guest, Wanted
from tests.laboratory.installation import every_source, installed, status
from tests.laboratory.laboratory import Laboratory
from tests.support import require

_PATIENCE = 60.0
_KINDS: Mapping[str, Callable[[Laboratory, Wanted], Guest]] = {
    "machine": lambda laboratory, wanted: laboratory.libvirt.create_machine(wanted),
    "container": lambda laboratory, wanted: laboratory.libvirt.create_container(wanted),
    "classic": lambda laboratory, wanted: laboratory.lxc.create(wanted),
    "instance": lambda laboratory, wanted: laboratory.lxd.create(wanted),
}
_CONTAINERS = [kind for kind in _KINDS if kind != "machine"]  # commands run in them


@pytest.fixture(scope="module")
def lab(laboratory: Laboratory) -> Iterator[Lab]:
    """ns1, ns2 and the daemon, which watches all four hypervisors."""
    require("named", package="bind9")
    with installed(laboratory, every_source(laboratory)) as running:
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
            laboratory.page(address)  # the host asks who has it
            thief.run("ip", "address", "add", f"{address}/24", "dev", "eth0")

            def caught() -> bool:
                # The victim may ask for the host and so be believed again before the daemon looks.
                _answer_arp(laboratory, thief, address)
                _look_at_everything(laboratory, lab)
                return _has_alarm(laboratory, thief, address)

            until(caught, f"an alarm about {thief.name} and {address}", patience=_PATIENCE)
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
            client = "0x3d:01" + victim.mac.replace(":", "")
            thief.run("udhcpc", "-i", "eth0", "-n", "-q", "-s", "/bin/true", "-x", client)
            assert victim.lease() is None, "the lease was not taken"
            _look_at_everything(laboratory, lab)
            answered(lab, victim.name, address)
            answered(lab, thief.name, own)


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
