"""Machines of the config: no hypervisor here knows them, so they are always there, running, at their addresses."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from skulldns.errors import Unavailable
from skulldns.model.guests import (
    Address,
    Guest,
    GuestId,
    GuestOptions,
    GuestState,
    Hint,
    Interface,
    IPAddress,
    Origin,
    SourceName,
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the config says of one machine: its addresses, at least one, and its options."""

    addresses: tuple[IPAddress, ...]
    options: GuestOptions = field(default_factory=GuestOptions)


class StaticSource:
    """Keeps `skulldns.sources.protocol.Source` for ``machines``, by their names.

    A machine's identity is made of the source's name and its own, such as ``static:vmsrv.example.org/printer``,
    since several such sources may have the same name. Nothing ever changes here, so there are no events: whoever
    reads the config again makes a new source.
    """

    def __init__(self, name: SourceName, machines: Mapping[str, Machine]) -> None:
        self._name = name
        self._guests = {
            guest.id: guest for guest in (_guest(name, own, machine) for own, machine in machines.items())
        }
        self._closed = threading.Event()

    @property
    def name(self) -> SourceName:
        return self._name

    def watch(self, wake: Callable[[Hint], None]) -> None:
        """Wake nobody."""

    def guests(self) -> Sequence[Guest]:
        self._check_open()
        return tuple(self._guests.values())

    def guest(self, identity: GuestId) -> Guest | None:
        self._check_open()
        return self._guests.get(identity)

    def unreadable(self) -> frozenset[GuestId]:
        return frozenset()

    def close(self) -> None:
        self._closed.set()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise Unavailable("the source is closed", where=self._name)


def _guest(source: SourceName, name: str, machine: Machine) -> Guest:
    addresses = tuple(Address(ip, Origin.STATIC) for ip in dict.fromkeys(machine.addresses))
    return Guest(
        id=GuestId(f"{source.replace(' ', ':')}/{name}"),
        source=source,
        name=name,
        state=GuestState.RUNNING,
        interfaces=(Interface(None, addresses=addresses),),
        options=machine.options,
    )
