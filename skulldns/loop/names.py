"""The state of one name: read from the workers, decided by nobody."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dns.rdatatype
from dns.name import Name

from skulldns.desired.askers import askers
from skulldns.desired.claimed import is_claim
from skulldns.desired.registry import Registry, Verdict
from skulldns.desired.wishes import leaves_at
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.publisher import Publisher
from skulldns.model.claims import AddressTarget, Claim, GuestTarget
from skulldns.model.desired import ZONE_FILE, Decision
from skulldns.model.guests import GuestId, GuestState
from skulldns.model.namestate import NameState
from skulldns.model.plan import Block
from skulldns.model.policy import Publish
from skulldns.model.records import Key, order
from skulldns.model.zones import ZoneId

_WORSE = (
    NameState.SERVED,
    NameState.UNKNOWN,
    NameState.HELD,
    NameState.FOREIGN,
    NameState.REFUSED,
    NameState.PENDING,
)
"""From the best to the one of which a person wants to hear first."""


@dataclass(frozen=True, slots=True)
class NameReport:
    """One name: its state in the words of the design, why, since when, and its records as text.

    ``since`` and ``sent_at``, when this process last sent a change of it, are Unix times. In a zone with views, each
    ``view`` has a report of its own.
    """

    name: str
    state: NameState
    reason: str = ""
    owner: str = ""
    records: tuple[str, ...] = ()
    since: float | None = None
    sent_at: float | None = None
    view: str | None = None


class Names:
    """Reads the workers; callable from any thread."""

    def __init__(
        self, engine: Engine, publishers: Sequence[Publisher], followers: Mapping[ZoneId, Sequence[Follower]]
    ) -> None:
        self.engine = engine
        self.publishers = {publisher.zone: publisher for publisher in publishers}
        self.followers = followers
        self._listing = threading.Lock()
        self._listed_at: tuple[int, ...] = ()
        self._listed: list[tuple[Name, tuple[Publisher, ...]]] = []
        self._refused: list[NameReport] = []
        self._served: dict[tuple[ZoneId, Name], tuple[Decision, NameReport]] = {}

    def all(self, now: float) -> list[NameReport]:
        """Every name that somebody wants, that is ours, or that is in the way; reverse names last.

        Made for being asked often: names that are served as before cost next to nothing.
        """
        with self._listing:
            self._list()
            unusual = {zone: self._unusual(publisher) for zone, publisher in self.publishers.items()}
            held: dict[str, bool] = {}
            reports = [
                self._listed_report(name, publisher, unusual[publisher.zone], held, now)
                for name, publishers in self._listed
                for publisher in publishers
            ]
            reports += self._refused
        return [report for report in reports if report.state is not NameState.UNKNOWN]

    def _list(self) -> None:
        """Keep the names of ``all`` and what was said of them until something is wanted or ours that was not."""
        states = [publisher.state for publisher in self.publishers.values()]
        with self.engine.reading():
            registry = self.engine.registry
            counts = [count for state in states for count in (len(state.wanted), len(state.ledger))]
            if self._listed_at == (registry.revision, *counts):
                return
            self._listed_at = (registry.revision, *counts)
            self._refused = [
                report
                for known in registry.all_known()
                for report in _refused_names(registry.verdict(known.id))
            ]
            ordered = self._every_name()
        found: dict[tuple[Publisher, ...], tuple[Publisher, ...]] = {}  # names of one zone share theirs
        places = ((name, tuple(self.publishers_of(name))) for name in ordered)
        self._listed = [(name, found.setdefault(place, place)) for name, place in places]
        self._served = {}

    def _every_name(self) -> list[Name]:
        found: set[Name] = set()
        for known in self.engine.registry.all_known():
            found |= set(self.engine.registry.wishes(known.id).names)
        found |= self.engine.registry.names()
        for publisher in self.publishers.values():
            found |= set(publisher.state.names())
        return sorted(found, key=lambda name: (name.labels[-2:-1] == (b"arpa",), order(name)))

    def _unusual(self, publisher: Publisher) -> set[Name]:
        """Names of which there is more to say than that they are served."""
        keys = [*list(publisher.conflicts), *list(publisher.blocked), *list(publisher.writer.pending)]
        keys += [key for one in self.followers.get(publisher.zone, ()) for key in list(one.pending)]
        return {key.name for key in keys}

    def _listed_report(
        self, name: Name, publisher: Publisher, unusual: set[Name], held: dict[str, bool], now: float
    ) -> NameReport:
        """What ``report`` says, or said before if nothing about the name is other than it was."""
        place, decision = (publisher.zone, name), publisher.state.decision(name)
        before = self._served.get(place)
        if (
            before is not None
            and before[0] is decision
            and name not in unusual
            and publisher.state.settled(name)
            and before[1].sent_at == publisher.writer.sent_at.get(name)
        ):
            owner = decision.wanted[0].owner
            if owner not in held:
                held[owner] = self._held(owner, now) is not None
            if not held[owner]:
                return before[1]
        report = self.report(name, publisher, now)
        if report.state is NameState.SERVED:
            self._served[place] = (decision, report)
        return report

    def name(self, name: Name, now: float) -> NameReport:
        """The state of one name; of several views, that in which it is furthest from being served."""
        return max(self.views(name, now), key=lambda report: _WORSE.index(report.state))

    def views(self, name: Name, now: float) -> list[NameReport]:
        """The state of one name in each view of its zone; one report where it has no views."""
        publishers = self.publishers_of(name)
        if not publishers:
            text = name.to_text(omit_final_dot=True)
            return [NameReport(text, NameState.UNKNOWN, "no configured zone holds it")]
        return [self.report(name, publisher, now) for publisher in publishers]

    def report(self, name: Name, publisher: Publisher, now: float) -> NameReport:
        """The state of one name in one zone or view."""
        text, view = name.to_text(omit_final_dot=True), publisher.zone.view
        records = tuple(
            f"{dns.rdatatype.to_text(rrset.type)} {value}"
            for rrset in publisher.state.current.get(name, ())
            for value in rrset.values()
        )
        state, reason, owner, since = self._judge(name, publisher, now)
        sent_at = publisher.writer.sent_at.get(name)
        return NameReport(text, state, reason, owner, records, since, sent_at, view)

    def publishers_of(self, name: Name) -> list[Publisher]:
        """The publisher of the deepest zone that holds ``name``; that of each view if it has views."""
        zones = [zone for zone in self.publishers if name.is_subdomain(zone.name)]
        depth = max((len(zone.name) for zone in zones), default=0)
        return [self.publishers[zone] for zone in zones if len(zone.name) == depth]

    # One name

    def _judge(
        self, name: Name, publisher: Publisher, now: float
    ) -> tuple[NameState, str, str, float | None]:
        decision = publisher.state.decision(name)
        with self.engine.reading():
            decided = self.engine.registry.decide(name, publisher.zone.view)
        if decided.wanted != decision.wanted:
            owners = [want.owner for want in (*decided.wanted, *decision.wanted)]
            return NameState.PENDING, "decided just now, about to be sent", self._owner_title(owners[0]), None
        conflicts = [why for key, why in list(publisher.conflicts.items()) if key.name == name]
        if conflicts:
            return (
                NameState.FOREIGN,
                conflicts[0],
                self._owner_title(decision.wanted[0].owner) if decision.wanted else "",
                None,
            )
        if decision.wanted:
            owner = decision.wanted[0].owner
            title = self._owner_title(owner)
            if waiting := self._waiting([want.key for want in decision.wanted], publisher):
                since, reason = waiting
                return NameState.PENDING, reason, title, since
            if held := self._held(owner, now):
                return NameState.HELD, held, title, None
            return NameState.SERVED, decision.wanted[0].reason, title, None
        keys = [entry.key for entry in publisher.state.ledger.get(name, ())]
        if publisher.primary.serial is not None:  # what the primary has lost need not go
            keys = [key for key in keys if publisher.state.served(key) is not None]
        if keys:
            return self._leaving(publisher, keys)
        asked = self._asked(name, publisher.zone.view)
        if asked is not None:
            return asked
        if publisher.state.current.get(name):
            return NameState.FOREIGN, "it is in the zone, but somebody else put it there", "", None
        return NameState.UNKNOWN, "nobody asks for it, and it is not in the zone", "", None

    def _waiting(self, keys: Sequence[Key], publisher: Publisher) -> tuple[float | None, str] | None:
        """Since when and why some key is not served everywhere yet; None if all are."""
        for key in keys:
            want = next((one for one in publisher.state.decision(key.name).wanted if one.key == key), None)
            block = publisher.blocked.get(key)
            if block:
                return None, block[1]
            if want is None or publisher.state.served(key) != want.rrset:
                trouble = publisher.trouble
                since, reason = publisher.writer.pending.get(
                    key, (trouble.since if trouble else None, "about to be sent")
                )
                return since, trouble.reason if trouble else reason
            for follower in self.followers.get(publisher.zone, ()):
                if key in follower.pending:
                    reason = follower.reason or f"{follower.secondary.where} has not answered it yet"
                    return follower.pending.get(key), reason
        return None

    def _held(self, owner: str, now: float) -> str | None:
        if owner == ZONE_FILE:
            return None
        with self.engine.reading():
            registry = self.engine.registry
            claim = registry.claims.claim_of(owner) if is_claim(owner) else None
            if claim is not None and isinstance(claim.target, GuestTarget) and claim.target.direct:
                owner = claim.target.guest
            known = registry.known(GuestId(owner))
            settings = registry.settings(known) if known else None
        if known is None or settings is None:
            return None
        status = self.engine.sources.get(known.guest.source)
        if status is not None and status.reason is not None:
            return f"kept as it is: {status.reason}"
        if status is not None and status.answered_at is None:
            return f"kept as it is: {known.guest.source} has not answered yet"
        if known.gone_since is not None:
            left = max(0, round((leaves_at(known, settings) or now) - now))
            return f"kept for its grace: guest {known.guest.title} is gone; its names go in {left} s"
        if not known.present:
            return f"kept as it is: {known.guest.source} does not show guest {known.guest.title} just now"
        return None

    def _leaving(self, publisher: Publisher, keys: Sequence[Key]) -> tuple[NameState, str, str, float | None]:
        for key in keys:
            if key in publisher.blocked:
                block, reason = publisher.blocked[key]
                state = NameState.PENDING if block is Block.MODE else NameState.HELD
                return state, reason, "", None
        trouble = publisher.trouble
        reason, since = (trouble.reason, trouble.since) if trouble else ("about to be removed", None)
        return NameState.PENDING, reason, "", since

    def _asked(self, name: Name, view: str | None) -> tuple[NameState, str, str, float | None] | None:
        """What who asks for the name but has no records there is waiting for."""
        text = name.to_text(omit_final_dot=True)
        with self.engine.reading():
            if claim := self.engine.registry.claims.at(name):
                return NameState.PENDING, _awaited(claim), f"{claim.member}'s claim", None
            for identity in askers(self.engine.registry, name):
                verdict = self.engine.registry.verdict(identity)
                guest, title = verdict.known.guest, verdict.known.guest.title
                own = [one.reason for one in verdict.refusals if text in one.what]
                all_reasons = [f"{one.what}: {one.reason}" for one in verdict.refusals]
                if own or all_reasons:
                    return NameState.REFUSED, "; ".join(own or all_reasons), guest.name, None
                if verdict.options.publish.within(view) is Publish.NONE:
                    reason = (
                        f"guest {title} asks for it, and its option `publish` says that it is not published"
                    )
                    return NameState.UNKNOWN, reason, guest.name, None
                if guest.state is not GuestState.RUNNING:
                    reason = f"guest {title} is stopped and was never seen with an address; start it"
                else:
                    cure = "see that it asks for a lease in an allowed network"
                    reason = f"guest {title} runs but has no address yet; {cure}"
                return NameState.PENDING, reason, guest.name, None
        return None

    def _owner_title(self, owner: str) -> str:
        with self.engine.reading():
            return owner_title(self.engine.registry, owner)


def owner_title(registry: Registry, owner: str) -> str:
    """An owner of records in a word or two: a guest's name, ``alice's claim`` or the zone file."""
    if is_claim(owner):
        claim = registry.claims.claim_of(owner)
        return f"{claim.member}'s claim" if claim else "a claim that is over"
    known = registry.known(GuestId(owner))
    return known.guest.name if known else owner


def _awaited(claim: Claim) -> str:
    """What is missing where nothing can be published for a claim."""
    match claim.target:
        case AddressTarget():
            return "it has no address yet; let a router update it"
        case GuestTarget(direct=True):
            return (
                f"its guest has no address, or is not {claim.member}'s; start it, or lead the name elsewhere"
            )
        case _:
            return "the config has no addresses of a proxy for it; see `proxy.addresses`"


def _refused_names(verdict: Verdict) -> list[NameReport]:
    """The names that a guest asked for and did not get, in quotes: as names they may be somebody else's."""
    guest = verdict.known.guest
    found = []
    for refusal in verdict.refusals:
        kind, _, asked = refusal.what.partition(" ")
        if kind != "name":
            continue
        if not asked.startswith("'"):
            own = asked.partition(".")[0] == guest.name.lower().replace("_", "-")
            asked = repr(guest.name if own else asked)
        found.append(NameReport(asked, NameState.REFUSED, refusal.reason, guest.name))
    return found
