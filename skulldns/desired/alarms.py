"""Which guests do wrong, or get in each other's way: what needs a person, read from the registry.

Nothing here changes what is published; that was decided without believing any of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dns.name import Name

from skulldns.desired.policy import reserved_by
from skulldns.desired.registry import Registry
from skulldns.desired.settings import GuestSettings
from skulldns.desired.wishes import forbidden, is_in
from skulldns.model.alarms import Alarm
from skulldns.model.guests import Address, Guest, GuestId, Origin, said
from skulldns.model.presence import Known

_LABEL = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
_NOBODY = frozenset({"localhost", "localdomain"})
"""What a machine calls itself that nobody has named: reserved, but no attempt at anything."""

_HEARSAY = frozenset({Origin.AGENT, Origin.ARP})


def guest_alarms(registry: Registry, now: float) -> Iterator[Alarm]:
    """Every alarm that guests give at ``now``, a Unix time. Its cost is that of reading all guests once."""
    yield from _shared_macs(registry, now)
    yield from _shared_addresses(registry, now)
    for known in registry.all_known():
        settings = registry.settings(known)
        if settings is None or not known.present:
            continue
        yield from _false_addresses(registry, known, settings, now)
        if known.guest.hostnames:
            yield from _false_names(registry, known, settings, now)


def kept(found: Iterable[Alarm], before: Mapping[str, Alarm]) -> dict[str, Alarm]:
    """``found`` by their keys; those that were there ``before`` have begun then."""
    return {
        alarm.key: replace(alarm, since=min(alarm.since, before[alarm.key].since))
        if alarm.key in before
        else alarm
        for alarm in found
    }


def _shared_macs(registry: Registry, now: float) -> Iterator[Alarm]:
    for mac, _ in registry.asking.by_mac.shared():
        for first, other in _first_and_others(_present(registry, registry.asking.for_mac(mac))):
            has, whose = registry.title(other.id, first.id), registry.title(first.id, other.id)
            what = (
                f"{has} has the MAC {mac} of {whose}; its addresses are not published: give one another MAC"
            )
            yield _alarm(f"mac {mac} {other.id}", what, other, other.since.get(mac, now))


def _shared_addresses(registry: Registry, now: float) -> Iterator[Alarm]:
    for ip, _ in registry.asking.by_address.shared():
        asking = _present(registry, registry.asking.for_address(ip))
        for first, other in _first_and_others(
            [one for one in asking if one.settled or ip in registry.wishes(one.id).shown]
        ):
            has, whose = registry.title(other.id, first.id), registry.title(first.id, other.id)
            what = (
                f"{has} has the address {ip} of {whose}; it is not published for it: give one another address"
            )
            yield _alarm(f"address {ip} {other.id}", what, other, other.since.get(str(ip), now))


def _first_and_others(rivals: Sequence[Known]) -> Iterator[tuple[Known, Known]]:
    """The one that holds it with each of those that do not."""
    return ((rivals[0], other) for other in rivals[1:])


def _false_addresses(
    registry: Registry, known: Known, settings: GuestSettings, now: float
) -> Iterator[Alarm]:
    """Addresses that only the guest vouches for, and that are somebody else's."""
    guest = known.guest
    for address in guest.heard:
        if address.ip not in registry.asking.by_address or address.ip in {one.ip for one in guest.addresses}:
            continue
        holders = registry.asking.for_address(address.ip)
        if holders and holders[0] != guest.id:
            yield _false_address(guest, address, f"which is guest {_title(registry, holders[0])}'s", now)
    for interface in guest.interfaces:
        for address in (*interface.heard, *(one for one in interface.addresses if one.origin in _HEARSAY)):
            if _is_the_network_s(address, known, settings):
                whose = "which is a gateway's, a host's, a name server's or a proxy's"
                yield _false_address(guest, address, whose, now)


def _is_the_network_s(address: Address, known: Known, settings: GuestSettings) -> bool:
    """Whether a guest has an address of the guests' network itself; what an agent says of other networks is its own."""
    if not (forbidden(address.ip, known, settings) or is_in(address.ip, settings.excluded)):
        return False
    return address.origin is Origin.ARP or is_in(address.ip, settings.networks)


def _false_address(guest: Guest, address: Address, whose: str, now: float) -> Alarm:
    does = "answers ARP for" if address.origin is Origin.ARP else "says through its agent that it has"
    return Alarm(
        f"{address.origin} {address.ip} {guest.id}",
        f"guest {guest.title} {does} {address.ip}, {whose}; it is not published for it: see what runs in that guest, "
        "and take the address away there",
        guest.name,
        now,
    )


def _false_names(registry: Registry, known: Known, settings: GuestSettings, now: float) -> Iterator[Alarm]:
    """Host names asked of DHCP that are reserved, or another guest's."""
    for hostname in dict.fromkeys(known.guest.hostnames):
        label = hostname.partition(".")[0].lower()
        if label == known.guest.name.lower() or label in _NOBODY or not _LABEL.fullmatch(label):
            continue
        if label.encode() in {name.labels[0] for name in registry.wishes(known.id).names}:
            continue
        if rivals := registry.rivals(Name([label.encode(), *settings.zone.labels])):
            whose = f"which is guest {_title(registry, rivals[0])}'s"
        elif entry := reserved_by(label, settings.reserved):
            whose = f"which is reserved ({entry})"
        else:
            continue
        yield _alarm(
            f"hostname {label} {known.id}",
            f"guest {known.guest.title} asked DHCP for the host name {said(hostname)}, {whose}; it has no effect: set "
            "another host name in that guest",
            known,
            now,
        )


def _present(registry: Registry, guests: Iterable[GuestId]) -> list[Known]:
    """Those of ``guests`` that their sources show."""
    found = (registry.known(one) for one in guests)
    return [known for known in found if known is not None and known.present]


def _title(registry: Registry, guest: GuestId) -> str:
    known = registry.known(guest)
    return known.guest.title if known else said(guest)


def _alarm(key: str, what: str, known: Known, since: float) -> Alarm:
    return Alarm(key, what, known.guest.name, since)
