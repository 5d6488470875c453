"""What looking at sources and files gave, as frozen values."""

from dataclasses import dataclass

from dns.name import Name

from skulldns.model.guests import Guest, GuestId, SourceName
from skulldns.model.statics import StaticRecord


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at one guest showed it."""

    source: SourceName
    guest: Guest


@dataclass(frozen=True, slots=True)
class Missed:
    """A look at one guest said there is no such guest; ``witnessed``: its source had announced the end."""

    source: SourceName
    guest: GuestId
    witnessed: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A look at everything: all guests, and those that exist but could not be read."""

    source: SourceName
    guests: tuple[Guest, ...]
    unreadable: frozenset[GuestId] = frozenset()


@dataclass(frozen=True, slots=True)
class Down:
    """A source cannot tell; ``reason`` is a sentence with the cure."""

    source: SourceName
    reason: str


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """A zone's files were read. ``error`` says why their last good version stays in force.

    ``records`` are then that version's; None when there never was one, or it is known already.
    """

    zone: Name
    records: tuple[StaticRecord, ...] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The config file was changed and has an error, so that the last good one stays in force."""

    error: str


Observation = Seen | Missed | Snapshot | Down | ZoneFile | ConfigFile
