"""The way of one guest's name: from the hypervisor through both name servers and back, and what is refused."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import libvirt
import pytest

from skulldns.config import load
from skulldns.daemon.control import ask as ask_daemon
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import Transaction, ask, both, reverse, rndc, transactions, transfer, updates
from tests.integration.hypervisor import addresses, define, set_names

# The test driver gives a new address at each start, 20 further than the last, so the networks are wide.
_OUTSIDE = """
<network>
  <name>outside</name>
  <ip address="127.9.0.1" prefix="16"><dhcp><range start="127.9.0.2" end="127.9.255.254"/></dhcp></ip>
</network>
"""
_RESERVED_MAC = "52:54:00:00:00:10"
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


def _full(lab: Lab, label: str) -> str:
    return f"{label}.{lab.info.zone}."


def _daemon(lab: Lab, verb: str, **arguments: Any) -> Any:
    return ask_daemon(load(lab.info.config).state, verb, **arguments)


def _answered(lab: Lab, label: str, *expected: str) -> None:
    """Wait until both servers answer with just these addresses, and with the name for each of them."""
    name = _full(lab, label)
    wanted = tuple(sorted(expected))
    until(lambda: both(lab, name) == (wanted, wanted), f"{name} A {wanted}")
    for address in expected:
        _pointed(lab, address, name)


def _pointed(lab: Lab, address: str, *names: str) -> None:
    """Wait until both servers answer with just these names for the address."""
    until(lambda: both(lab, reverse(address), "PTR") == (names, names), f"{address} PTR {names}")


def _gone(lab: Lab, label: str, *former: str) -> None:
    """Wait until neither server answers for the name and its former addresses."""
    until(lambda: both(lab, _full(lab, label)) == ((), ()), f"the end of {label}")
    for address in former:
        _pointed(lab, address)


def _touching(lab: Lab, name: str) -> list[Transaction]:
    """The messages that changed the name, each with what it did there."""
    zone = next(zone for zone in (lab.info.zone, *lab.info.reverse) if name.endswith(f".{zone}."))
    history = (one.at(name) for one in transactions(lab, zone))
    return [one for one in history if one.deleted or one.added]


def _why(lab: Lab, label: str) -> str:
    """The sentences of `why`, one a line."""
    chain = _daemon(lab, "why", name=label)
    return "\n".join([chain["report"]["reason"], *(link["text"] for link in chain["links"])])


def _state(lab: Lab, label: str) -> str:
    return str(_daemon(lab, "name", name=label)["state"])


def _refusals(lab: Lab, name: str) -> list[str]:
    """What was refused to the guest of this name, and why; waits until the daemon knows it."""

    def known() -> list[dict[str, Any]]:
        return [guest for guest in _daemon(lab, "guests") if guest["name"] == name]

    until(lambda: bool(known()), f"the daemon's look at {name!r}")
    return [f"{one['what']}: {one['reason']}" for guest in known() for one in guest["refused"]]


class TestLife:
    def test_from_creation_to_the_end(self, running: Lab, hypervisor: libvirt.virConnect) -> None:
        domain = define(hypervisor, "life")
        domain.create()
        (first,) = addresses(domain)
        _answered(running, "life", first)
        until(lambda: _state(running, "life") == "served", "life being served")
        assert len(_touching(running, _full(running, "life"))) == 1, "one message for the name"
        assert len(_touching(running, reverse(first))) == 1, "one message for the address"

        domain.destroy()
        until(lambda: "is stopped" in _why(running, "life"), "the daemon's look at the stopped guest")
        _answered(running, "life", first)

        domain.create()
        (second,) = addresses(domain)
        assert second != first
        _answered(running, "life", second)
        _pointed(running, first)
        assert len(_touching(running, _full(running, "life"))) == 2, (
            "stopping cost nothing, the new address one"
        )

        domain.destroy()
        domain.undefine()
        until(lambda: _state(running, "life") == "held", "the grace")
        assert "its names go in" in _why(running, "life")
        _answered(running, "life", second)
        _gone(running, "life", second)
        name = _full(running, "life")
        assert [bool(one.added) for one in _touching(running, name)] == [True, True, False]
        assert not [line for line in _everything(running) if "life" in line]

    def test_a_guest_that_comes_back_within_its_grace_stays(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "lazarus")
        definition = domain.XMLDesc()
        domain.create()
        (address,) = addresses(domain)
        _answered(running, "lazarus", address)
        domain.destroy()
        domain.undefine()
        until(lambda: _state(running, "lazarus") == "held", "the grace")
        again = hypervisor.defineXML(definition)
        until(lambda: _state(running, "lazarus") == "served", "the return")
        # Another guest's whole life is longer than the grace of this one.
        other = define(hypervisor, "witness")
        other.create()
        _answered(running, "witness", *addresses(other))
        other.destroy()
        other.undefine()
        _gone(running, "witness")
        assert both(running, _full(running, "lazarus")) == ((address,), (address,))
        assert len(_touching(running, _full(running, "lazarus"))) == 1
        again.undefine()

    def test_a_rename_serves_the_new_name_before_the_old_goes(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "before")
        domain.create()
        (address,) = addresses(domain)
        _answered(running, "before", address)
        domain.destroy()
        domain.rename("after", 0)
        _answered(running, "after", address)
        _gone(running, "before")
        before, after = _full(running, "before"), _full(running, "after")
        added = next(one.serial for one in _touching(running, after))
        removed = next(one.serial for one in _touching(running, before) if one.deleted)
        assert added < removed, "the old name goes in a message of its own, after the new one"
        pointers = [(one.deleted != (), one.added != ()) for one in _touching(running, reverse(address))]
        assert pointers == [(False, True), (True, True)], "the pointer is replaced, never missing"

    def test_a_name_that_is_freed_and_taken_at_once_changes_hands(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        first, second = define(hypervisor, "hot-seat"), define(hypervisor, "next-one")
        first.create()
        second.create()
        (old,), (new,) = addresses(first), addresses(second)
        _answered(running, "hot-seat", old)
        _answered(running, "next-one", new)
        for domain in (first, second):
            domain.destroy()
        first.rename("elsewhere", 0)
        second.rename("hot-seat", 0)
        _answered(running, "hot-seat", new)
        _answered(running, "elsewhere", old)
        _gone(running, "next-one")
        name = _full(running, "hot-seat")
        assert all(one.added for one in _touching(running, name)), "it was served all the time"

    def test_a_new_guest_of_the_same_name_takes_it_without_a_gap(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "reborn")
        domain.create()
        _answered(running, "reborn", *addresses(domain))
        domain.destroy()
        domain.undefine()
        successor = define(hypervisor, "reborn")
        successor.create()
        _answered(running, "reborn", *addresses(successor))
        assert all(one.added for one in _touching(running, _full(running, "reborn")))


def _everything(lab: Lab) -> frozenset[str]:
    info = lab.info
    servers, zones = (info.ns1, info.ns2), (info.zone, *info.reverse)
    return frozenset().union(*(transfer(server, zone, info.tsig) for server in servers for zone in zones))


class TestNames:
    def test_of_two_guests_with_one_name_the_first_keeps_it(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        first, second = define(hypervisor, "web_1"), define(hypervisor, "web-1")
        first.create()
        (address,) = addresses(first)
        _answered(running, "web-1", address)
        second.create()
        (refusal,) = _refusals(running, "web-1")
        assert first.UUIDString() in refusal
        assert "web_1" in refusal
        assert second.UUIDString() in _why(running, "web-1")
        assert refusal.partition(": ")[2] in _why(running, "web-1")
        _answered(running, "web-1", address)
        second.destroy()
        second.create()
        set_names(second, "web-1-too")
        _answered_names(running, second, "web-1-too")
        assert both(running, _full(running, "web-1")) == ((address,), (address,)), "no flapping"
        assert len(_touching(running, _full(running, "web-1"))) == 1

        # When the first gives it up, the second has it.
        first.destroy()
        first.rename("web_2", 0)
        _answered(running, "web-1", *addresses(second))

    @pytest.mark.parametrize(
        "name",
        [
            "ns1",
            "NS1",
            "n-s1",
            "wpad",
            "WPAD",
            "localhost",
            "mai1",
            "_acme-challenge",
            "$(reboot)",
            'quo"te',
            "apo'strophe",
            "back\\slash",
            "sp ace",
            "semi;colon",
            "-a",
            "a-",
            "a..b",
            "dot.ted",
            ".",
            "*",
            "x" * 64,
            "faß",
            "раураl",
            "ｆｕｌｌ",
            "zero\u200dwidth",
            "\u202eright",
            "xn--80ak6aa92e",
        ],
    )
    def test_what_is_no_name_for_a_guest_is_refused_and_others_go_on(
        self, running: Lab, hypervisor: libvirt.virConnect, name: str
    ) -> None:
        before = _everything(running)
        domain = define(hypervisor, name)
        domain.create()
        (address,) = addresses(domain)
        (refusal,) = _refusals(running, name)
        assert "reserved" in refusal or "is not a host name label" in refusal or "encoded" in refusal
        problems = _daemon(running, "status")["problems"]
        assert [line for line in problems if repr(name) in line], "status shows it"
        neighbour = define(hypervisor, f"neighbour-{next(_numbers)}")
        neighbour.create()
        _answered(running, neighbour.name(), *addresses(neighbour))
        own = {line for line in _everything(running) - before if "neighbour" not in line}
        assert not own, "nothing of it is published"
        assert ask(running.info.ns1, reverse(address), "PTR") == ()
        for one in (domain, neighbour):
            one.destroy()
            one.undefine()

    @pytest.mark.parametrize(
        ("name", "label"),
        [
            ("UPPER", "upper"),
            ("Under_Score", "under-score"),
            ("y" * 63, "y" * 63),
            ("7", "7"),
            ("a--b", "a--b"),
        ],
    )
    def test_what_can_be_folded_into_a_label_is(
        self, running: Lab, hypervisor: libvirt.virConnect, name: str, label: str
    ) -> None:
        domain = define(hypervisor, name)
        domain.create()
        _answered(running, label, *addresses(domain))

    def test_further_names_come_and_go_with_the_metadata(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "shop")
        set_names(domain, "store", "Kiosk_1", f"till.shop.{running.info.zone}.")
        domain.create()
        _answered(running, "shop", *addresses(domain))
        _answered_names(running, domain, "shop", "store", "kiosk-1", "till.shop")

        set_names(domain, "store", "bazaar")
        _answered_names(running, domain, "shop", "store", "bazaar")
        for label in ("kiosk-1", "till.shop"):
            _gone(running, label)
        added = _touching(running, _full(running, "bazaar"))[0].serial
        removed = [one.serial for one in _touching(running, _full(running, "kiosk-1")) if one.deleted]
        assert added < removed[0], "the new name comes before the old goes"
        assert len(_touching(running, _full(running, "store"))) == 1, "what stays is not sent again"

    def test_a_further_name_that_may_not_be_is_refused_and_the_others_are_served(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        holder, greedy = define(hypervisor, "holder"), define(hypervisor, "greedy")
        holder.create()
        _answered(running, "holder", *addresses(holder))
        bad = ("ns2", "holder", "$(reboot)", "other.example.test.", "info")
        set_names(greedy, *bad, "modest")
        greedy.create()
        _answered_names(running, greedy, "greedy", "modest")
        refusals = "\n".join(_refusals(running, "greedy"))
        for name in bad:
            assert name in refusals
        assert holder.UUIDString() in refusals
        _answered(running, "holder", *addresses(holder))


_numbers = itertools.count()


def _answered_names(lab: Lab, domain: libvirt.virDomain, *labels: str) -> None:
    """Wait until both servers answer each name with the guest's addresses."""
    wanted = tuple(sorted(addresses(domain)))
    for label in labels:
        until(lambda: both(lab, _full(lab, label)) == (wanted, wanted), f"{label} A {wanted}")  # noqa: B023 - at once


