"""What the daemon shows to the page, as frozen values. Times are Unix time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from dns.name import Name

from skulldns.model.guests import GuestId, GuestState, IPAddress
from skulldns.model.namestate import NameState

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a longer list: ``items`` from ``offset`` on, of ``total``."""

    items: Sequence[Item]
    total: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class HeldName:
    """A name that a guest or a zone file has without any claim.

    ``holder`` is for people, such as ``the zone file`` or ``the guest web``; ``owner`` and ``guest`` are None for what
    is no guest's. ``skeleton`` is equal for names that look alike (``desired.policy.skeleton``).
    """

    name: Name
    holder: str
    owner: str | None = None
    guest: GuestId | None = None
    skeleton: str = ""


@dataclass(frozen=True, slots=True)
class GuestView:
    """A guest as members see it: the ``names`` and ``addresses`` that it publishes, and ``refusals`` as sentences."""

    id: GuestId
    name: str
    source: str
    owner: str | None
    state: GuestState | None
    port: int = 80
    addresses: tuple[IPAddress, ...] = ()
    names: tuple[Name, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameView:
    """How a name is: its state, since when (``changed``), and the links of its chain as ``body`` (JSON values)."""

    name: Name
    state: NameState
    owner: str | None
    changed: float
    body: dict[str, Any]
