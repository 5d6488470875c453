"""The links of a chain that explains a name."""

from dataclasses import dataclass
from enum import StrEnum


class LinkState(StrEnum):
    """How a link of the chain is: it holds, waits, is broken, or is nothing this name needs."""

    GOOD = "good"
    WAITING = "waiting"
    BROKEN = "broken"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Link:
    """One link: what it is, how it is, and a sentence."""

    link: str
    state: LinkState
    text: str
