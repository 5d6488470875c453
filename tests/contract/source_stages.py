"""Stages for the same play with every source: a world of guests, and the source that looks at it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from queue import Queue
from uuid import uuid4
from xml.sax.saxutils import escape

import libvirt

from skulldns.lab import Lab
from skulldns.model.guests import (
    Address,
    Guest,
    GuestId,
    GuestOptions,
    GuestState,
    Hint,
    Interface,
    Origin,
)
from skulldns.sources.fake import FakeSource
from skulldns.sources.libvirt import LibvirtSource, Limits
from skulldns.sources.libvirt.domainxml import METADATA_NAMESPACE
from skulldns.sources.protocol import Source

_PATIENCE = 20.0  # seconds; only a failing test waits so long


class Hints:
    """What a source woke with, in order. ``heard_as`` is a stage's."""

    def __init__(self, heard_as: Callable[[GuestId], frozenset[GuestId]]) -> None:
        self._heard_as = heard_as
        self._queue: Queue[Hint] = Queue()
        self.heard: list[Hint] = []

    def __call__(self, hint: Hint) -> None:
        """Be the `wake` of a source."""
        self._queue.put(hint)

    def until(self, wanted: Callable[[Hint], bool]) -> Hint:
        """Wait for the next hint like this; raises `queue.Empty` if none comes."""
        while True:
            hint = self._queue.get(timeout=_PATIENCE)
            self.heard.append(hint)
            if wanted(hint):
                return hint

    def until_guest(self, guest: GuestId) -> Hint:
        """Wait for the next hint about this guest."""
        identities = self._heard_as(guest)
        return self.until(lambda hint: hint.guest in identities)

    def until_everything(self) -> Hint:
        """Wait for the next hint that asks to look at everything."""
        return self.until(lambda hint: hint.guest is None)

    def none_left(self) -> bool:
        """Whether nothing more was heard."""
        return self._queue.empty()


class Stage(ABC):
    """A world of guests that a test can change.

    ``rename_keeps_identity`` is False where a renamed guest is another one.
    """

    rename_keeps_identity = True
    network = "lab"

    def allows(self, name: str) -> bool:  # noqa: ARG002 - most do
        """Whether a guest may have this name here."""
        return True

    def heard_as(self, guest: GuestId) -> frozenset[GuestId]:
        """The identities that a hint about this guest may have before a look has shown it."""
        return frozenset({guest})

    @abstractmethod
    def source(self) -> Source:
        """A new source of this world; the test closes it."""

    @abstractmethod
    def define(self, name: str, *, owner: str | None = None) -> GuestId:
        """Define a guest, stopped."""

    @abstractmethod
    def start(self, guest: GuestId) -> None:
        """Start it; it has an address then."""

    @abstractmethod
    def stop(self, guest: GuestId) -> None:
        """Stop it."""

    @abstractmethod
    def rename(self, guest: GuestId, name: str) -> None:
        """Rename a stopped guest."""

    @abstractmethod
    def assign(self, guest: GuestId, owner: str) -> None:
        """Change its owner."""

    @abstractmethod
    def undefine(self, guest: GuestId) -> None:
        """Remove a stopped guest."""

    @abstractmethod
    def break_down(self) -> None:
        """Let the world be unreachable."""

    @abstractmethod
    def recover(self) -> None:
        """Let it be reachable again, without any guest."""


