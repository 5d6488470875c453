"""What we remember of a guest between looks, as a frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from skulldns.model.guests import Address, Guest, GuestId, Interface


@dataclass(frozen=True, slots=True)
class Known:
    """A guest that some look has shown, and what became of it. All times are Unix times in seconds.

    ``interfaces`` are those it had when it was last seen with an address; ``since`` has, for each name, address and
    MAC (as text) that it asks for, when it first did, so that the first of two keeps it across restarts.
    ``missing_since`` and ``missing_looks`` count the looks in a row in which its source said there is no such
    guest; ``witnessed`` that the source also announced its end; ``gone_since`` that both add up to certainty.
    ``settled``: it runs, and was seen with an address since it was started; that stays its own while it shows no other.
    """

    guest: Guest
    interfaces: tuple[Interface, ...] = ()
    since: Mapping[str, float] = field(default_factory=dict)
    stopped_since: float | None = None
    missing_since: float | None = None
    missing_looks: int = 0
    witnessed: bool = False
    gone_since: float | None = None
    settled: bool = False

    @property
    def id(self) -> GuestId:
        return self.guest.id

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses it was last seen with."""
        return tuple(address for interface in self.interfaces for address in interface.addresses)

    @property
    def present(self) -> bool:
        """Whether the last look at its source showed it."""
        return self.missing_since is None