class TestAddresses:
    def test_a_guest_without_an_interface_gets_its_name_with_its_first_address(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "bare", networks=())
        domain.create()
        until(lambda: _state(running, "bare") == "pending", "the daemon's look at it")
        assert "no address" in _why(running, "bare")
        assert both(running, _full(running, "bare")) == ((), ())
        domain.destroy()
        domain.undefine()
        domain = define(hypervisor, "bare", networks=("lab",))
        domain.create()
        _answered(running, "bare", *addresses(domain))

    def test_an_address_outside_the_networks_is_not_published(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        outside = define(hypervisor, "outsider", networks=("outside",))
        outside.create()
        (address,) = addresses(outside)
        (refusal,) = _refusals(running, "outsider")
        assert address in refusal
        assert "outside the networks" in refusal
        assert "outside the networks" in _why(running, "outsider")

        both_sides = define(hypervisor, "two-legs", networks=("outside", "lab"))
        both_sides.create()
        inside = [one for one in addresses(both_sides) if one.startswith("127.7.")]
        assert len(inside) == 1
        _answered(running, "two-legs", *inside)
        assert not [line for line in _everything(running) if "127.9." in line or "outsider" in line]

    def test_two_addresses_are_both_published(self, running: Lab, hypervisor: libvirt.virConnect) -> None:
        domain = define(hypervisor, "two-nics", networks=("lab", "lab"))
        domain.create()
        found = addresses(domain)
        assert len(found) == 2
        _answered(running, "two-nics", *found)

    def test_a_clone_with_the_same_mac_does_not_get_the_address_of_the_first(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        original = define(hypervisor, "original", networks=("reserving",), mac=_RESERVED_MAC)
        original.create()
        _answered(running, "original", _RESERVED_IP, *addresses(original))
        clone = define(hypervisor, "clone", networks=("reserving",), mac=_RESERVED_MAC)
        clone.create()
        _answered(running, "clone", *addresses(clone))
        (refusal,) = _refusals(running, "clone")
        assert _RESERVED_IP in refusal
        assert original.UUIDString() in refusal
        _answered(running, "original", _RESERVED_IP, *addresses(original))

        # Whoever runs goes before who is stopped: no name may lead to another one's guest.
        original.destroy()
        _answered(running, "clone", _RESERVED_IP, *addresses(clone))
        name = _full(running, "original")
        until(lambda: _RESERVED_IP not in itertools.chain(*both(running, name)), "the end of its old address")
        assert clone.UUIDString() in _why(running, "original")


class TestCost:
    def test_a_hundred_starts_and_stops_of_one_guest_cost_few_messages(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        bystander = define(hypervisor, "bystander")
        bystander.create()
        _answered(running, "bystander", *addresses(bystander))
        before = updates(running)
        domain = define(hypervisor, "crash-loop")
        for _ in range(100):
            domain.create()
            domain.destroy()
        domain.create()
        _answered(running, "crash-loop", *addresses(domain))
        pointers = {line for line in _everything(running) if "crash-loop" in line}
        until(
            lambda: len({line for line in _everything(running) if "crash-loop" in line}) == 2, f"{pointers}"
        )
        assert 2 <= updates(running) - before <= 100
        assert all(one.added for one in _touching(running, _full(running, "crash-loop"))), "always served"
        assert len(_touching(running, _full(running, "bystander"))) == 1

    def test_events_that_change_nothing_send_nothing(
        self, running: Lab, hypervisor: libvirt.virConnect
    ) -> None:
        domain = define(hypervisor, "calm")
        domain.create()
        _answered(running, "calm", *addresses(domain))
        before = updates(running)
        for _ in range(20):
            domain.suspend()
            domain.resume()
            set_names(domain)
        marker = define(hypervisor, "marker")  # its events come after those
        marker.create()
        _answered(running, "marker", *addresses(marker))
        assert len(_touching(running, _full(running, "calm"))) == 1
        assert updates(running) - before == 2, "one for the marker's name, one for its address"

    def test_looking_at_an_unchanged_zone_costs_one_query_and_no_message(self, running: Lab) -> None:
        until(lambda: not _daemon(running, "plan")["changes"], "the end of all work")
        log = running.info.ns1.rndc_conf.parent / "named.log"
        sent = updates(running)
        rndc(running, running.info.ns1, "querylog", "on")
        begun = len(log.read_text().splitlines())
        plan = _daemon(running, "plan")
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
