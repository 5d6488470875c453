"""What the daemon shows to the page, written in one transaction for all of it."""

from collections.abc import Mapping
from typing import Any

from dns.name import Name

from skulldns.model.guests import GuestId
from skulldns.model.views import GuestView, HeldName, NameView
from skulldns.store.office import Office


class ViewStore:
    """Keeps ``ViewMemory`` in the office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def show(
        self,
        *,
        held: Mapping[Name, HeldName | None],
        guests: Mapping[GuestId, GuestView | None],
        names: Mapping[Name, NameView | None],
        complete: bool,
    ) -> None:
        if not (complete or held or guests or names):
            return
        with self._office.writing() as books:
            views = books.views
            if complete:
                views.replace_held(one for one in held.values() if one)
                views.replace_guests(one for one in guests.values() if one)
                views.replace_names(one for one in names.values() if one)
            else:
                views.put_held(one for one in held.values() if one)
                views.drop_held(name for name, one in held.items() if one is None)
                views.put_guests(one for one in guests.values() if one)
                views.drop_guests(identity for identity, one in guests.items() if one is None)
                views.put_names(one for one in names.values() if one)
                views.drop_names(name for name, one in names.items() if one is None)

    def show_served(self, name: Name, value: str) -> None:
        with self._office.writing() as books:
            books.views.put_served(name, value)

    def hide_served(self, name: Name, value: str) -> None:
        with self._office.writing() as books:
            books.views.drop_served(name, value)

    def show_health(self, health: Mapping[str, Any]) -> None:
        with self._office.writing() as books:
            books.views.put_health(health)
