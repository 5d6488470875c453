"""The way of one guest's name, from the hypervisor through both name servers and back, and what it costs."""

import contextlib
import itertools
from collections.abc import Iterator
from itertools import count

import libvirt
import pytest

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both, reverse, rndc, updates
from tests.integration.hypervisor import addresses, define, set_names
from tests.integration.served import (
    answered,
    daemon,
    everything,
    full,
    gone,
    pointed,
    refusals,
    state,
    touching,
    why,
)

# The test driver gives a new address at each start, 20 further than the last, so the networks are wide.
_OUTSIDE = """
<network>
  <name>outside</name>
  <ip address="127.9.0.1" prefix="16"><dhcp><range start="127.9.0.2" end="127.9.255.254"/></dhcp></ip>
</network>
"""
_RESERVED_MAC = "52:54:ff:00:00:10"  # beyond what `next_mac` counts through
_RESERVED_IP = "127.7.128.10"
_RESERVING = f"""
<network>
  <name>reserving</name>
  <ip address="127.7.128.1" prefix="17">
    <dhcp>
      <range start="127.7.128.100" end="127.7.255.254"/>
      <host mac="{_RESERVED_MAC}" ip="{_RESERVED_IP}"/>
    </dhcp>
  </ip>
</network>
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Lab]:  # noqa: ARG001 - it has to be there
    """A lab with the daemon for all tests here; each uses names of its own."""
    with Lab.up(tmp_path_factory.mktemp("guests") / "lab") as lab:
        yield lab


@pytest.fixture(scope="module")
def hypervisor(running: Lab) -> Iterator[libvirt.virConnect]:
    with contextlib.closing(running.libvirt()) as connection:
        connection.networkDefineXML(_OUTSIDE).create()
        connection.networkDefineXML(_RESERVING).create()
        yield connection


_turns = count(1)
"""Each try of a test has guests of its own."""


class TestLife:
    def test_from_creation_to_the_end(self, running: Lab, hypervisor: libvirt.virConnect) -> None:
        domain = define(hypervisor, "life")
        domain.create()
        (first,) = addresses(domain)
        answered(running, "life", first)
        until(lambda: state(running, "life") == "served", "life being served")
        assert len(touching(running, full(running, "life"))) == 1, "one message for the name"
        assert len(touching(running, reverse(first))) == 1, "one message for the address"

        domain.destroy()
        until(lambda: "is stopped" in why(running, "life"), "the daemon's look at the stopped guest")
        answered(running, "life", first)

        domain.create()
        (second,) = addresses(domain)
        assert second != first
        answered(running, "life", second)
        pointed(running, first)
        assert len(touching(running, full(running, "life"))) == 2, (
            "stopping cost nothing, the new address one"
        )

        domain.destroy()
        domain.undefine()
        until(lambda: state(running, "life") == "held", "the grace")
        assert "its names go in" in why(running, "life")
        answered(running, "life", second)
        gone(running, "life", second)
        name = full(running, "life")
        assert [bool(one.added) for one in touching(running, name)] == [True, True, False]
        assert not [line for line in everything(running) if "life" in line]

    def test_a_guest_that_comes_back_within_its_grace_stays(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "lazarus")
        definition = domain.XMLDesc()
        domain.create()
        (address,) = addresses(domain)
        answered(running, "lazarus", address)
        domain.destroy()
        domain.undefine()
        until(lambda: state(running, "lazarus") == "held", "the grace")
        again = hypervisor.defineXML(definition)
        until(lambda: state(running, "lazarus") == "served", "the return")
        # Another guest's whole life is longer than the grace of this one.
        other = define(hypervisor, "witness")
        other.create()
        answered(running, "witness", *addresses(other))
        other.destroy()
        other.undefine()
        gone(running, "witness")
        assert both(running, full(running, "lazarus")) == ((address,), (address,))
        assert len(touching(running, full(running, "lazarus"))) == 1
        again.undefine()

    def test_a_rename_serves_the_new_name_before_the_old_goes(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "before")
        domain.create()
        (address,) = addresses(domain)
        answered(running, "before", address)
        domain.destroy()
        domain.rename("after", 0)
        answered(running, "after", address)
        gone(running, "before")
        before, after = full(running, "before"), full(running, "after")
        added = next(one.serial for one in touching(running, after))
        removed = next(one.serial for one in touching(running, before) if one.deleted)
        assert added < removed, "the old name goes in a message of its own, after the new one"
        pointers = [(one.deleted != (), one.added != ()) for one in touching(running, reverse(address))]
        assert pointers == [(False, True), (True, True)], "the pointer is replaced, never missing"

    def test_a_name_that_is_freed_and_taken_at_once_changes_hands(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        first, second = define(hypervisor, "hot-seat"), define(hypervisor, "next-one")
        first.create()
        second.create()
        (old,), (new,) = addresses(first), addresses(second)
        answered(running, "hot-seat", old)
        answered(running, "next-one", new)
        for domain in (first, second):
            domain.destroy()
        first.rename("elsewhere", 0)
        second.rename("hot-seat", 0)
        answered(running, "hot-seat", new)
        answered(running, "elsewhere", old)
        gone(running, "next-one")
        name = full(running, "hot-seat")
        assert all(one.added for one in touching(running, name)), "it was served all the time"

    def test_a_new_guest_of_the_same_name_takes_it_without_a_gap(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "reborn")
        domain.create()
        answered(running, "reborn", *addresses(domain))
        domain.destroy()
        domain.undefine()
        successor = define(hypervisor, "reborn")
        successor.create()
        answered(running, "reborn", *addresses(successor))
        assert all(one.added for one in touching(running, full(running, "reborn")))


class TestAddresses:
    def test_a_guest_without_an_interface_gets_its_name_with_its_first_address(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "bare", networks=())
        domain.create()
        until(lambda: "no address" in why(running, "bare"), "the daemon's look at it")
        assert state(running, "bare") == "pending"
        assert both(running, full(running, "bare")) == ((), ())
        domain.destroy()
        domain.undefine()
        domain = define(hypervisor, "bare", networks=("lab",))
        domain.create()
        answered(running, "bare", *addresses(domain))

    def test_an_address_outside_the_networks_is_not_published(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        outside = define(hypervisor, "outsider", networks=("outside",))
        outside.create()
        (address,) = addresses(outside)
        (refusal,) = refusals(running, "outsider")
        assert address in refusal
        assert "outside the networks" in refusal
        assert "outside the networks" in why(running, "outsider")

        both_sides = define(hypervisor, "two-legs", networks=("outside", "lab"))
        both_sides.create()
        inside = [one for one in addresses(both_sides) if one.startswith("127.7.")]
        assert len(inside) == 1
        answered(running, "two-legs", *inside)
        assert not [line for line in everything(running) if "127.9." in line or "outsider" in line]

    def test_two_addresses_are_both_published(self, running: Lab, hypervisor: libvirt.virConnect) -> None:
        domain = define(hypervisor, "two-nics", networks=("lab", "lab"))
        domain.create()
        found = addresses(domain)
        assert len(found) == 2
        answered(running, "two-nics", *found)

    def test_a_clone_with_the_same_mac_does_not_get_the_address_of_the_first(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        original = define(hypervisor, "original", networks=("reserving",), mac=_RESERVED_MAC)
        original.create()
        answered(running, "original", _RESERVED_IP, *addresses(original))
        clone = define(hypervisor, "clone", networks=("reserving",), mac=_RESERVED_MAC)
        clone.create()
        until(
            lambda: len(refusals(running, "clone")) == len(addresses(clone)) + 1,
            "the refusal of each address",
        )
        assert all("guest original has its MAC" in refusal for refusal in refusals(running, "clone"))
        assert [one for one in refusals(running, "clone") if _RESERVED_IP in one]
        (alarm,) = [one for one in daemon(running, "status")["alarms"] if one["guest"] == "clone"]
        assert _RESERVED_MAC in alarm["what"]
        answered(running, "original", _RESERVED_IP, *addresses(original))
        assert both(running, full(running, "clone")) == ((), ())

        # Whoever runs goes before who is stopped: no name may lead to another one's guest.
        original.destroy()
        answered(running, "clone", _RESERVED_IP, *addresses(clone))
        name = full(running, "original")
        until(lambda: _RESERVED_IP not in itertools.chain(*both(running, name)), "the end of its old address")
        assert "guest clone has it" in why(running, "original")


class TestCost:
    def test_a_hundred_starts_and_stops_of_one_guest_cost_few_messages(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        turn = next(_turns)
        still, looping = f"bystander{turn}", f"crash-loop{turn}"
        bystander = define(hypervisor, still)
        bystander.create()
        answered(running, still, *addresses(bystander))
        before = updates(running)
        domain = define(hypervisor, looping)
        for _ in range(100):
            domain.create()
            domain.destroy()
        domain.create()
        answered(running, looping, *addresses(domain))
        until(
            lambda: len({line for line in everything(running) if looping in line}) == 2,
            "its address and its pointer",
            patience=60,
        )
        assert 2 <= updates(running) - before <= 100
        assert all(one.added for one in touching(running, full(running, looping))), "always served"
        assert len(touching(running, full(running, still))) == 1

    def test_events_that_change_nothing_send_nothing(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "calm")
        domain.create()
        answered(running, "calm", *addresses(domain))
        before = updates(running)
        for _ in range(20):
            domain.suspend()
            domain.resume()
            set_names(domain)
        marker = define(hypervisor, "marker")  # its events come after those
        marker.create()
        answered(running, "marker", *addresses(marker))
        assert len(touching(running, full(running, "calm"))) == 1
        assert updates(running) - before == 2, "one for the marker's name, one for its address"

    def test_looking_at_an_unchanged_zone_costs_one_query_and_no_message(self, running: Lab) -> None:
        until(lambda: not daemon(running, "plan")["changes"], "the end of all work")
        log = running.info.ns1.rndc_conf.parent / "named.log"
        sent = updates(running)
        rndc(running, running.info.ns1, "querylog", "on")
        begun = len(log.read_text().splitlines())
        plan = daemon(running, "plan")
        rndc(running, running.info.ns1, "querylog", "off")
        assert plan["changes"] == 0
        # T: over TCP. The secondary asks by UDP whether there is something new.
        asked = [
            line.partition(" query: ")[2]
            for line in log.read_text().splitlines()[begun:]
            if " query: " in line and "T" in line.rpartition(" ")[0].rpartition(" ")[2]
        ]
        zones = (running.info.zone, *running.info.reverse)
        assert sorted(line.split()[0] for line in asked) == sorted(zones)
        assert {line.split()[2] for line in asked} == {"SOA"}
        assert updates(running) == sent
