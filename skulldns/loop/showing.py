"""Writes what the members' page shows into the store: names that are taken, guests, and how members' names are.

The page has no key and asks no server; this is all that it knows of them. What is written is written once, when it
changes. A name that is on its way is looked at many times a second, one that is settled now and then.
"""

import heapq
import logging
import math
from dataclasses import dataclass
from typing import Any

from dns.name import Name

from skulldns.desired.policy.alike import skeleton
from skulldns.errors import SkullDNSError
from skulldns.loop.clock import Clock
from skulldns.loop.front import Front
from skulldns.loop.letters import Changed
from skulldns.loop.links import LinkState
from skulldns.loop.livechain import LiveChain, live_chain
from skulldns.loop.mailbox import Mailbox
from skulldns.loop.names import Names
from skulldns.loop.probing import Probes
from skulldns.model.guests import GuestId
from skulldns.model.records import order
from skulldns.model.views import GuestView, HeldName, NameView
from skulldns.store.protocol import ViewMemory

_SOON = 0.05
_FRESH = 10.0
"""Seconds for which a name on its way is looked at every ``_SOON``; after that after a hundredth of its age."""

_SELDOM = 10.0
_AT_REST = 2.0
_ALL_EVERY = 30.0
_AT_ONCE = 100
"""Names of a round through all that one step looks at, so that no step takes long."""

_URGENT = 25
"""Names on their way that one step looks at."""

_ROUND_PAUSE = 1.0
"""Seconds between two parts of a round through all names."""

_EACH = 100.0
"""Names that have been on their way for long and are looked at in a second at most, once they are many."""

