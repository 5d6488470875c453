"""What is to be changed in a zone, as frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dns.name import Name

from skulldns.model.records import Key, RRset

LARGE = 200
"""More records than that at one name are sent in a message of their own, and the server has longer for them."""


class Action(StrEnum):
    """What a change does to its RRset."""

    ADD = "add"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One RRset's way from ``before`` (what it must find; None: no such RRset) to ``after`` (None: deleted).

    ``alone`` asks that nothing else stands at the name (RFC 2136 section 2.4.5), for names we take as a whole.
    ``owner`` is who wants it (a guest's identity, or ``zone file``) and ``source`` where that one is known from (the
    guest's source, or ``zone file``); ``reason`` is a sentence for people.
    """

    before: RRset | None
    after: RRset | None
    owner: str
    source: str
    reason: str
    alone: bool = False

    @property
    def key(self) -> Key:
        some = self.after or self.before
        assert some is not None, "a change has a before or an after"
        return some.key

    @property
    def name(self) -> Name:
        some = self.after or self.before
        assert some is not None, "a change has a before or an after"
        return some.name

    @property
    def action(self) -> Action:
        if self.before is None:
            return Action.ADD
        return Action.DELETE if self.after is None else Action.REPLACE

    @property
    def records(self) -> int:
        """How many records it must find, and how many there are to be."""
        return sum(len(rrset.data) for rrset in (self.before, self.after) if rrset is not None)


def are_large(changes: Sequence[Change]) -> bool:
    """Whether they are of one name with so many records that a server may need long for them."""
    first = changes[0].name
    return all(one.name == first for one in changes) and sum(one.records for one in changes) > LARGE
