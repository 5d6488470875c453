"""Remembers what the daemon shows to the page: names that are taken, guests, the state of names, and health."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from itertools import islice
from typing import Any

from dns.name import Name
from sqlalchemy import Connection, Row, Table, delete, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.guests import GuestId, GuestState, IPAddress
from skulldns.model.namestate import NameState
from skulldns.model.views import GuestView, HeldName, NameView, Page
from skulldns.store.claimcodec import name_from, plain_name, reversed_name
from skulldns.store.membertables import guest_addresses, guest_views, held_names, name_views, shown
from skulldns.store.nearness import held_from

_HEALTH = "health"
_AT_ONCE = 1000
"""Rows that are handed to the database together: at first all names of a large zone are shown."""


class ViewBook:
    """What is shown, within one transaction. The daemon writes, the page reads."""

    def __init__(self, connection: Connection, changed: Callable[[], None]) -> None:
        self._connection = connection
        self._changed = changed

    def held(self, name: Name) -> HeldName | None:
        """Who has ``name`` without a claim."""
        query = select(held_names).where(held_names.c.name == plain_name(name))
        row = self._connection.execute(query).first()
        return None if row is None else held_from(row)

    def put_held(self, names: Iterable[HeldName]) -> None:
        """Show these as taken."""
        self._put(held_names, "name", map(_held_columns, names))

    def drop_held(self, names: Iterable[Name]) -> None:
        """Show these as taken no more."""
        self._drop(held_names, "name", [plain_name(name) for name in names])

    def replace_held(self, names: Iterable[HeldName]) -> None:
        """Show just these as taken."""
        self._connection.execute(delete(held_names))
        self.put_held(names)

    def guest(self, identity: str) -> GuestView | None:
        """One guest, if it is shown."""
        row = self._connection.execute(select(guest_views).where(guest_views.c.id == identity)).first()
        return None if row is None else _guest_from(row)

    def guests_of(self, owner: str) -> Sequence[GuestView]:
        """A member's guests, by name."""
        table = guest_views
        rows = self._connection.execute(select(table).where(table.c.owner == owner).order_by(table.c.name))
        return [_guest_from(row) for row in rows]

    def guests(self, text: str = "", offset: int = 0, limit: int = 50) -> Page[GuestView]:
        """All guests by name: those with ``text`` in the name, or with the owner ``text``."""
        table = guest_views
        where = [or_(table.c.name.contains(text, autoescape=True), table.c.owner == text)] if text else []
        total = self._connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
        query = select(table).where(*where).order_by(table.c.name, table.c.id).offset(offset).limit(limit)
        return Page([_guest_from(row) for row in self._connection.execute(query)], total, offset)

    def guest_names(self, identities: Iterable[GuestId]) -> Mapping[GuestId, str]:
        """What these guests are called, those that are shown."""
        query = select(guest_views.c.id, guest_views.c.name).where(guest_views.c.id.in_(list(identities)))
        return {GuestId(row.id): row.name for row in self._connection.execute(query)}

    def guests_at(self, address: IPAddress) -> Sequence[GuestView]:
        """The guests that have an address."""
        having = select(guest_addresses.c.guest).where(guest_addresses.c.address == str(address))
        rows = self._connection.execute(select(guest_views).where(guest_views.c.id.in_(having)))
        return [_guest_from(row) for row in rows]

    def put_guests(self, guests: Iterable[GuestView]) -> None:
        """Show these guests as they are now."""
        some = list(guests)
        self._put(guest_views, "id", [_guest_columns(one) for one in some])
        self._drop(guest_addresses, "guest", [one.id for one in some])
        addresses = [
            {"guest": one.id, "address": str(address)} for one in some for address in set(one.addresses)
        ]
        if addresses:
            self._connection.execute(insert(guest_addresses), addresses)

    def drop_guests(self, guests: Iterable[GuestId]) -> None:
        """Show these guests no more."""
        gone = list(guests)
        self._drop(guest_views, "id", gone)
        self._drop(guest_addresses, "guest", gone)

    def replace_guests(self, guests: Iterable[GuestView]) -> None:
        """Show just these guests."""
        for table in (guest_views, guest_addresses):
            self._connection.execute(delete(table))
        self.put_guests(guests)

    def name(self, name: Name) -> NameView | None:
        """How one name is."""
        return self.names([name]).get(name)

    def names(self, names: Iterable[Name]) -> Mapping[Name, NameView]:
        """How these names are, those that are shown."""
        wanted = [plain_name(name) for name in names]
        rows = self._connection.execute(select(name_views).where(name_views.c.name.in_(wanted)))
        found = (_name_from(row) for row in rows)
        return {view.name: view for view in found}

    def names_of(self, owner: str) -> Sequence[NameView]:
        """How a member's names are, also those of guests, by name."""
        query = select(name_views).where(name_views.c.owner == owner).order_by(name_views.c.name)
        return [_name_from(row) for row in self._connection.execute(query)]

    def put_names(self, names: Iterable[NameView]) -> None:
        """Show these names as they are now."""
        self._put(name_views, "name", map(_name_columns, names))

    def drop_names(self, names: Iterable[Name]) -> None:
        """Show these names no more."""
        self._drop(name_views, "name", [plain_name(name) for name in names])

    def replace_names(self, names: Iterable[NameView]) -> None:
        """Show just these names."""
        self._connection.execute(delete(name_views))
        self.put_names(names)

    def health(self) -> dict[str, Any] | None:
        """What the daemon last said of itself; None before it ever ran."""
        return self.said(_HEALTH)

    def put_health(self, health: Mapping[str, Any]) -> None:
        """Show this as the daemon's health."""
        self.say(_HEALTH, health)

    def serves(self, name: Name, value: str) -> bool:
        """Whether all servers answer this value of an ACME challenge of ``name``."""
        return self.said(_challenge(name, value)) is not None

    def put_served(self, name: Name, value: str) -> None:
        """All servers answer this value of an ACME challenge from now on."""
        self.say(_challenge(name, value), {})

    def drop_served(self, name: Name, value: str) -> None:
        """This value of an ACME challenge is answered no more."""
        self._drop(shown, "key", [_challenge(name, value)])

    def said(self, key: str) -> dict[str, Any] | None:
        """Something else that the daemon shows, by its key."""
        text = self._connection.execute(select(shown.c.body).where(shown.c.key == key)).scalar()
        found: dict[str, Any] | None = None if text is None else json.loads(text)
        return found

    def say(self, key: str, body: Mapping[str, Any]) -> None:
        """Show something else, as JSON values."""
        self._put(shown, "key", [{"key": key, "body": json.dumps(body)}])

    def _put(self, table: Table, key: str, rows: Iterable[Mapping[str, Any]]) -> None:
        put, remaining = insert(table), iter(rows)
        new = {column.name: put.excluded[column.name] for column in table.columns if column.name != key}
        statement = put.on_conflict_do_update(index_elements=[key], set_=new)
        while part := list(islice(remaining, _AT_ONCE)):
            self._connection.execute(statement, part)
            self._changed()

    def _drop(self, table: Table, key: str, values: Sequence[str]) -> None:
        if values:
            self._connection.execute(delete(table).where(table.c[key].in_(values)))
            self._changed()


