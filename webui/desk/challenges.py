"""TXT values of members' ACME clients: at names that they claimed, and at the names of their guests."""

import re
from dataclasses import dataclass, replace

from dns.name import Name

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.claims import is_own_domain
from skulldns.desired.policy.states import timed
from skulldns.errors import Refused
from skulldns.model.certificates import bare, shown
from skulldns.model.claims import ChallengeValue, Claim, ClaimState
from skulldns.model.members import Actor
from skulldns.store.office import Books
from webui.desk.base import Desk, acting_member, change, closest, write_down

CHALLENGE_LASTS = 3_600.0
"""Seconds after which a challenge that nobody took back is gone."""

_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # SHA-256 in base64url (RFC 8555 section 8.4)
_MOST = 10

Values = tuple[ChallengeValue, ...]


def present(desk: Desk, actor: Actor, name: Name, value: str, now: float, *, newest: int = _MOST) -> Values:
    """Place a TXT value for an ACME challenge of ``name``, which is at or below a name of the member's.

    Returns the values at that name then; of them only the ``newest`` stay. Raises ``Refused``.
    """
    if not _DIGEST.fullmatch(value):
        raise Refused("this is not the value of a challenge", cure="let an ACME client make it (dns-01)")
    host = bare(name)
    judge_challenge(desk, host)
    with desk.office.writing() as books:
        place = _place(desk, books, actor, host)
        others = [one for one in place.values(now) if (one.name, one.value) != (host, value)]
        if len(others) >= _MOST:
            raise Refused(f"{shown(host)} has {_MOST} challenges", cure="try again in an hour")
        here = [
            *(one for one in others if one.name == host),
            ChallengeValue(host, value, now + CHALLENGE_LASTS),
        ]
        elsewhere = (one for one in others if one.name != host)
        place.keep("present", (*elsewhere, *here[-newest:]), now)
        return tuple(here[-newest:])


def cleanup(desk: Desk, actor: Actor, name: Name, value: str, now: float) -> Values:
    """Take a TXT value back, and return those that are left; one that is not there is no error. Raises ``Refused``."""
    host = bare(name)
    with desk.office.writing() as books:
        place = _place(desk, books, actor, host)
        left = tuple(one for one in place.values(now) if (one.name, one.value) != (host, value))
        place.keep("cleanup", left, now)
        return tuple(one for one in left if one.name == host)


def judge_challenge(desk: Desk, name: Name) -> None:
    """Refuse a name that no TXT value of ours can prove: one in none of our zones. Raises ``Refused``."""
    if is_own_domain(name, desk.rules):
        raise Refused(
            f"{shown_name(name)} is in a zone of your own, where we write no record",
            cure="prove it by http-01",
        )


def served(desk: Desk, name: Name, value: str, patience: float) -> bool:
    """Whether all name servers answer a value; waits for that, at most ``patience`` seconds."""
    host = bare(name)

    def seen() -> bool:
        with desk.office.reading() as books:
            return books.views.serves(host, value)

    if desk.office.bell is None:
        return seen()
    with desk.office.bell.listen() as listener:
        return listener.until(seen, patience)


@dataclass(frozen=True, slots=True)
class _AtClaim:
    """A claim of the member's keeps its values itself."""

    desk: Desk
    books: Books
    actor: Actor
    claim: Claim

    def values(self, now: float) -> Values:
        return tuple(one for one in self.claim.challenges if one.until > now)

    def keep(self, what: str, values: Values, now: float) -> None:
        after = timed(replace(self.claim, challenges=values), self.desk.rules.times)
        change(self.books, self.actor, what, self.claim, after, now)


@dataclass(frozen=True, slots=True)
class _AtGuest:
    """A guest of the member's, at its own name ``held``."""

    books: Books
    actor: Actor
    member: str
    held: Name

    def values(self, now: float) -> Values:
        return tuple(self.books.challenges.at(self.held, self.member, now))

    def keep(self, what: str, values: Values, now: float) -> None:
        before = self.values(now)
        if values == before:
            return
        for one in before:
            if one not in values:
                self.books.challenges.drop(one)
        for one in values:
            if one not in before:
                self.books.challenges.put(self.held, self.member, one, now)
        old, new = _parts(before), _parts(values)
        write_down(self.books, self.actor, what, shown(self.held), now, before=old, after=new)


def _place(desk: Desk, books: Books, actor: Actor, name: Name) -> _AtClaim | _AtGuest:
    """Where the values of ``name`` are kept. Raises ``Refused`` if it is at or below no name of the member's."""
    member = acting_member(books, actor).login
    found = closest(books, name)
    if isinstance(found, Claim) and found.member == member and found.state is ClaimState.ACTIVE:
        return _AtClaim(desk, books, actor, found)
    if (
        found is not None
        and not isinstance(found, Claim)
        and found.guest is not None
        and found.owner == member
    ):
        return _AtGuest(books, actor, member, found.name)
    raise Refused(f"{shown(name)} is not a name of yours", cure="look at your names and guests")


def _parts(values: Values) -> dict[str, list[str]]:
    return {"challenges": sorted(shown(one.name) for one in values)}
