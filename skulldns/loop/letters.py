"""What the engine puts into the mailboxes of publishers and of the keeper of sites, and what it gets of claims."""

from collections.abc import Mapping
from dataclasses import dataclass

from dns.name import Name

from skulldns.model.assignments import Assignment
from skulldns.model.claims import Claim
from skulldns.model.desired import Decision
from skulldns.model.guests import GuestId
from skulldns.model.sites import Site


@dataclass(frozen=True, slots=True)
class Decisions:
    """To a publisher: what should be at these names. The first one is ``complete``."""

    decisions: tuple[Decision, ...]
    complete: bool = False


@dataclass(frozen=True, slots=True)
class SiteDecisions:
    """To the keeper of sites: what is at these names, None for no site.

    The first one is ``complete``; ``remembered``: guests were known from before.
    """

    sites: Mapping[Name, Site | None]
    complete: bool = False
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """To publishers and the keeper of sites: the sources that have not answered since start."""

    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """To the engine: claims that have changed, and guests to which something else is assigned by now."""

    claims: tuple[Claim, ...]
    assigned: Mapping[GuestId, Assignment]


@dataclass(frozen=True, slots=True)
class Changed:
    """To who watches: the names that were decided anew, and the guests of which something else is known now."""

    names: frozenset[Name]
    guests: frozenset[GuestId]
