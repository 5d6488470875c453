"""Remembers what people and programs are to be told, and what they were told."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dns.name import Name
from sqlalchemy import Row, and_, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.claims import Claim
from skulldns.model.members import Member
from skulldns.model.notices import Delivery, Kind, Notice
from skulldns.model.views import NameView
from skulldns.store.claimcodec import name_from, plain_name
from skulldns.store.membertables import deliveries
from skulldns.store.office import Office

_MANY = 10_000


class NoticeStore:
    """Keeps ``NoticeMemory`` in the office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def members(self, logins: Iterable[str]) -> Mapping[str, Member]:
        with self._office.reading() as books:
            found = [books.members.member(login) for login in set(logins)]
        return {one.login: one for one in found if one is not None}

    def admins(self) -> Sequence[Member]:
        with self._office.reading() as books:
            return [one for one in books.members.members(limit=_MANY).items if one.admin]

    def views(self, names: Iterable[Name]) -> Mapping[Name, NameView]:
        with self._office.reading() as books:
            return books.views.names(names)

    def holders(self, names: Iterable[Name]) -> Mapping[Name, Claim]:
        with self._office.reading() as books:
            found = [books.claims.holder(name) for name in set(names)]
        return {claim.name: claim for claim in found if claim is not None}

    def put(self, wanted: Iterable[tuple[Notice, str]], now: float) -> None:
        rows = [_columns(notice, to, now) for notice, to in wanted]
        if not rows:
            return
        new = insert(deliveries)
        seen = new.on_conflict_do_update(index_elements=["key", "receiver"], set_={"seen": new.excluded.seen})
        with self._office.writing() as books:
            books.connection.execute(seen, rows)

    def due(self, now: float, limit: int = 50) -> Sequence[Delivery]:
        table = deliveries
        query = select(table).where(table.c.due <= now).order_by(table.c.due, table.c.id).limit(limit)
        with self._office.reading() as books:
            return [_delivery(row) for row in books.connection.execute(query)]

    def told_since(self, to: str, since: float) -> int:
        table = deliveries
        query = select(func.count()).where(table.c.receiver == to, table.c.told >= since)
        with self._office.reading() as books:
            return books.connection.execute(query).scalar_one()

    def told(self, delivery: Delivery, now: float) -> None:
        self._update(delivery, due=None, told=now)

    def failed(self, delivery: Delivery, due: float | None) -> None:
        self._update(delivery, due=due, tries=delivery.tries + 1)

    def postpone(self, delivery: Delivery, due: float) -> None:
        self._update(delivery, due=due)

    def sweep(self, trouble_before: float, before: float) -> None:
        table = deliveries
        settled = table.c.due.is_(None)
        trouble = and_(table.c.key.startswith("certificate "), table.c.seen < trouble_before)
        with self._office.writing() as books:
            books.connection.execute(delete(table).where(settled, or_(trouble, table.c.seen < before)))

    def _update(self, delivery: Delivery, **values: Any) -> None:
        with self._office.writing() as books:
            books.connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(values))


def _columns(notice: Notice, to: str, now: float) -> dict[str, Any]:
    body = json.dumps(asdict(notice) | {"name": plain_name(notice.name)})
    return {"key": notice.key, "receiver": to, "notice": body, "tries": 0, "due": now, "seen": now}


def _delivery(row: Row[Any]) -> Delivery:
    body = json.loads(row.notice)
    notice = Notice(**(body | {"name": name_from(body["name"]), "kind": Kind(body["kind"])}))
    return Delivery(row.id, row.receiver, notice, row.tries)
