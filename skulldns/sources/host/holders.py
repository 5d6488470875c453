"""Which guests have which MACs and addresses, by the last look at each: whom a change on this host concerns."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from skulldns.model.guests import Guest, GuestId
from skulldns.sources.host.neighbours import Claim


class Holders:
    """Remembers what a source showed. One thread tells it of looks, any may ask."""

    def __init__(self) -> None:
        self._seen: Mapping[GuestId, Guest] = {}

    def saw_all(self, guests: Iterable[Guest]) -> None:
        """These are all guests."""
        self._seen = {guest.id: guest for guest in guests}

    def saw(self, identity: GuestId, guest: Guest | None) -> None:
        """This is what became of one guest."""
        others = {other: seen for other, seen in self._seen.items() if other != identity}
        self._seen = others | {identity: guest} if guest else others

    def with_macs(self, macs: Collection[str]) -> Iterator[GuestId]:
        """Yield the guests that have one of these MACs.

        The start of a guest that no look has shown yet is an event of its own.
        """
        return (identity for identity, guest in self._seen.items() if _macs(guest) & {*macs})

    def surprised_by(self, claims: Iterable[Claim]) -> Iterator[GuestId]:
        """Yield the guests that were heard to claim an address with which no look has shown them yet."""
        claimed: dict[str, set[object]] = {}
        for mac, ip in claims:
            claimed.setdefault(mac, set()).add(ip)
        for identity, guest in self._seen.items():
            shown = {address.ip for address in (*guest.addresses, *guest.heard)}
            if any(claimed.get(mac, set()) - shown for mac in _macs(guest)):
                yield identity


def _macs(guest: Guest) -> frozenset[str]:
    return frozenset(interface.mac for interface in guest.interfaces if interface.mac)
