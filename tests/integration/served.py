"""What became of a guest's name: asked from both servers, from ns1's history and from the daemon."""

from typing import Any

import libvirt

from skulldns.config import load
from skulldns.daemon.control import ask as ask_daemon
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import Transaction, both, reverse, transactions, transfer
from tests.integration.hypervisor import addresses


def full(lab: Lab, label: str) -> str:
    """The absolute name of a label in the guests' zone."""
    return f"{label}.{lab.info.zone}."


def daemon(lab: Lab, verb: str, **arguments: Any) -> Any:
    """What the daemon answers to a verb."""
    return ask_daemon(load(lab.info.config).state, verb, **arguments)


def answered(lab: Lab, label: str, *expected: str) -> None:
    """Wait until both servers answer with just these addresses, and with the name for each of them."""
    name = full(lab, label)
    wanted = tuple(sorted(expected))
    until(lambda: both(lab, name) == (wanted, wanted), f"{name} A {wanted}", patience=60)
    for address in expected:
        pointed(lab, address, name)


def pointed(lab: Lab, address: str, *names: str) -> None:
    """Wait until both servers answer with just these names for the address."""
    until(lambda: both(lab, reverse(address), "PTR") == (names, names), f"{address} PTR {names}", patience=60)


def gone(lab: Lab, label: str, *former: str) -> None:
    """Wait until neither server answers for the name and its former addresses."""
    until(lambda: both(lab, full(lab, label)) == ((), ()), f"the end of {label}")
    for address in former:
        pointed(lab, address)


def touching(lab: Lab, name: str) -> list[Transaction]:
    """The messages that changed the name, each with what it did there."""
    zone = next(zone for zone in (lab.info.zone, *lab.info.reverse) if name.endswith(f".{zone}."))
    history = (one.at(name) for one in transactions(lab, zone))
    return [one for one in history if one.deleted or one.added]


def why(lab: Lab, label: str) -> str:
    """The sentences of `why`, one a line."""
    chain = daemon(lab, "why", name=label)
    return "\n".join([chain["report"]["reason"], *(link["text"] for link in chain["links"])])


def state(lab: Lab, label: str) -> str:
    """The state of a name in one word."""
    return str(daemon(lab, "name", name=label)["state"])


def refusals(lab: Lab, name: str) -> list[str]:
    """What was refused to the guest of this name, and why; waits until something was."""

    def refused() -> list[str]:
        guests = [guest for guest in daemon(lab, "guests") if guest["name"] == name]
        return [f"{one['what']}: {one['reason']}" for guest in guests for one in guest["refused"]]

    until(lambda: bool(refused()), f"a refusal to {name!r}")
    return refused()


def everything(lab: Lab) -> frozenset[str]:
    """All records of all zones on both servers."""
    info = lab.info
    servers, zones = (info.ns1, info.ns2), (info.zone, *info.reverse)
    return frozenset().union(*(transfer(server, zone, info.tsig) for server in servers for zone in zones))


def answered_names(lab: Lab, domain: libvirt.virDomain, *labels: str) -> None:
    """Wait until both servers answer each name with the guest's addresses."""
    wanted = tuple(sorted(addresses(domain)))
    until(
        lambda: all(both(lab, full(lab, label)) == (wanted, wanted) for label in labels),
        f"{', '.join(labels)} A {wanted}",
    )
