"""Which names guests get: one each, further ones by metadata, and none that is another's, reserved or no label."""

import contextlib
import itertools
from collections.abc import Iterator

import libvirt
import pytest

from skulldns.lab import Lab
from tests.integration.dnsview import ask, both, reverse
from tests.integration.hypervisor import addresses, define, set_names
from tests.integration.served import (
    answered,
    answered_names,
    daemon,
    everything,
    full,
    gone,
    refusals,
    touching,
    why,
)

_numbers = itertools.count()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Lab]:  # noqa: ARG001 - it has to be there
    """A lab with the daemon for all tests here; each uses names of its own."""
    with Lab.up(tmp_path_factory.mktemp("names") / "lab") as lab:
        yield lab


@pytest.fixture(scope="module")
def hypervisor(running: Lab) -> Iterator[libvirt.virConnect]:
    with contextlib.closing(running.libvirt()) as connection:
        yield connection


def test_of_two_guests_with_one_name_the_first_keeps_it(running: Lab, hypervisor: libvirt.virConnect) -> None:
    first, second = define(hypervisor, "web_1"), define(hypervisor, "web-1")
    first.create()
    (address,) = addresses(first)
    answered(running, "web-1", address)
    second.create()
    (refusal,) = refusals(running, "web-1")
    assert first.UUIDString() in refusal
    assert "web_1" in refusal
    assert second.UUIDString() in why(running, "web-1")
    assert refusal.partition(": ")[2] in why(running, "web-1")
    answered(running, "web-1", address)
    second.destroy()
    second.create()
    set_names(second, "web-1-too")
    answered_names(running, second, "web-1-too")
    assert both(running, full(running, "web-1")) == ((address,), (address,)), "no flapping"
    assert len(touching(running, full(running, "web-1"))) == 1

    # When the first gives it up, the second has it.
    first.destroy()
    first.rename("web_2", 0)
    answered(running, "web-1", *addresses(second))


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
    running: Lab, hypervisor: libvirt.virConnect, name: str
) -> None:
    before = everything(running)
    domain = define(hypervisor, name)
    domain.create()
    (address,) = addresses(domain)
    (refusal,) = refusals(running, name)
    assert "reserved" in refusal or "is not a host name label" in refusal or "encoded" in refusal
    problems = daemon(running, "status")["problems"]
    assert [line for line in problems if repr(name) in line], "status shows it"
    neighbour = define(hypervisor, f"neighbour-{next(_numbers)}")
    neighbour.create()
    answered(running, neighbour.name(), *addresses(neighbour))
    own = {line for line in everything(running) - before if "neighbour" not in line}
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
    running: Lab, hypervisor: libvirt.virConnect, name: str, label: str
) -> None:
    domain = define(hypervisor, name)
    domain.create()
    answered(running, label, *addresses(domain))


def test_further_names_come_and_go_with_the_metadata(running: Lab, hypervisor: libvirt.virConnect) -> None:
    domain = define(hypervisor, "shop")
    set_names(domain, "store", "Kiosk_1", f"till.shop.{running.info.zone}.")
    domain.create()
    answered(running, "shop", *addresses(domain))
    answered_names(running, domain, "shop", "store", "kiosk-1", "till.shop")

    set_names(domain, "store", "bazaar")
    answered_names(running, domain, "shop", "store", "bazaar")
    for label in ("kiosk-1", "till.shop"):
        gone(running, label)
    added = touching(running, full(running, "bazaar"))[0].serial
    removed = [one.serial for one in touching(running, full(running, "kiosk-1")) if one.deleted]
    assert added < removed[0], "the new name comes before the old goes"
    assert len(touching(running, full(running, "store"))) == 1, "what stays is not sent again"


def test_a_further_name_that_may_not_be_is_refused_and_the_others_are_served(
    running: Lab, hypervisor: libvirt.virConnect
) -> None:
    holder, greedy = define(hypervisor, "holder"), define(hypervisor, "greedy")
    holder.create()
    answered(running, "holder", *addresses(holder))
    bad = ("ns2", "holder", "$(reboot)", "other.example.test.", "info")
    set_names(greedy, *bad, "modest")
    greedy.create()
    answered_names(running, greedy, "greedy", "modest")
    refused = "\n".join(refusals(running, "greedy"))
    for name in bad:
        assert name in refused
    assert holder.UUIDString() in refused
    answered(running, "holder", *addresses(holder))
