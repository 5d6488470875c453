"""Look at containers: their definitions, states and addresses, put together as guests."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from skulldns.model.guests import (
    Address,
    Guest,
    GuestId,
    GuestState,
    Interface,
    IPAddress,
    Origin,
    SourceName,
    Trust,
    interface,
)
from skulldns.sources.host.leasefiles import read_leases, usual_files
from skulldns.sources.host.leases import Lease
from skulldns.sources.host.neighbours import HostNetwork, Neighbours
from skulldns.sources.lxc.config import BadConfig, Nic
from skulldns.sources.lxc.configs import Configs
from skulldns.sources.lxc.directory import has_config, names
from skulldns.sources.lxc.tools import Status, Tools

_MAX_NAME = 255  # NAME_MAX, where characters may have more bytes than one

_Macs = Mapping[str, str]


@dataclass(slots=True)
class _Look:
    """What one look knows of the host; leases are read as files are met."""

    now: float
    neighbours: Neighbours
    knows_own: bool
    leases: dict[Path, tuple[Lease, ...]] = field(default_factory=dict)


class Reader:
    """Looks at the containers below one path with the fewest calls. One thread uses it.

    A MAC that the config leaves open is the one that the container's interface had when its init was first
    seen. The guest may change it; that is not followed.
    """

    def __init__(
        self,
        path: Path,
        source: SourceName,
        tools: Tools,
        network: HostNetwork,
        *,
        leases: Sequence[Path],
        trust: Trust,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._source = source
        self._tools = tools
        self._network = network
        self._more_leases = tuple(leases)
        self._trust = trust
        self._clock = clock
        self._configs = Configs(path)
        self._macs: dict[str, tuple[int, _Macs]] = {}
        self._own: frozenset[IPAddress] = frozenset()
        self._links: frozenset[str] = frozenset()

    def identity(self, name: str) -> GuestId:
        """Return a container's identity. Under another name, or below another path, it is another guest."""
        return GuestId(f"lxc:{self._path}/{name}")

    def name_of(self, identity: GuestId) -> str | None:
        """Return the name of the container that has this identity; None if none below this path can."""
        prefix = self.identity("")
        name = identity.removeprefix(prefix)
        plain = "/" not in name and "\0" not in name and name not in {"", ".", ".."}
        return name if identity.startswith(prefix) and plain and len(name) <= _MAX_NAME else None

    def lease_files(self) -> frozenset[Path]:
        """Return the lease files that may concern the containers known so far. Any thread may ask."""
        usual = (file for link in self._links for file in usual_files(link))
        return frozenset((*self._more_leases, *usual))

    def guests(self) -> tuple[Sequence[Guest], frozenset[GuestId]]:
        """Return all guests, and the ids of those that exist but cannot be read. Raises ``Unavailable``."""
        known = names(self._path, self._source)
        statuses = self._tools.all(known)
        self._own = self._network.own_addresses()
        look = self._begin_look(knows_own=True)
        guests: list[Guest] = []
        unreadable: set[GuestId] = set()
        for name in sorted(known):
            status = statuses.get(name)
            try:
                if status is None:
                    unreadable |= {self.identity(name)} if has_config(self._path / name) else set()
                else:
                    guests.append(self._guest(name, status, look))
            except BadConfig:
                unreadable.add(self.identity(name))
            except FileNotFoundError:
                continue
        # One whose config is gone while it runs is neither seen nor missing.
        unreadable |= {
            self.identity(name) for name, status in statuses.items() if status.running and name not in known
        }
        self._macs = {name: macs for name, macs in self._macs.items() if name in statuses}
        return guests, frozenset(unreadable)

    def guest(self, name: str) -> Guest | None:
        """Return one guest; None if there is none. Raises ``Unavailable`` and `BadConfig`."""
        if not has_config(self._path / name):
            names(self._path, self._source)  # is that an answer, or is the whole directory gone?
            return None
        status = self._tools.one(name)
        if status is None:
            return None
        try:
            return self._guest(name, status, self._begin_look(knows_own=False))
        except FileNotFoundError:
            return None

    def _begin_look(self, *, knows_own: bool) -> _Look:
        return _Look(self._clock(), self._network.neighbours(), knows_own)

    def _guest(self, name: str, status: Status, look: _Look) -> Guest:
        definition = self._configs.read(name)
        nics, status = self._with_macs(name, definition.nics, status)
        self._meet({nic.link for nic in nics if nic.link}, look)
        leases = [tuple(self._leases(nic, look)) if status.running else () for nic in nics]
        gateways = frozenset(gateway for nic in nics for gateway in nic.gateways)
        hostnames = (lease.hostname for of_one in leases for lease in of_one if lease.hostname)
        return Guest(
            id=self.identity(name),
            source=self._source,
            name=name,
            state=GuestState.RUNNING if status.running else GuestState.STOPPED,
            interfaces=tuple(self._interfaces(nics, leases, status, look)),
            options=definition.options,
            forbidden=self._own | gateways,
            hostnames=tuple(dict.fromkeys(hostnames)),
        )

    def _meet(self, links: AbstractSet[str], look: _Look) -> None:
        """Remember the bridges, and ask for the host's addresses again when there is a new one."""
        if links - self._links and not look.knows_own:
            self._own = self._network.own_addresses()
        self._links |= links

    def _with_macs(self, name: str, nics: Sequence[Nic], status: Status) -> tuple[Sequence[Nic], Status]:
        """Add the MACs that the config leaves open, if the container runs."""
        if not status.running or status.pid is None:
            self._macs.pop(name, None)
            return nics, status
        if all(nic.mac for nic in nics):
            return nics, status
        pid, macs = self._macs.get(name, (None, {}))
        if pid != status.pid:
            seen = self._tools.devices(status.pid)
            if seen is None:
                # It ended meanwhile, or this user may not look into it.
                now = self._tools.one(name) or Status()
                if now.pid != status.pid:
                    return nics, now
            macs = seen or {}
            self._macs[name] = status.pid, macs
        return [nic if nic.mac else replace(nic, mac=macs.get(nic.device)) for nic in nics], status

    def _leases(self, nic: Nic, look: _Look) -> Iterator[Lease]:
        """Yield what the host's DHCP servers lent to this interface, in its own network only."""
        if nic.mac is None or nic.shared:
            return
        for file in (*(usual_files(nic.link) if nic.link else ()), *self._more_leases):
            if file not in look.leases:
                look.leases[file] = read_leases([file])
            yield from (
                lease for lease in look.leases[file] if lease.mac == nic.mac and lease.holds(look.now)
            )

    def _interfaces(
        self, nics: Sequence[Nic], leases: Sequence[Iterable[Lease]], status: Status, look: _Look
    ) -> Iterator[Interface]:
        told = [
            [
                *(Address(ip, Origin.STATIC) for ip in nic.addresses),
                *(Address(lease.ip, Origin.LEASE) for lease in lent),
                *(Address(ip, Origin.ARP) for ip in _heard(nic, look.neighbours) if status.running),
            ]
            for nic, lent in zip(nics, leases, strict=True)
        ]
        # LXC does not tell on which of its interfaces a guest has an address.
        elsewhere = {address.ip for of_one in told[1:] for address in of_one}
        if told:
            told[0] += [Address(ip, Origin.AGENT) for ip in status.told if ip not in elsewhere]
        for nic, addresses in zip(nics, told, strict=True):
            meant = (address for address in addresses if _means_something_elsewhere(address.ip))
            yield interface(nic.mac, nic.link, meant, self._trust)


def _heard(nic: Nic, neighbours: Neighbours) -> Iterable[IPAddress]:
    if nic.mac is None or nic.shared:
        return ()
    devices = [nic.link] if nic.link else list(neighbours)
    return (ip for device in devices for ip in neighbours.get(device, {}).get(nic.mac, ()))


def _means_something_elsewhere(ip: IPAddress) -> bool:
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_loopback)
