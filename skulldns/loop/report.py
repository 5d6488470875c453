"""What is the state of every name: read from the workers, decided by nobody. Used by status, why and the demo."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dns.name
import dns.rdatatype
from dns.name import Name

from skulldns.desired.registry import Verdict
from skulldns.desired.wishes import leaves_at
from skulldns.loop.engine import Engine
from skulldns.loop.follower import Follower
from skulldns.loop.publisher import Publisher
from skulldns.model.desired import ZONE_FILE
from skulldns.model.guests import GuestId, GuestState
from skulldns.model.namestate import NameState
from skulldns.model.plan import Block
from skulldns.model.presence import Known
from skulldns.model.records import Key
from skulldns.plan.cadence import ALARM_AFTER


@dataclass(frozen=True, slots=True)
class NameReport:
    """One name: its state in the words of the design, why, since when, and its records as text.

    ``since`` and ``sent_at``, when this process last sent a change of it, are Unix times.
    """

    name: str
    state: NameState
    reason: str = ""
    owner: str = ""
    records: tuple[str, ...] = ()
    since: float | None = None
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class SourceReport:
    """A source: whether it answers, since when (Unix time), and how many guests it has."""

    name: str
    state: str
    reason: str
    since: float | None
    guests: int
    running: int


@dataclass(frozen=True, slots=True)
class ServerReport:
    """A server of a zone: whether it answers, its serial, and how many RRsets it does not serve yet."""

    zone: str
    role: str
    address: str
    serial: int | None
    state: str
    reason: str
    since: float | None
    pending: int


@dataclass(frozen=True, slots=True)
class Status:
    """Everything `status` shows. ``problems`` are sentences, the gravest first."""

    sources: tuple[SourceReport, ...]
    servers: tuple[ServerReport, ...]
    names: tuple[NameReport, ...]
    problems: tuple[str, ...]
    messages: int
    counts: Mapping[str, int] = field(default_factory=dict)


class Reporter:
    """Reads the workers; callable from any thread."""

    def __init__(
        self, engine: Engine, publishers: Sequence[Publisher], followers: Mapping[Name, Sequence[Follower]]
    ) -> None:
        self.engine = engine
        self.publishers = {publisher.zone: publisher for publisher in publishers}
        self.followers = followers

    def status(self, now: float) -> Status:
        names = self.names(now)
        counts = {state.value: 0 for state in NameState}
        for report in names:
            counts[report.state] += 1
        return Status(
            sources=tuple(self._sources()),
            servers=tuple(self._servers()),
            names=tuple(names),
            problems=tuple(self._problems(names, now)),
            messages=sum(publisher.messages for publisher in self.publishers.values()),
            counts=counts,
        )

    def names(self, now: float) -> list[NameReport]:
        """Every name that somebody wants, that is ours, or that is in the way; reverse names last."""
        found: set[Name] = set()
        with self.engine.reading():
            for known in self.engine.registry.all_known():
                found |= set(self.engine.registry.wishes(known.id).names)
            found |= self.engine.registry.names()
        for publisher in self.publishers.values():
            found |= set(publisher.state.names())
        ordered = sorted(found, key=lambda name: (name.labels[-2:-1] == (b"arpa",), name))
        reports = [self.name(name, now) for name in ordered]
        with self.engine.reading():
            for known in self.engine.registry.all_known():
                verdict = self.engine.registry.verdict(known.id)
                if not verdict.names:
                    reports.append(self._nameless(verdict))
        return [report for report in reports if report.state is not NameState.UNKNOWN]

    def name(self, name: Name, now: float) -> NameReport:
        """The state of one name."""
        publisher = self.publisher_of(name)
        text = name.to_text(omit_final_dot=True)
        if publisher is None:
            return NameReport(text, NameState.UNKNOWN, "no configured zone holds it")
        here = dict(publisher.state.current.get(name, {}))
        records = tuple(
            f"{dns.rdatatype.to_text(rrset.type)} {value}"
            for rrset in here.values()
            for value in rrset.values()
        )
        state, reason, owner, since = self._judge(name, publisher, now)
        return NameReport(text, state, reason, owner, records, since, publisher.sent_at.get(name))

    def publisher_of(self, name: Name) -> Publisher | None:
        """The publisher of the deepest zone that holds ``name``."""
        zones = [zone for zone in self.publishers if name.is_subdomain(zone)]
        return self.publishers[max(zones, key=len)] if zones else None

    # One name

    def _judge(
        self, name: Name, publisher: Publisher, now: float
    ) -> tuple[NameState, str, str, float | None]:
        decision = publisher.state.decision(name)
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
        if ours := dict(publisher.state.ledger.get(name, {})):
            return self._leaving(publisher, [entry.key for entry in ours.values()])
        asked = self._asked(name)
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
                since, reason = publisher.pending.get(key, (publisher.status.down_since, "about to be sent"))
                return since, publisher.status.reason or reason
            for follower in self.followers.get(publisher.zone, ()):
                if key in follower.pending:
                    reason = follower.reason or f"{follower.secondary.where} has not answered it yet"
                    return follower.pending.get(key), reason
        return None

    def _held(self, owner: str, now: float) -> str | None:
        if owner == ZONE_FILE:
            return None
        with self.engine.reading():
            known = self.engine.registry.known(GuestId(owner))
            settings = self.engine.registry.settings(known) if known else None
        if known is None or settings is None:
            return None
        status = self.engine.sources.get(known.guest.source)
        if status is not None and status.reason is not None:
            return f"kept as it is: {status.reason}"
        if status is not None and status.answered_at is None:
            return f"kept as it is: {known.guest.source} has not answered yet"
        if known.gone_since is not None:
            left = max(0, round((leaves_at(known, settings) or now) - now))
            return f"kept for its grace: guest {known.guest.name} is gone; its names go in {left} s"
        if not known.present:
            return f"kept as it is: {known.guest.source} does not show guest {known.guest.name} just now"
        return None

    def _leaving(self, publisher: Publisher, keys: Sequence[Key]) -> tuple[NameState, str, str, float | None]:
        for key in keys:
            if key in publisher.blocked:
                block, reason = publisher.blocked[key]
                state = NameState.PENDING if block is Block.MODE else NameState.HELD
                return state, reason, "", None
        reason = publisher.status.reason or "about to be removed"
        return NameState.PENDING, reason, "", publisher.status.down_since

    def _asked(self, name: Name) -> tuple[NameState, str, str, float | None] | None:
        """What a guest that asks for the name but has no records there is waiting for."""
        text = name.to_text(omit_final_dot=True)
        with self.engine.reading():
            for identity in self.engine.registry.rivals(name):
                verdict = self.engine.registry.verdict(identity)
                title = verdict.known.guest.name
                if name not in verdict.names:
                    reason = next(
                        (one.reason for one in verdict.refusals if text in one.what), "somebody else has it"
                    )
                    return NameState.REFUSED, reason, title, None
                if verdict.refusals:
                    reason = "; ".join(f"{one.what}: {one.reason}" for one in verdict.refusals)
                    return NameState.REFUSED, reason, title, None
                if verdict.known.guest.state is not GuestState.RUNNING:
                    return (
                        NameState.PENDING,
                        f"guest {title} is stopped and was never seen with an address",
                        title,
                        None,
                    )
                return NameState.PENDING, f"guest {title} runs but has no address yet", title, None
        return None

    def _nameless(self, verdict: Verdict) -> NameReport:
        """A guest none of whose names could be given to it."""
        reason = "; ".join(one.reason for one in verdict.refusals) or "its time is over"
        state = NameState.REFUSED if verdict.refusals else NameState.UNKNOWN
        return NameReport(repr(verdict.known.guest.name), state, reason, verdict.known.guest.name)

    def _owner_title(self, owner: str) -> str:
        if owner == ZONE_FILE:
            return owner
        with self.engine.reading():
            known = self.engine.registry.known(GuestId(owner))
        return known.guest.name if known else owner

    # The rest

    def _sources(self) -> list[SourceReport]:
        with self.engine.reading():
            guests = self.engine.registry.all_known()
        found = []
        for name, status in self.engine.sources.items():
            own = [known for known in guests if known.guest.source == name]
            running = [known for known in own if known.present and known.guest.state is GuestState.RUNNING]
            missing = [known for known in own if self._is_held_unseen(known)]
            state, reason = ("ready", "")
            if status.reason is not None:
                state, reason = "unavailable", status.reason
            elif status.answered_at is None:
                state, reason = "not answered yet", ""
            elif missing:
                state = "ready"
                reason = (
                    f"{len(missing)} of {len(own)} known guests are not shown, their names are held; if they are gone "
                    "for good, wait for their grace, then agree with what `skulldns plan` shows"
                )
            found.append(
                SourceReport(
                    str(name), state, reason, status.down_since or status.answered_at, len(own), len(running)
                )
            )
        return found

    def _late(self, names: Sequence[NameReport], said: Sequence[str], now: float) -> Iterator[str]:
        """Names that a server did not take, or that are pending for long, unless their reason was said already."""
        for report in names:
            late = report.since is not None and now - report.since > ALARM_AFTER
            name = dns.name.from_text(report.name) if report.state is NameState.PENDING else None
            publisher = self.publisher_of(name) if name else None
            if publisher is None or name is None or not (late or publisher.postponed(name)):
                continue
            if not any(sentence.endswith(report.reason) for sentence in said):
                yield f"{'ALARM: ' if late else ''}{report.name} is pending: {report.reason}"

    def _is_held_unseen(self, known: Known) -> bool:
        """Whether the source does not show a guest that has names and whose end nobody announced."""
        if known.present or known.witnessed:
            return False
        return any(publisher.owns(known.id) for publisher in self.publishers.values())

    def _servers(self) -> list[ServerReport]:
        found = []
        for zone, publisher in self.publishers.items():
            title, status = zone.to_text(omit_final_dot=True), publisher.status
            if status.reason is not None:
                state = "unavailable"
            else:
                state = "ready" if status.serial is not None else "not answered yet"
            found.append(
                ServerReport(
                    title,
                    "primary",
                    publisher.primary.where,
                    status.serial,
                    state,
                    status.reason or "",
                    status.down_since,
                    len(publisher.pending),
                )
            )
            for follower in self.followers.get(zone, ()):
                state = "unavailable" if follower.reason else "ready"
                found.append(
                    ServerReport(
                        title,
                        "secondary",
                        follower.secondary.where,
                        follower.serial,
                        state if follower.serial is not None or follower.reason else "not answered yet",
                        follower.reason or "",
                        follower.down_since,
                        len(follower.pending),
                    )
                )
        return found

    def _problems(self, names: Sequence[NameReport], now: float) -> list[str]:
        files = [self.engine.config_error, *self.engine.zone_files.values()]
        problems = [f"{error}; the last good version stays in force" for error in files if error]
        problems += [
            source.reason if source.state == "unavailable" else f"{source.name}: {source.reason}"
            for source in self._sources()
            if source.reason
        ]
        for server in self._servers():
            if server.reason:
                late = server.since is not None and now - server.since > ALARM_AFTER
                problems.append(f"{'ALARM: ' if late else ''}{server.zone} on {server.role}: {server.reason}")
        problems += [
            f"{report.name} ({report.owner}): {report.reason}"
            for report in names
            if report.state in {NameState.REFUSED, NameState.FOREIGN} and report.owner
        ]
        problems += self._late(names, problems, now)
        guarded = {
            reason
            for publisher in self.publishers.values()
            for block, reason in list(publisher.blocked.values())
            if block is Block.GUARD
        }
        return list(dict.fromkeys([*problems, *sorted(guarded)]))
