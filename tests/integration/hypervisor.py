"""A world of guests on the lab's hypervisor that changes by a seeded sequence, and what it should lead to."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
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
_macs = count(1)
_INTERFACE = '<interface type="network">{mac}<source network="{network}"/></interface>'


def next_mac() -> str:
    """A MAC that no other guest of this process has."""
    number = next(_macs)
    return ":".join(["52", "54", *(f"{number >> shift & 255:02x}" for shift in (24, 16, 8, 0))])


def define(
    connection: libvirt.virConnect,
    name: str,
    *,
    uuid: UUID | None = None,
    networks: tuple[str, ...] = ("lab",),
    mac: str | None = None,
) -> libvirt.virDomain:
    """Define a guest with an interface in each of ``networks``; ``mac`` is that of every one.

    libvirt would draw 24 bits of a MAC at random, and among a thousand guests two may be equal.
    """
    identity = str(uuid or UUID(int=random.getrandbits(128), version=4))
    interfaces = "".join(
        _INTERFACE.format(mac=f'<mac address="{mac or next_mac()}"/>', network=network)
        for network in networks
    )
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


@dataclass(frozen=True, slots=True)
class Tenure:
    """A guest surely had a name from ``begun`` to ``ended`` (monotonic; None: still)."""

    name: str
    uuid: str
    begun: float
    ended: float | None = None


@dataclass(slots=True)
class Pawn:
    """One guest of the churn, as the hypervisor was told; ``leased``: all its addresses, the oldest first."""

    domain: libvirt.virDomain
    tenure: Tenure
    leased: list[str]

    @property
    def name(self) -> str:
        """Its name now."""
        return self.tenure.name


@dataclass(frozen=True, slots=True)
class Outcome:
    """The names that guests should have.

    ``running`` holds their addresses; ``stopped`` those that they may have kept, of which one must be served: what
    stays is the last one that was published, and that is not older than what was seen in the zone at some time.
    None among them: perhaps none was ever published.
    """

    running: Mapping[str, tuple[str, ...]]
    stopped: Mapping[str, tuple[str | None, ...]]

    def records(self, served: frozenset[str]) -> frozenset[str]:
        """The guests' records in the forward and the reverse zone, where ``served`` is what is served."""
        own = dict(self.running)
        for name, possible in self.stopped.items():
            found = [one for one in possible if f"{name} 60 IN A {one}" in served]
            own[name] = tuple(one for one in [*found, *possible][:1] if one)
        forward = {f"{name} 60 IN A {ip}" for name, ips in own.items() for ip in ips}
        return frozenset(
            forward | {f"{reverse(ip)} 60 IN PTR {name}" for name, ips in own.items() for ip in ips}
        )


