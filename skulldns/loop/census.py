"""What the publishers ask about guests."""

from collections.abc import Mapping
from typing import Protocol

from skulldns.model.desired import Farewell


class Census(Protocol):
    """Answers about owners of records; callable from any thread."""

    def farewell(self, owner: str) -> Farewell:
        """Why records of ``owner`` are not wanted any more."""

    def unseen(self) -> Mapping[str, frozenset[str]]:
        """The owners, by source, that their source does not show and whose end nobody announced."""
