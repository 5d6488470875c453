"""The chain of a name as the workers know it, without asking anybody: what the members' page shows all the time.

``why`` asks the servers themselves; this reads what was read back last, so that a thousand names cost next to nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import dns.rdatatype
from dns.name import Name

from skulldns.loop.aliases import goal_link
from skulldns.loop.front import Front
from skulldns.loop.links import Link, LinkState, claim_link, lost_guest_link
from skulldns.loop.names import Names
from skulldns.loop.publisher import Publisher
from skulldns.loop.visit import certificate_link, site_link
from skulldns.model.claims import Claim, GuestTarget
from skulldns.model.guests import GuestState
from skulldns.model.namestate import NameState


@dataclass(frozen=True, slots=True)
class LiveChain:
    """A name's state, whose it is, and its links; ``probed`` says whether visitors can be asked for what they meet."""

    name: Name
    state: NameState
    owner: str | None
    links: tuple[Link, ...]
    probed: bool

    @property
    def good(self) -> bool:
        """Whether every link holds."""
        return all(link.state in {LinkState.GOOD, LinkState.NONE} for link in self.links)


def live_chain(names: Names, front: Front, name: Name, now: float) -> LiveChain | None:
    """The chain of a claimed name, or of one that a member's guest has; None for all others."""
    with names.engine.reading():
        registry = names.engine.registry
        claim = registry.claims.at(name)
        if claim is not None:
            owner, first = claim.member, list(_claim(names, claim))
        else:
            rivals = registry.rivals(name)
            verdict = registry.verdict(rivals[0]) if rivals else None
            if verdict is None or verdict.options.owner is None:
                return None
            owner, first = (
                verdict.options.owner,
                [_guest(verdict.known.guest.state, verdict.known.guest.title)],
            )
    if claim is not None and (goal := goal_link(names, claim, now)):
        first.append(goal)
    links, state = first, NameState.SERVED
    publishers = names.publishers_of(name)
    if publishers:
        state = names.name(name, now).state
        for publisher in publishers:
            links += _servers(names, publisher, name)
    site = front.site(name)
    if site is not None:
        links += [certificate_link(front, site, name, now), site_link(front, site)]
    if state is NameState.SERVED and any(link.state is LinkState.WAITING for link in links):
        state = NameState.PENDING
    return LiveChain(name, state, owner, tuple(links), site is not None)


def _claim(names: Names, claim: Claim) -> Iterator[Link]:
    yield claim_link(claim)
    if not isinstance(claim.target, GuestTarget):
        return
    verdict = names.engine.registry.guest_of(claim)
    if verdict is None:
        yield lost_guest_link(claim)
        return
    yield _guest(verdict.known.guest.state, verdict.known.guest.title)


def _guest(state: GuestState, title: str) -> Link:
    if state is GuestState.RUNNING:
        return Link("guest", LinkState.GOOD, f"{title} is running")
    return Link("guest", LinkState.BROKEN, f"{title} is {state}; start it")


def _servers(names: Names, publisher: Publisher, name: Name) -> Iterator[Link]:
    """What each server was last seen to serve of what is wanted."""
    with names.engine.reading():
        wanted = names.engine.registry.decide(name, publisher.zone.view).wanted
    keys = [want.key for want in wanted]
    view = f" ({publisher.zone.view})" if publisher.zone.view else ""
    if not keys:
        yield Link(f"ns1{view}", LinkState.WAITING, "there is no address to publish yet")
        return
    shown = ", ".join(
        f"{dns.rdatatype.to_text(one.rrset.type)} {' '.join(one.rrset.values())}" for one in wanted
    )
    conflict = next((why for key, why in list(publisher.conflicts.items()) if key in keys), None)
    late = [want for want in wanted if publisher.state.served(want.key) != want.rrset]
    trouble = publisher.trouble.reason if publisher.trouble else None
    if conflict:
        yield Link(f"ns1{view}", LinkState.BROKEN, conflict)
    elif late:
        yield Link(
            f"ns1{view}", LinkState.BROKEN if trouble else LinkState.WAITING, trouble or "about to be sent"
        )
    else:
        yield Link(f"ns1{view}", LinkState.GOOD, shown)
    for number, follower in enumerate(names.followers.get(publisher.zone, ()), 2):
        waits = bool(late) or any(key in follower.pending for key in keys)
        if waits:
            state = LinkState.BROKEN if follower.reason else LinkState.WAITING
            yield Link(f"ns{number}{view}", state, follower.reason or "has not answered it yet")
        else:
            yield Link(f"ns{number}{view}", LinkState.GOOD, shown)
