"""How everything is: sources, servers, names, and what is wrong. Read from the workers, decided by nobody."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dns.name
import dns.rdatatype

from skulldns.loop.alarms import Alarms
from skulldns.loop.front import CertificateLine, Front, ProxyReport
from skulldns.loop.names import NameReport, Names
from skulldns.loop.outlooks import OutlookLine, Outlooks
from skulldns.model.alarms import Alarm
from skulldns.model.guests import GuestId, GuestState, said
from skulldns.model.namestate import NameState
from skulldns.model.plan import Block
from skulldns.model.presence import Known
from skulldns.plan.cadence import ALARM_AFTER

_SOME = 5
"""Guests that a sentence names at most."""


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
    """Everything `status` shows. ``problems`` are sentences, the gravest first; ``alarms`` need a person."""

    sources: tuple[SourceReport, ...]
    servers: tuple[ServerReport, ...]
    names: tuple[NameReport, ...]
    problems: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    messages: int
    counts: Mapping[str, int] = field(default_factory=dict)
    proxy: ProxyReport | None = None
    certificates: tuple[CertificateLine, ...] = ()
    outlooks: tuple[OutlookLine, ...] = ()


class Reporter:
    """Reads the workers; callable from any thread."""

    def __init__(
        self, names: Names, alarms: Alarms, front: Front | None = None, outlooks: Outlooks | None = None
    ) -> None:
        self.names = names
        self.front = front
        self.outlooks = outlooks
        self.alarms = alarms
        self.engine = names.engine
        self.publishers = names.publishers
        self.followers = names.followers

    def status(self, now: float) -> Status:
        """Everything there is to say."""
        return self._status(self.names.all(now), now)

    def overview(self, now: float) -> Status:
        """The same without names: what is asked often costs the same with zones of any size."""
        return self._status((), now)

    def _status(self, names: Sequence[NameReport], now: float) -> Status:
        counts = {state.value: 0 for state in NameState}
        for report in names:
            counts[report.state] += 1
        sources, servers = self._sources(), self._servers()
        return Status(
            sources=tuple(sources),
            servers=tuple(servers),
            names=tuple(names),
            problems=tuple(self._problems(sources, servers, names, now)),
            alarms=self.alarms.look(),
            messages=sum(publisher.writer.messages for publisher in self.publishers.values()),
            counts=counts,
            proxy=self.front.proxy() if self.front else None,
            certificates=self.front.certificates() if self.front else (),
            outlooks=self.outlooks.lines() if self.outlooks else (),
        )

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
            else:
                reason = "; ".join(_unseen(own, missing, status.unreadable))
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
            if report.state is not NameState.PENDING or not (late or self._is_postponed(report)):
                continue
            if not any(sentence.endswith(report.reason) for sentence in said):
                yield f"{_title(report)} is pending: {report.reason}"

    def _is_postponed(self, report: NameReport) -> bool:
        """Whether the primary took no change of the name at the last try."""
        name = dns.name.from_text(report.name)
        here = [one for one in self.names.publishers_of(name) if one.zone.view == report.view]
        return any(publisher.writer.is_postponed(name) for publisher in here)

    def _is_held_unseen(self, known: Known) -> bool:
        """Whether the source does not show a guest that has names and whose end nobody announced."""
        if known.present or known.witnessed:
            return False
        return any(publisher.owns(known.id) for publisher in self.publishers.values())

    def _servers(self) -> list[ServerReport]:
        found = []
        for zone, publisher in self.publishers.items():
            title, trouble, serial = (
                str(zone),
                publisher.trouble,
                publisher.primary.serial,
            )
            found.append(
                ServerReport(
                    title,
                    "primary",
                    publisher.primary.server.where,
                    serial,
                    "unavailable" if trouble else "not answered yet" if serial is None else "ready",
                    trouble.reason if trouble else "",
                    trouble.since if trouble else None,
                    len(publisher.writer.pending),
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

    def _problems(
        self,
        sources: Sequence[SourceReport],
        servers: Sequence[ServerReport],
        names: Sequence[NameReport],
        now: float,
    ) -> list[str]:
        files = [self.engine.config_error, *self.engine.zone_files.values()]
        problems = [f"{error}; the last good version stays in force" for error in files if error]
        problems += [
            source.reason if source.state == "unavailable" else f"{source.name}: {source.reason}"
            for source in sources
            if source.reason
        ]
        problems += [
            f"{server.zone} on {server.role}: {server.reason}" for server in servers if server.reason
        ]
        problems += [
            f"{_title(report)} ({said(report.owner)}): {report.reason}"
            for report in names
            if report.state in {NameState.REFUSED, NameState.FOREIGN} and report.owner
        ]
        problems += self._late(names, problems, now)
        problems += self.front.problems(now) if self.front else ()
        problems += self.outlooks.problems() if self.outlooks else ()
        guarded = {
            reason
            for publisher in self.publishers.values()
            for block, reason in list(publisher.blocked.values())
            if block is Block.GUARD
        }
        return list(dict.fromkeys([*problems, *sorted(guarded)]))


def _title(report: NameReport) -> str:
    return report.name if report.view is None else f"{report.name} in view {report.view}"


def _unseen(own: Sequence[Known], missing: Sequence[Known], unreadable: Collection[GuestId]) -> Iterator[str]:
    """What a source that answers does not show of its guests."""
    if missing:
        yield (
            f"{len(missing)} of {len(own)} known guests are not shown, their names are held; if they are gone "
            "for good, wait for their grace, then agree with what `skulldns plan` shows"
        )
    if unreadable:
        titles = {known.id: known.guest.name for known in own}
        some = sorted(said(titles.get(one, one)) for one in unreadable)[:_SOME]
        more = f" and {len(unreadable) - _SOME} more" if len(unreadable) > _SOME else ""
        yield (
            f"{', '.join(some)}{more} cannot be read and nothing of them changes; look at their definition "
            "and at the log of the hypervisor"
        )
