"""What this host's network tables say: who answered which address, and which addresses are its own.

Read with `ip -json` (ip-neighbour(8), ip-address(8)). Who answers ARP or neighbour discovery can claim any
address: what is read here is the guest's own word.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from skulldns.errors import Unavailable
from skulldns.model.guests import IPAddress
from skulldns.sources.host.commands import Hangs, Missing, Run, run
from skulldns.sources.host.leases import parse_ip, parse_mac

_LIMIT = 5.0  # seconds

# Entries in these states have no answer behind them (ip-neighbour(8)).
_UNANSWERED = frozenset({"FAILED", "INCOMPLETE", "NONE", "NOARP"})

Neighbours = Mapping[str, Mapping[str, tuple[IPAddress, ...]]]
"""The addresses that a MAC (lower case) answered for, by the host's interface that it was heard on."""

Claim = tuple[str, IPAddress]
"""A MAC (lower case) and an address that it answered for."""

_LISTEN_EVERY = 5.0  # seconds; a look at the table costs some 3 ms


class HostNetwork:
    """Asks this host's tables, or with a command before `ip` those of a network namespace."""

    def __init__(self, command: Sequence[str] = (), execute: Run = run) -> None:
        self._command = (*command, "ip", "-json")
        self._execute = execute

    def neighbours(self) -> Neighbours:
        """Return the neighbour table, IPv4 and IPv6. Raises ``Unavailable``."""
        return parse_neighbours(self._ask("neighbour"))

    def own_addresses(self) -> frozenset[IPAddress]:
        """Return all addresses of this host itself. Raises ``Unavailable``."""
        return parse_own_addresses(self._ask("address"))

    def _ask(self, what: str) -> str:
        where = f"the table ip {what}"
        try:
            answer = self._execute((*self._command, what, "show"), _LIMIT)
        except Missing:
            raise Unavailable(
                "the program ip is missing", where=where, cure="install iproute2 (Debian package iproute2)"
            ) from None
        except Hangs:
            raise Unavailable(
                "the program ip does not end", where=where, cure="see the kernel's log"
            ) from None
        if answer.status:
            raise Unavailable(answer.complaint, where=where, cure="see whether ip runs by hand")
        return answer.output


def listen(
    read: Callable[[], Neighbours],
    heard: Callable[[frozenset[Claim]], None],
    stop: threading.Event,
    every: float = _LISTEN_EVERY,
) -> None:
    """Call ``heard`` with the claims that are new in the table since the last look at it, until `stop` is set.

    Blocks: run it in a thread. The table is read ``every`` so many seconds, whatever happens on the network:
    a guest could make as many events as it likes.
    """
    known: frozenset[Claim] = frozenset()
    while not stop.wait(every):
        try:
            now = frozenset(_claims(read()))
        except Unavailable:
            continue  # a look at the guests says why
        if new := now - known:
            heard(new)
        known = now


def _claims(neighbours: Neighbours) -> Iterator[Claim]:
    for of_device in neighbours.values():
        for mac, ips in of_device.items():
            yield from ((mac, ip) for ip in ips if not ip.is_link_local)


def parse_neighbours(text: str) -> Neighbours:
    """Read what `ip -json neighbour show` prints; entries without a MAC or an answer are left out."""
    found: dict[str, dict[str, tuple[IPAddress, ...]]] = {}
    for entry in parse_json_list(text):
        mac, ip, device = parse_mac(entry.get("lladdr")), parse_ip(entry.get("dst")), entry.get("dev")
        if mac and ip and isinstance(device, str) and not _UNANSWERED & {*_strings(entry.get("state"))}:
            on_device = found.setdefault(device, {})
            on_device[mac] = (*on_device.get(mac, ()), ip)
    return found


def parse_own_addresses(text: str) -> frozenset[IPAddress]:
    """Read what `ip -json address show` prints."""
    listed = (address for link in parse_json_list(text) for address in objects(link.get("addr_info")))
    found = (parse_ip(address.get("local")) for address in listed)
    return frozenset(ip for ip in found if ip)


def parse_json_list(text: str) -> list[Mapping[str, Any]]:
    """Read a JSON list of objects; whatever else is in it, or instead of it, is left out."""
    try:
        return objects(json.loads(text))
    except (ValueError, RecursionError):
        return []


def objects(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list that was read from JSON."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _strings(value: object) -> Iterable[str]:
    return (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