class Churn:
    """Changes guests at random, always in the same way for one seed."""

    def __init__(self, connection: libvirt.virConnect, zone: str, seed: int) -> None:
        self._connection = connection
        self._zone = zone
        self._random = random.Random(seed)  # noqa: S311 - a seeded sequence is the purpose
        self._pawns: dict[str, Pawn] = {}
        self._drawn: list[Pawn] = []
        self._freed: list[str] = []
        self._count = 0
        self._former: list[Tenure] = []
        self.leases: dict[str, str] = {}
        self.deeds: Counter[str] = Counter()

    def populate(self, number: int) -> None:
        """Define and start so many guests."""
        for _ in range(number):
            self._define_one()

    def place(self, name: str) -> str:
        """Define and start a guest that `change` leaves alone; return its address."""
        pawn = self._define(name)
        self._start(pawn)
        return pawn.leased[-1]

    def change(self, number: int) -> None:
        """Do so many things to guests drawn at random."""
        deeds: dict[Callable[[], None], int] = {
            self._stop_or_start_one: 10,
            self._restart_one: 5,
            self._rename_one: 4,
            self._swap_two: 1,
            self._undefine_one: 1,
            self._redefine_one: 1,
            self._define_one: 1,
        }
        for deed in self._random.choices(list(deeds), list(deeds.values()), k=number):
            deed()
            self.deeds[deed.__name__] += 1

    def draw(self, least: int, most: int) -> int:
        """A number from the same sequence."""
        return self._random.randint(least, most)

    def has(self, uuid: str) -> bool:
        """Whether the guest is still defined."""
        return uuid in self._pawns

    def tenures(self) -> Sequence[Tenure]:
        """Who had which name when, with the names as DNS should have them."""
        return [*self._former, *(pawn.tenure for pawn in self._pawns.values())]

    def dns_name(self, name: str) -> str:
        """The absolute name of a guest: lower case, ``_`` to ``-``."""
        return f"{name.lower().replace('_', '-')}.{self._zone}."

    def outcome(self, published: Mapping[str, str]) -> "Outcome":
        """What the guests should lead to, as the hypervisor shows them now; ``published`` as `Outcome` says."""
        running, stopped = {}, {}
        for domain in self._connection.listAllDomains():
            name = self.dns_name(domain.name())
            if domain.isActive():
                running[name] = addresses(domain)
                continue
            leased, seen = self._pawns[domain.UUIDString()].leased, published.get(domain.UUIDString())
            stopped[name] = tuple(leased[leased.index(seen) :] if seen else [None, *leased])
        return Outcome(running, stopped)

    # The deeds

    def _define_one(self) -> None:
        pawn = self._define(self._free())
        self._drawn.append(pawn)
        self._start(pawn)

    def _stop_or_start_one(self) -> None:
        pawn = self._random.choice(self._drawn)
        if pawn.domain.isActive():
            pawn.domain.destroy()
        else:
            self._start(pawn)

    def _restart_one(self) -> None:
        pawn = self._random.choice(self._drawn)
        if pawn.domain.isActive():
            pawn.domain.destroy()
        self._start(pawn)

    def _rename_one(self) -> None:
        pawn = self._random.choice(self._drawn)
        before = pawn.name
        self._rename(pawn, self._free())
        self._freed.append(before)

    def _swap_two(self) -> None:
        """Give a guest the name that another one gives up in the same moment."""
        one, other = self._random.sample(self._drawn, 2)
        name = other.name
        self._rename(other, self._fresh())
        self._freed.append(one.name)
        self._rename(one, name)

    def _undefine_one(self) -> None:
        pawn = self._random.choice(self._drawn)
        self._undefine(pawn)
        self._freed.append(pawn.name)

    def _redefine_one(self) -> None:
        """The same name, another guest."""
        pawn = self._random.choice(self._drawn)
        self._undefine(pawn)
        successor = self._define(pawn.name)
        self._drawn.append(successor)
        self._start(successor)

    # What they consist of

    def _fresh(self) -> str:
        self._count += 1
        return self._random.choice(("guest{}", "Guest-{}", "GUEST_{}")).format(self._count)

    def _free(self) -> str:
        """A name that was freed before, the latest first, or a new one."""
        if self._freed and self._random.randrange(2):
            return self._freed.pop()
        return self._fresh()

    def _define(self, name: str) -> Pawn:
        uuid = UUID(int=self._random.getrandbits(128), version=4)
        domain = define(self._connection, name, uuid=uuid)
        pawn = Pawn(domain, Tenure(name, str(uuid), time.monotonic()), [])
        self._pawns[str(uuid)] = pawn
        return pawn

    def _start(self, pawn: Pawn) -> None:
        pawn.domain.create()
        for address in addresses(pawn.domain):
            pawn.leased.append(address)
            self.leases[address] = pawn.tenure.uuid

    def _rename(self, pawn: Pawn, name: str) -> None:
        """Libvirt renames stopped guests only."""
        running = pawn.domain.isActive()
        if running:
            pawn.domain.destroy()
        self._former.append(replace(pawn.tenure, ended=time.monotonic()))
        pawn.domain.rename(name, 0)
        pawn.tenure = Tenure(name, pawn.tenure.uuid, time.monotonic())
        if running:
            self._start(pawn)

    def _undefine(self, pawn: Pawn) -> None:
        """Half of them while they run: then they are transient until they stop."""
        self._former.append(replace(pawn.tenure, ended=time.monotonic()))
        running = pawn.domain.isActive()
        if running and self._random.randrange(2):
            pawn.domain.destroy()
            running = False
        pawn.domain.undefine()
        if running:
            pawn.domain.destroy()
        del self._pawns[pawn.tenure.uuid]
        self._drawn.remove(pawn)
