"""A world of guests on the lab's hypervisor that changes by a seeded sequence, and what it should lead to."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID
from xml.sax.saxutils import escape

import libvirt

from tests.integration.dnsview import reverse

METADATA = "https://skulldns.org/guest/1"

_XML = """
<domain type="test">
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit="MiB">64</memory>
  <os><type>hvm</type></os>
  <devices>{interfaces}</devices>
</domain>
"""
_INTERFACE = '<interface type="network">{mac}<source network="{network}"/></interface>'


def define(
    connection: libvirt.virConnect,
    name: str,
    *,
    uuid: UUID | None = None,
    networks: tuple[str, ...] = ("lab",),
    mac: str | None = None,
) -> libvirt.virDomain:
    """Define a guest with an interface in each of ``networks``; ``mac`` is that of every one."""
    address = f'<mac address="{mac}"/>' if mac else ""
    interfaces = "".join(_INTERFACE.format(mac=address, network=network) for network in networks)
    identity = str(uuid or UUID(int=random.getrandbits(128), version=4))  # noqa: S311 - no secret
    return connection.defineXML(_XML.format(name=escape(name), uuid=identity, interfaces=interfaces))


def addresses(domain: libvirt.virDomain) -> tuple[str, ...]:
    """The addresses leased to a running guest."""
    told = domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)
    return tuple(address["addr"] for nic in told.values() for address in nic["addrs"] or ())


def set_names(domain: libvirt.virDomain, *names: str) -> None:
    """Write further names into a guest's metadata, for the running and for the stored guest."""
    children = "".join(f"<name>{escape(name)}</name>" for name in names)
    where = libvirt.VIR_DOMAIN_AFFECT_CONFIG
    if domain.isActive():
        where |= libvirt.VIR_DOMAIN_AFFECT_LIVE
    kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
    domain.setMetadata(kind, f"<guest>{children}</guest>", "skulldns", METADATA, where)


@dataclass(slots=True)
class Pawn:
    """One guest of the churn, as the hypervisor was told.

    ``leased`` are all addresses it ever had, the oldest first; ``named`` the moment (monotonic) since which it has
    its name.
    """

    domain: libvirt.virDomain
    name: str
    named: float
    leased: list[str] = field(default_factory=list)


class Churn:
    """Changes guests at random, always in the same way for one seed. Labels are made for one zone."""

    def __init__(self, connection: libvirt.virConnect, zone: str, seed: int) -> None:
        self._connection = connection
        self._zone = zone
        self._random = random.Random(seed)  # noqa: S311 - a seeded sequence is the purpose
        self._pawns: dict[str, Pawn] = {}
        self._freed: list[str] = []
        self._count = 0
        self.undefined = 0
        self.starts = 0
        self.done: dict[str, int] = {}

    @property
    def pawns(self) -> tuple[Pawn, ...]:
        """All guests that are defined now."""
        return tuple(self._pawns.values())

    def populate(self, number: int) -> None:
        """Define and start so many guests."""
        for _ in range(number):
            self._start(self._define(self._fresh()))

    def change(self, number: int) -> None:
        """Do so many things to guests drawn at random."""
        deeds: dict[Callable[[Pawn], None], int] = {
            self._stop_or_start: 10,
            self._restart: 5,
            self._rename: 4,
            self._swap: 1,
            self._undefine: 1,
            self._redefine: 1,
        }
        for deed in self._random.choices(list(deeds), list(deeds.values()), k=number):
            deed(self._random.choice(self.pawns))
            self.done[deed.__name__] = self.done.get(deed.__name__, 0) + 1

    def draw(self, least: int, most: int) -> int:
        """A number from the same sequence."""
        return self._random.randint(least, most)

    def full_name(self, pawn: Pawn) -> str:
        """The absolute name that a guest should have: lower case, ``_`` to ``-``."""
        return f"{pawn.name.lower().replace('_', '-')}.{self._zone}."

    def expected(self, served: frozenset[str], published: dict[str, str]) -> frozenset[str]:
        """Guests' records in the forward and the reverse zone, as asked from the hypervisor itself.

        What a stopped guest keeps is the last address that was published: ``served`` tells which of those it
        had, but it must not be older than ``published``, which has by UUID what was seen at some time.
        """
        lines: set[str] = set()
        for domain in self._connection.listAllDomains():
            pawn = self._pawns[domain.UUIDString()]
            name = self.full_name(pawn)
            if domain.isActive():
                kept = list(addresses(domain))
            else:
                kept = self._kept(pawn, name, served, published.get(domain.UUIDString()))
            lines |= {f"{name} 60 IN A {address}" for address in kept}
            lines |= {f"{reverse(address)} 60 IN PTR {name}" for address in kept}
        return frozenset(lines)

    @staticmethod
    def _kept(pawn: Pawn, name: str, served: frozenset[str], at_least: str | None) -> list[str]:
        possible = pawn.leased[pawn.leased.index(at_least) :] if at_least else pawn.leased
        found = [address for address in possible if f"{name} 60 IN A {address}" in served]
        return found[-1:] or possible[:1] * (at_least is not None)

    # One thing each

    def _define(self, name: str) -> Pawn:
        uuid = UUID(int=self._random.getrandbits(128), version=4)
        pawn = Pawn(define(self._connection, name, uuid=uuid), name, time.monotonic())
        self._pawns[str(uuid)] = pawn
        return pawn

    def _fresh(self) -> str:
        self._count += 1
        return self._random.choice(("guest{}", "Guest-{}", "GUEST_{}")).format(self._count)

    def _free(self) -> str:
        """A name that was freed just now, or a new one."""
        if self._freed and self._random.random() < 0.5:
            return self._freed.pop()
        return self._fresh()

    def _start(self, pawn: Pawn) -> None:
        pawn.domain.create()
        pawn.leased += addresses(pawn.domain)
        self.starts += 1

    def _stop_or_start(self, pawn: Pawn) -> None:
        if pawn.domain.isActive():
            pawn.domain.destroy()
        else:
            self._start(pawn)

    def _restart(self, pawn: Pawn) -> None:
        if pawn.domain.isActive():
            pawn.domain.destroy()
        self._start(pawn)

    def _rename(self, pawn: Pawn, name: str | None = None) -> None:
        """libvirt renames stopped guests only."""
        running = pawn.domain.isActive()
        if running:
            pawn.domain.destroy()
        before, pawn.name = pawn.name, name or self._free()
        pawn.domain.rename(pawn.name, 0)
        pawn.named = time.monotonic()
        if name is None:
            self._freed.append(before)
        if running:
            self._start(pawn)

    def _swap(self, pawn: Pawn) -> None:
        """Give a guest the name that another one gives up in the same moment."""
        other = self._random.choice(self.pawns)
        if other is not pawn:
            name = other.name
            self._rename(other, self._fresh())
            self._rename(pawn, name)

    def _undefine(self, pawn: Pawn) -> None:
        """Half of them while they run: then they are transient until they stop."""
        running = pawn.domain.isActive()
        if running and self._random.random() < 0.5:
            pawn.domain.destroy()
            running = False
        pawn.domain.undefine()
        if running:
            pawn.domain.destroy()
        del self._pawns[pawn.domain.UUIDString()]
        self._freed.append(pawn.name)
        self.undefined += 1

    def _redefine(self, pawn: Pawn) -> None:
        """The same name, another guest."""
        self._undefine(pawn)
        self._freed.remove(pawn.name)
        self._start(self._define(pawn.name))
