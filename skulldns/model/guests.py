"""Guests and what a source says of them, as frozen values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NewType

GuestId = NewType("GuestId", str)
"""A guest's identity: its UUID in lower case, or ``source:path`` where there is none. Never its name."""

SourceName = NewType("SourceName", str)
"""How a source is called in config, status and logs, such as ``libvirt qemu:///system``."""

IPAddress = IPv4Address | IPv6Address

ZONE_INDEX = "%"
"""What begins an interface's name in an address (RFC 4007 section 11). Python takes any text for one, and keeps it."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]*")


def said(text: str) -> str:
    """What somebody else wrote, fit for a sentence or a line of a log: quoted and escaped if it is not plain."""
    return text if _PLAIN.fullmatch(text) else ascii(text)


class GuestState(StrEnum):
    """What the source says the guest is doing."""

    RUNNING = "running"
    STOPPED = "stopped"


class Origin(StrEnum):
    """Where an address was learned, in order of trust."""

    STATIC = "static"
    LEASE = "lease"
    AGENT = "agent"
    ARP = "arp"


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a guest, and where it was learned."""

    ip: IPAddress
    origin: Origin

    def __str__(self) -> str:
        return f"{self.ip} ({self.origin})"


@dataclass(frozen=True, slots=True)
class Trust:
    """In which networks the config believes what a guest itself vouches for: its agent, and its answers to ARP.

    Static entries and leases are the host's own word and always believed.
    """

    agent: tuple[IPv4Network | IPv6Network, ...] = ()
    arp: tuple[IPv4Network | IPv6Network, ...] = ()

    def believes(self, address: Address) -> bool:
        networks = {Origin.AGENT: self.agent, Origin.ARP: self.arp}.get(address.origin)
        return networks is None or any(
            address.ip.version == network.version and address.ip in network for network in networks
        )


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface as the source defines it; ``mac`` is None where the source knows none.

    ``addresses`` are those that the host's side ties to ``mac``, or that the config believes. ``heard`` are the
    others: only the guest vouches for them, so they are never published, but may show that it does wrong.
    """

    mac: str | None
    network: str | None = None
    addresses: tuple[Address, ...] = ()
    heard: tuple[Address, ...] = ()


def interface(mac: str | None, network: str | None, told: Iterable[Address], trust: Trust) -> Interface:
    """An interface with the addresses it is told to have, in their order of trust and each once."""
    first: dict[IPAddress, Address] = {}
    for address in sorted(told, key=lambda one: list(Origin).index(one.origin)):
        first.setdefault(address.ip, address)
    believed = tuple(address for address in first.values() if trust.believes(address))
    heard = tuple(address for address in first.values() if not trust.believes(address))
    return Interface(mac, network, believed, heard)


def shortened(text: str, limit: int = 255) -> str:
    """What is kept of an option's text. The ellipsis makes one that is too long invalid, and so refused in words."""
    return text if len(text) <= limit else f"{text[:limit]}…"


@dataclass(frozen=True, slots=True)
class GuestOptions:
    """What the hypervisor's side says about publishing a guest; None where it says nothing.

    All of it is data as written there, not yet valid: ``desired/options.py`` judges it.
    """

    owner: str | None = None
    port: int | str | None = None
    names: tuple[str, ...] = ()
    publish: str | None = None
    https: str | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest as one look at its source showed it.

    ``name`` is the hypervisor's own name for it: data, not yet a valid label. ``forbidden`` are addresses that
    the source knows to be the host's own or a gateway's, which no guest may publish. ``hostnames`` are what it
    called itself when it asked for a lease: never a name, but it may show that the guest does wrong.
    """

    id: GuestId
    source: SourceName
    name: str
    state: GuestState
    interfaces: tuple[Interface, ...] = ()
    options: GuestOptions = field(default_factory=GuestOptions)
    forbidden: frozenset[IPAddress] = frozenset()
    hostnames: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name as sentences have it."""
        return said(self.name)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses of all interfaces that may be believed, in the order of the interfaces."""
        return tuple(address for interface in self.interfaces for address in interface.addresses)

    @property
    def heard(self) -> tuple[Address, ...]:
        """The addresses of all interfaces that only the guest itself vouches for."""
        return tuple(address for interface in self.interfaces for address in interface.heard)


@dataclass(frozen=True, slots=True)
class Hint:
    """An event from a source: look at this guest again, or at everything when ``guest`` is None.

    ``undefined`` says that the source announced the guest's definition to be gone: a witness for its absence,
    once a look confirms it.
    """

    source: SourceName
    guest: GuestId | None = None
    undefined: bool = False
