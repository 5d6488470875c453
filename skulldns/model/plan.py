"""A plan: the ordered changes of one zone, after the guard has looked at it, as frozen values."""

from dataclasses import dataclass
from enum import StrEnum

from skulldns.model.changes import Change
from skulldns.model.records import Key
from skulldns.model.zones import ZoneId

ADOPTABLE = "there already with the same data, but not by us"
"""What the reason of a conflict says of an RRset that a person may adopt."""


class Block(StrEnum):
    """Why a change is not made now."""

    WAITING = "waiting"
    GUARD = "guard"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A change that is not made now, and why, as a sentence."""

    change: Change
    block: Block
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do in ``zone`` now.

    ``changes`` may be made; ``blocked`` may not yet; ``conflicts`` are names where something foreign is in the
    way, with the reason; ``checksum`` names exactly these changes, blocked ones that a person may agree to
    included, so that ``apply`` can do what ``plan`` showed.
    """

    zone: ZoneId
    changes: tuple[Change, ...]
    blocked: tuple[Blocked, ...]
    conflicts: tuple[tuple[Key, str], ...]
    checksum: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do and nothing waits for a person."""
        return not self.changes and not self.needs_agreement

    @property
    def needs_agreement(self) -> bool:
        """Whether the guard holds something back until a person agrees."""
        return any(blocked.block is Block.GUARD for blocked in self.blocked)
