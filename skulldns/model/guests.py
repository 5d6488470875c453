"""Guests and what a source says of them, as frozen values."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import NewType

GuestId = NewType("GuestId", str)
"""A guest's identity: its UUID in lower case, or ``source:path`` where there is none. Never its name."""

SourceName = NewType("SourceName", str)
"""How a source is called in config, status and logs, such as ``libvirt qemu:///system``."""

IPAddress = IPv4Address | IPv6Address


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
class Interface:
    """One network interface as the source defines it."""

    mac: str
    network: str | None = None
    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class GuestOptions:
    """What the hypervisor's side says about publishing a guest; None where it says nothing.

    ``names`` are further labels as written there: data, not yet valid names.
    """

    owner: str | None = None
    port: int | None = None
    names: tuple[str, ...] = ()
    publish: str | None = None
    https: str | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest as one look at its source showed it.

    ``name`` is the hypervisor's own name for it: data, not yet a valid label. ``forbidden`` are addresses that
    the source knows to be the host's own or a gateway's, which no guest may publish.
    """

    id: GuestId
    source: SourceName
    name: str
    state: GuestState
    interfaces: tuple[Interface, ...] = ()
    options: GuestOptions = field(default_factory=GuestOptions)
    forbidden: frozenset[IPAddress] = frozenset()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All addresses of all interfaces, in the order of the interfaces."""
        return tuple(address for interface in self.interfaces for address in interface.addresses)


@dataclass(frozen=True, slots=True)
class Hint:
    """An event from a source: look at this guest again, or at everything when ``guest`` is None.

    ``undefined`` says that the source announced the guest's definition to be gone: a witness for its absence,
    once a look confirms it.
    """

    source: SourceName
    guest: GuestId | None = None
    undefined: bool = False