_log = logging.getLogger(__name__)
_STATES = {LinkState.GOOD: "good", LinkState.WAITING: "wait", LinkState.BROKEN: "bad", LinkState.NONE: "none"}


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """A name on its way: since when, and when it is looked at again, on the steady clock."""

    since: float
    due: float


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who has names without a claim: a ``HeldName`` less what comes from the name."""

    title: str
    owner: str | None = None
    guest: GuestId | None = None

    def held(self, name: Name) -> HeldName:
        return HeldName(name, self.title, self.owner, self.guest, skeleton(name))


_ZONE_FILE = _Holder("the zone file")


class Showing:
    """Watches the engine; ``probes`` tell what visitors meet."""

    def __init__(
        self,
        names: Names,
        front: Front,
        probes: Probes,
        memory: ViewMemory,
        clock: Clock,
        mailbox: Mailbox,
    ) -> None:
        self.mailbox = mailbox
        self._names = names
        self._front = front
        self._probes = probes
        self._memory = memory
        self._clock = clock
        self._begun = False
        self._held: dict[Name, _Holder] = {}
        self._guests: dict[GuestId, GuestView] = {}
        self._views: dict[Name, NameView] = {}
        self._since: dict[Name, dict[str, tuple[str, float]]] = {}
        self._unsettled: dict[Name, _Unsettled] = {}
        self._dirty_names: set[Name] = set()
        self._dirty_guests: set[GuestId] = set()
        self._round: list[Name] = []
        self._round_at = -math.inf
        self._all_at = -math.inf
        self._patient_until = clock.steady() + _FRESH

    def step(self) -> float | None:
        for letter in self.mailbox.drain():
            if isinstance(letter, Changed):
                self._dirty_names |= letter.names
                for name in letter.names:
                    self._unsettled.pop(name, None)
                self._dirty_guests |= letter.guests
        if not self._begun and self._names.engine.awaits_files and self._clock.steady() < self._patient_until:
            return _SOON  # without the zone files, names that they hold would seem to be free
        if self._clock.steady() >= self._all_at and not self._round:
            self._begin_round()
        try:
            self._show()
        except SkullDNSError as error:
            _log.error("what the page shows cannot be written: %s", error)
            return _AT_REST
        return self._pause()

    def _begin_round(self) -> None:
        """Now and then look at everything: much can happen to a name without the engine."""
        with self._names.engine.reading():
            registry = self._names.engine.registry
            every = registry.names() | self._held.keys() | self._views.keys()
            self._dirty_guests |= {known.id for known in registry.all_known()} | self._guests.keys()
        if self._begun:
            self._round = sorted(every, key=order)
        else:
            self._dirty_names |= every
        self._all_at = self._clock.steady() + _ALL_EVERY

    def _pause(self) -> float:
        """Seconds until there is something to look at."""
        due = min((one.due for one in self._unsettled.values()), default=math.inf)
        left = max(_SOON, min(due, self._round_at if self._round else math.inf) - self._clock.steady())
        return min(_AT_REST, left)

    def _show(self) -> None:
        names, guests = self._dirty_names | self._next_part(), self._dirty_guests
        holders = {name: self._holder(name) for name in names}
        changed = _different(holders, self._held)
        guest_views = {identity: self._guest_view(identity) for identity in guests}
        views = {name: self._name_view(name) for name in sorted(names | self._due(), key=order)}
        self._memory.show(
            held={name: holder.held(name) if holder else None for name, holder in changed.items()},
            guests=_different(guest_views, self._guests),
            names=_different(views, self._views),
            complete=not self._begun,
        )
        self._begun = True
        _take(self._held, changed)
        _take(self._guests, guest_views)
        _take(self._views, views)
        self._dirty_names, self._dirty_guests = set(), set()

    def _next_part(self) -> set[Name]:
        """Names whose turn it is in the round through all."""
        now = self._clock.steady()
        if now < self._round_at:
            return set()
        self._round_at = now + _ROUND_PAUSE
        part, self._round = self._round[:_AT_ONCE], self._round[_AT_ONCE:]
        return set(part)

    def _due(self) -> set[Name]:
        """Names on their way that are to be looked at, the most urgent ones."""
        now = self._clock.steady()
        due = ((one.due, name) for name, one in self._unsettled.items() if one.due <= now)
        return {name for _, name in heapq.nsmallest(_URGENT, due, key=lambda one: one[0])}

    # Names that are taken without a claim

    def _holder(self, name: Name) -> _Holder | None:
        with self._names.engine.reading():
            registry = self._names.engine.registry
            if registry.has_static(name):
                return _ZONE_FILE
            rivals = registry.rivals(name)
            if not rivals or registry.claims.at(name):
                return None
            verdict = registry.verdict(rivals[0])
        guest = verdict.known.guest
        return _Holder(f"guest {guest.title}", verdict.options.owner, guest.id)

    # Guests

    def _guest_view(self, identity: GuestId) -> GuestView | None:
        with self._names.engine.reading():
            registry = self._names.engine.registry
            known = registry.known(identity)
            if known is None or known.gone_since is not None:
                return None
            verdict = registry.verdict(identity)
        guest = known.guest
        return GuestView(
            identity,
            guest.name,
            str(guest.source),
            verdict.options.owner,
            guest.state,
            verdict.options.port,
            tuple(address.ip for address in verdict.addresses),
            verdict.names,
            tuple(f"{refusal.what}: {refusal.reason}" for refusal in verdict.refusals),
        )

    # How names are

    def _name_view(self, name: Name) -> NameView | None:
        chain = live_chain(self._names, self._front, name, self._clock.wall())
        if chain is None:
            self._unsettled.pop(name, None)
            self._since.pop(name, None)
            self._probes.forget(name)
            return None
        links = [(link.link, _STATES[link.state], link.text) for link in chain.links]
        if chain.probed:
            probe = self._probes.of(name, wanted=chain.good)
            links.append(("first answer", *probe))
        self._look_again(name, settled=all(state in {"good", "none"} for _, state, _ in links))
        return NameView(name, chain.state, chain.owner, self._changed_at(chain), self._body(name, links))

    def _look_again(self, name: Name, *, settled: bool) -> None:
        """A name on its way is looked at soon, and after a while less and less often."""
        if settled:
            self._unsettled.pop(name, None)
            return
        now = self._clock.steady()
        before = self._unsettled.get(name)
        since = before.since if before else now
        pause = _SOON
        if now - since >= _FRESH:
            pause = max(min(_SELDOM, (now - since) / 100), len(self._unsettled) / _EACH)
        self._unsettled[name] = _Unsettled(since, now + pause)

    def _body(self, name: Name, links: list[tuple[str, str, str]]) -> dict[str, Any]:
        """The links as JSON values, each with the moment since which it is as it is."""
        before, now = self._since.get(name, {}), self._clock.wall()
        since = {
            title: before[title] if title in before and before[title][0] == state else (state, now)
            for title, state, _ in links
        }
        self._since[name] = since
        return {
            "links": [
                {"title": title, "state": state, "text": text, "at": since[title][1]}
                for title, state, text in links
            ]
        }

    def _changed_at(self, chain: LiveChain) -> float:
        before = self._views.get(chain.name)
        same = before is not None and before.state is chain.state
        return before.changed if before is not None and same else self._clock.wall()


def _different(now: dict[Any, Any], before: dict[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in now.items() if before.get(key) != value}


def _take(into: dict[Any, Any], found: dict[Any, Any]) -> None:
    for key, value in found.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value
