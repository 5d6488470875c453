"""Which instance, by project and name, is which guest."""

import threading
from collections.abc import Mapping
from typing import NamedTuple

from skulldns.model.guests import GuestId

_KIND = "incus:"


class Place(NamedTuple):
    """Where the API has an instance. Both change when it is renamed or moved; its identity does not."""

    project: str
    name: str

    @property
    def provisional(self) -> GuestId:
        """The identity of an instance that has no UUID, or whose UUID is not known yet."""
        return GuestId(f"{_KIND}{self.project}/{self.name}")


def named(identity: GuestId) -> Place | None:
    """The place that a provisional identity names; None for any other identity."""
    project, slash, name = identity.removeprefix(_KIND).partition("/")
    if not identity.startswith(_KIND) or not (project and slash and name) or "/" in name:
        return None
    return Place(project, name)


class Places:
    """Remembers, as looks and events tell. Any thread may ask and tell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._identities: dict[Place, GuestId] = {}

    def replace(self, identities: Mapping[Place, GuestId]) -> None:
        """Forget all but these."""
        with self._lock:
            self._identities = dict(identities)

    def put(self, place: Place, identity: GuestId) -> None:
        """This guest is here, and nowhere else."""
        with self._lock:
            self._drop(identity)
            self._identities[place] = identity

    def rename(self, old: Place, new: Place) -> None:
        """Whoever was at `old` is at `new`."""
        with self._lock:
            identity = self._identities.pop(old, None)
            if identity is not None:
                self._identities[new] = identity

    def remove(self, place: Place) -> GuestId:
        """Nobody is here any more; return who was."""
        with self._lock:
            return self._identities.pop(place, place.provisional)

    def forget(self, identity: GuestId) -> None:
        """This guest is nowhere."""
        with self._lock:
            self._drop(identity)

    def identity(self, place: Place) -> GuestId:
        """Who is here; a provisional identity if that is not known."""
        with self._lock:
            return self._identities.get(place, place.provisional)

    def is_settled(self, identity: GuestId) -> bool:
        """Whether a look has given this identity to an instance: then it keeps it until the next one."""
        with self._lock:
            return identity in self._identities.values()

    def place(self, identity: GuestId) -> Place | None:
        """Where this guest was last."""
        with self._lock:
            places = (place for place, known in self._identities.items() if known == identity)
            return next(places, named(identity))

    def _drop(self, identity: GuestId) -> None:
        self._identities = {place: known for place, known in self._identities.items() if known != identity}