class FakeStage(Stage):
    """The fake is its own world."""

    def __init__(self) -> None:
        self._fake = FakeSource()
        self._started = 0

    def source(self) -> Source:
        return self._fake

    def define(self, name: str, *, owner: str | None = None) -> GuestId:
        guest = Guest(
            GuestId(str(uuid4())),
            self._fake.name,
            name,
            GuestState.STOPPED,
            (Interface("52:54:00:00:00:01", "lab"),),
            GuestOptions(owner=owner),
        )
        self._fake.put(guest)
        return guest.id

    def start(self, guest: GuestId) -> None:
        self._started += 1
        address = Address(ip_address("192.0.2.0") + self._started, Origin.LEASE)
        now = self._now(guest)
        nics = (replace(now.interfaces[0], addresses=(address,)),)
        self._fake.put(replace(now, state=GuestState.RUNNING, interfaces=nics))

    def stop(self, guest: GuestId) -> None:
        now = self._now(guest)
        nics = (replace(now.interfaces[0], addresses=()),)
        self._fake.put(replace(now, state=GuestState.STOPPED, interfaces=nics))

    def rename(self, guest: GuestId, name: str) -> None:
        self._fake.put(replace(self._now(guest), name=name))

    def assign(self, guest: GuestId, owner: str) -> None:
        self._fake.put(replace(self._now(guest), options=GuestOptions(owner=owner)))

    def undefine(self, guest: GuestId) -> None:
        self._fake.remove(guest)

    def break_down(self) -> None:
        for guest in self._fake.guests():
            self._fake.remove(guest.id, tell=False)
        self._fake.go_down()

    def recover(self) -> None:
        self._fake.come_up()

    def _now(self, guest: GuestId) -> Guest:
        now = self._fake.guest(guest)
        assert now is not None
        return now


class LibvirtStage(Stage):
    """A lab's libvirtd, changed over a connection of its own, as virsh would."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._connection: libvirt.virConnect | None = None

    @property
    def uri(self) -> str:
        return self.lab.info.libvirt_uri

    @property
    def connection(self) -> libvirt.virConnect:
        if self._connection is None:
            self._connection = self.lab.libvirt()
        return self._connection

    def source(self) -> LibvirtSource:
        return LibvirtSource(self.uri, limits=Limits(keepalive=(1, 1)), jitter=lambda: 1.0)

    def define(self, name: str, *, owner: str | None = None) -> GuestId:
        return identity_of(self.connection.defineXML(domain_xml(name, owner=owner)))

    def start(self, guest: GuestId) -> None:
        self.domain(guest).create()

    def stop(self, guest: GuestId) -> None:
        self.domain(guest).destroy()

    def rename(self, guest: GuestId, name: str) -> None:
        self.domain(guest).rename(name)

    def assign(self, guest: GuestId, owner: str) -> None:
        kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        metadata = f"<guest><owner>{escape(owner)}</owner></guest>"
        self.domain(guest).setMetadata(kind, metadata, "skulldns", METADATA_NAMESPACE)

    def undefine(self, guest: GuestId) -> None:
        self.domain(guest).undefine()

    def break_down(self) -> None:
        self.lab.kill("libvirtd")
        self.leave()

    def recover(self) -> None:
        self.lab.start("libvirtd")

    def domain(self, guest: GuestId) -> libvirt.virDomain:
        return self.connection.lookupByUUIDString(guest)

    def leave(self) -> None:
        """Close the stage's own connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def clear(self) -> None:
        """Bring back the daemon if a test left it dead, and remove all guests."""
        if self.lab.info.pid["libvirtd"] is None:
            self.leave()
            self.lab.start("libvirtd")
        for domain in self.connection.listAllDomains():
            if domain.isActive():
                domain.destroy()
            if domain.isPersistent():
                domain.undefine()


def identity_of(domain: libvirt.virDomain) -> GuestId:
    return GuestId(domain.UUIDString())


def domain_xml(name: str, *, owner: str | None = None, mac: str | None = None) -> str:
    """A guest of the test driver with one interface in the lab's network."""
    metadata = f'<s:guest xmlns:s="{METADATA_NAMESPACE}" owner="{escape(owner)}"/>' if owner else ""
    address = f'<mac address="{mac}"/>' if mac else ""
    return f"""
        <domain type="test">
          <name>{escape(name)}</name>
          <metadata>{metadata}</metadata>
          <memory unit="MiB">64</memory>
          <os><type>hvm</type></os>
          <devices><interface type="network">{address}<source network="lab"/></interface></devices>
        </domain>"""
