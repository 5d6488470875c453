"""Who asks for the same name, MAC or address, and who of them holds it: three indexes, each as small as its rivals.

A guest that its source still shows goes before one that is gone; then who asked first keeps it. For a MAC or an
address, a running guest goes before a stopped one; for an address then one that shows it before one that only had it
(one that showed it since it was started, and shows no other now, counts as showing it: its lease may have been
taken from it), and one for which the host vouches before one that only says so itself and is believed.
An address counts only for a guest that holds the MAC to which the host ties it, or that had it before.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from dns.name import Name

from skulldns.desired.wishes import Wishes
from skulldns.model.guests import GuestId, GuestState, IPAddress, Origin
from skulldns.model.presence import Known

_HEARSAY = frozenset({Origin.AGENT, Origin.ARP})

K = TypeVar("K", bound=Hashable)


class _Index(dict[K, set[GuestId]]):
    """Who asks for what; nothing is kept for what nobody asks for."""

    def add(self, key: K, guest: GuestId) -> None:
        self.setdefault(key, set()).add(guest)

    def discard(self, key: K, guest: GuestId) -> None:
        here = self.get(key, set())
        here.discard(guest)
        if not here:
            self.pop(key, None)

    def shared(self) -> Iterator[tuple[K, set[GuestId]]]:
        """What several guests ask for."""
        return ((key, guests) for key, guests in self.items() if len(guests) > 1)


class Rivals:
    """The indexes over all guests; ``known`` and ``wishes`` are the registry's, which keeps them up to date."""

    def __init__(self, known: Mapping[GuestId, Known], wishes: Mapping[GuestId, Wishes]) -> None:
        self._known = known
        self._wishes = wishes
        self.by_name: _Index[Name] = _Index()
        self.by_address: _Index[IPAddress] = _Index()
        self.by_mac: _Index[str] = _Index()

    def replace(self, guest: GuestId, before: Wishes, after: Wishes) -> None:
        """``guest`` asks for ``after`` in place of ``before``."""
        for name in before.names:
            self.by_name.discard(name, guest)
        for address in before.addresses:
            self.by_address.discard(address.ip, guest)
        for mac in before.macs:
            self.by_mac.discard(mac, guest)
        for name in after.names:
            self.by_name.add(name, guest)
        for address in after.addresses:
            self.by_address.add(address.ip, guest)
        for mac in after.macs:
            self.by_mac.add(mac, guest)

    def concerned(self, wish: Wishes) -> set[GuestId]:
        """The guests for whom it matters that somebody asks for ``wish``, or does so no more.

        A MAC decides about addresses, and an address about no more than its own records: hence two steps.
        """
        found: set[GuestId] = set()
        for mac in wish.macs:
            found |= self.by_mac.get(mac, set())
        addresses = {
            address.ip for one in (wish, *map(self._wishes.__getitem__, found)) for address in one.addresses
        }
        for ip in addresses:
            found |= self.by_address.get(ip, set())
        for name in wish.names:
            found |= self.by_name.get(name, set())
        return found

    def for_name(self, name: Name) -> Sequence[GuestId]:
        """Who asks for ``name``, the one that holds it first."""
        return sorted(self.by_name.get(name, ()), key=lambda one: self._rank(one, str(name)))

    def for_mac(self, mac: str) -> Sequence[GuestId]:
        """Who has ``mac``, the one that holds it first."""
        return sorted(self.by_mac.get(mac, ()), key=lambda one: self._rank(one, mac, running_first=True))

    def for_address(self, ip: IPAddress) -> Sequence[GuestId]:
        """Who may have ``ip``, the one that holds it first. Those without its MAC are not among them."""
        asking = [one for one in self.by_address.get(ip, ()) if self.mac_holder(one, ip) is None]

        def rank(one: GuestId) -> tuple[object, ...]:
            gone, stopped, *rest = self._rank(one, str(ip), running_first=True)
            wish = self._wishes[one]
            hearsay = all(address.origin in _HEARSAY for address in wish.addresses if address.ip == ip)
            lost = ip not in wish.shown and not self._known[one].settled
            return (gone, stopped, lost, hearsay, *rest)

        return sorted(asking, key=rank)

    def mac_holder(self, guest: GuestId, ip: IPAddress) -> GuestId | None:
        """The other guest that has the MAC to which ``ip`` of ``guest`` is tied in its place; None if that may have it.

        A guest that had the MAC first keeps what it was seen with while it is stopped, or gone and in its grace.
        """
        mac = self._wishes[guest].mac_of.get(ip)
        others = self.by_mac.get(mac, set()) - {guest} if mac else set()
        if mac is None or not others:
            return None
        since = self._known[guest].since.get(mac, 0.0)
        if all(since < self._known[other].since.get(mac, 0.0) for other in others):
            return None
        holder = self.for_mac(mac)[0]
        return None if holder == guest else holder

    def _rank(
        self, guest: GuestId, asked: str, *, running_first: bool = False
    ) -> tuple[bool, bool, float, GuestId]:
        known = self._known[guest]
        stopped = running_first and known.guest.state is not GuestState.RUNNING
        return (known.gone_since is not None, stopped, known.since.get(asked, 0.0), guest)
