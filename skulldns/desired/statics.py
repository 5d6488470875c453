"""The static records of all zones, by name and view."""

from collections.abc import Iterable
from typing import NamedTuple

from dns.name import Name
from dns.rdatatype import RdataType

from skulldns.model.statics import StaticRecord

_TAKES_NAME = frozenset(
    {RdataType.A, RdataType.AAAA, RdataType.CNAME, RdataType.DNAME, RdataType.NS, RdataType.PTR}
)


def in_view(records: Iterable[StaticRecord], view: str | None) -> list[StaticRecord]:
    """The records that ``view`` has; one for the view alone goes before one of its name and type for all."""
    given = list(records)
    found = {record.rrset.key: record for record in given if record.view is None}
    if view is not None:
        found |= {record.rrset.key: record for record in given if record.view == view}
    return list(found.values())


class Found(NamedTuple):
    """The records at a name in one view, and the one that takes it from guests; a reserved one does so in all views."""

    records: tuple[StaticRecord, ...]
    taking: StaticRecord | None


_NOTHING = Found((), None)


class Statics:
    """What the zone files say."""

    def __init__(self) -> None:
        self._zones: dict[Name, dict[Name, tuple[StaticRecord, ...]]] = {}

    def put(self, zone: Name, records: Iterable[StaticRecord]) -> set[Name]:
        """Take in a zone file's records in place of its former ones; returns the names where they differ."""
        before = self._zones.get(zone, {})
        after: dict[Name, tuple[StaticRecord, ...]] = {}
        for record in records:
            after[record.rrset.name] = (*after.get(record.rrset.name, ()), record)
        self._zones[zone] = after
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

    def zones(self) -> list[Name]:
        """The zones of which a file was read."""
        return list(self._zones)

    def names(self) -> set[Name]:
        """Every name that has a record."""
        return {name for zone in self._zones.values() for name in zone}

    def has(self, name: Name) -> bool:
        """Whether there is a record at ``name``."""
        return any(name in zone for zone in self._zones.values())

    def at(self, name: Name, view: str | None) -> Found:
        """What stands at ``name`` in this view."""
        here = [record for zone in self._zones.values() for record in zone.get(name, ())]
        if not here:
            return _NOTHING
        viewed = any(record.view is not None for record in here)
        records = in_view(here, view) if viewed else here
        reserved = (record for record in here if record.reserved)
        others = (record for record in records if record.rrset.type in _TAKES_NAME)
        return Found(tuple(records), next(reserved, None) or next(others, None))
