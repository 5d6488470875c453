"""What should be published, as frozen values."""

from dataclasses import dataclass
from enum import StrEnum

from dns.name import Name

from skulldns.model.records import Key, RRset

ZONE_FILE = "zone file"
"""The owner of static records."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An RRset that somebody wants.

    ``owner`` is a guest's identity or ``ZONE_FILE``, ``source`` the guest's source or ``ZONE_FILE``; ``reason`` is
    a sentence for people; ``alone`` asks for the name as a whole: nothing foreign may stand there.
    """

    rrset: RRset
    owner: str
    source: str
    reason: str
    alone: bool

    @property
    def key(self) -> Key:
        return self.rrset.key


@dataclass(frozen=True, slots=True)
class Decision:
    """What should be at one name: everything in ``wanted`` and nothing else of ours."""

    name: Name
    wanted: tuple[Wanted, ...] = ()


class Evidence(StrEnum):
    """What speaks for a deletion, from the strongest to the weakest.

    ``DECIDED``: a person ended it, which is written down (or was warned and let it end). ``MOVED``: its owner was seen
    and asks for something else now. ``ANNOUNCED``: its source announced the end and a look confirmed it. ``UNSEEN``: it
    is merely not there any more.
    """

    DECIDED = "decided"
    MOVED = "moved"
    ANNOUNCED = "announced"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why an owner's records go: a sentence, and what speaks for it."""

    reason: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something asked for that is not published, and why, for people."""

    what: str
    reason: str