def _challenge(name: Name, value: str) -> str:
    return f"challenge {plain_name(name)} {value}"


def _held_columns(held: HeldName) -> dict[str, Any]:
    return {
        "name": plain_name(held.name),
        "reversed": reversed_name(held.name),
        "skeleton": held.skeleton,
        "holder": held.holder,
        "owner": held.owner,
        "guest": held.guest,
    }


def _guest_columns(guest: GuestView) -> dict[str, Any]:
    body = {
        "source": guest.source,
        "state": guest.state,
        "port": guest.port,
        "addresses": [str(address) for address in guest.addresses],
        "names": [plain_name(name) for name in guest.names],
        "refusals": guest.refusals,
    }
    return {"id": guest.id, "name": guest.name, "owner": guest.owner, "body": json.dumps(body)}


def _guest_from(row: Row[Any]) -> GuestView:
    body = json.loads(row.body)
    return GuestView(
        id=GuestId(row.id),
        name=row.name,
        source=body["source"],
        owner=row.owner,
        state=GuestState(body["state"]) if body["state"] else None,
        port=body["port"],
        addresses=tuple(ip_address(text) for text in body["addresses"]),
        names=tuple(name_from(text) for text in body["names"]),
        refusals=tuple(body["refusals"]),
    )


def _name_columns(view: NameView) -> dict[str, Any]:
    return {
        "name": plain_name(view.name),
        "state": view.state,
        "owner": view.owner,
        "changed": view.changed,
        "body": json.dumps(view.body),
    }


def _name_from(row: Row[Any]) -> NameView:
    return NameView(name_from(row.name), NameState(row.state), row.owner, row.changed, json.loads(row.body))
