"""How our zones look from outside: one worker that asks now and then, and whoever wants to know now."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from skulldns.loop.clock import Clock
from skulldns.loop.links import Link, LinkState
from skulldns.loop.mailbox import Call, Mailbox
from skulldns.model.alarms import Alarm
from skulldns.model.dnssec import Dnssec
from skulldns.model.outlook import Finding, Outlook, Standing
from skulldns.model.zones import ZoneId
from skulldns.plan import delegation, dnssec
from skulldns.plan.cadence import FIRST_SURVEY_AFTER, SURVEY_EVERY, SURVEY_ILL_EVERY
from skulldns.targets.protocol import Surveyor

_ZONES_AT_ONCE = 8
_LINKS = {Standing.WELL: LinkState.GOOD, Standing.ILL: LinkState.BROKEN, Standing.UNKNOWN: LinkState.WAITING}


@dataclass(frozen=True, slots=True)
class OutlookLine:
    """One zone, or a view of it, as it looked at Unix time ``at``; ``findings`` are those of its delegation."""

    zone: str
    at: float
    dnssec: Dnssec
    findings: tuple[Finding, ...]


class Outlooks:
    """Surveys each zone once an hour, in a thread of its own. ``look`` and what is read may be called from any."""

    def __init__(self, surveyors: Sequence[Surveyor], clock: Clock) -> None:
        self.mailbox = Mailbox()
        self._surveyors = surveyors
        self._clock = clock
        self._lock = threading.Lock()
        self._lines: Mapping[ZoneId, OutlookLine] = {}
        self._next = clock.steady() + FIRST_SURVEY_AFTER

    def step(self) -> float | None:
        for letter in self.mailbox.drain():
            if isinstance(letter, Call):
                letter.run()
        if not self._surveyors:
            return None
        if self._clock.steady() >= self._next:
            self.look()
        return max(0.0, self._next - self._clock.steady())

    def look(self) -> None:
        """Survey every zone now; takes as long as the slowest, some seconds at most."""
        with (
            self._lock
        ):  # who comes meanwhile waits for the same answer's successor: nobody asks twice at once
            if self._surveyors:
                with ThreadPoolExecutor(_ZONES_AT_ONCE, thread_name_prefix="outlook") as pool:
                    found = list(pool.map(lambda one: one.survey(), self._surveyors))
                now = self._clock.wall()
                self._lines = {one.zone: _line(one, now) for one in found}
            wait = SURVEY_ILL_EVERY if any(map(_ill, self._lines.values())) else SURVEY_EVERY
            self._next = self._clock.steady() + wait * (1 - self._clock.jitter() / 5)

    def lines(self) -> tuple[OutlookLine, ...]:
        """What the last look saw; nothing before the first."""
        return tuple(self._lines.values())

    def problems(self) -> Iterator[str]:
        """What is wrong, in sentences. How far secondaries are behind, their followers know better."""
        for line in self.lines():
            yield from (one.sentence for one in _ill(line) if one.kind != delegation.SERIAL)

    def alarms(self) -> Iterator[Alarm]:
        """What makes validating resolvers refuse a zone, or will soon."""
        for line in self.lines():
            if line.dnssec.urgent:
                first = line.dnssec.findings[0]
                yield Alarm(f"dnssec {line.zone}", first.sentence, None, line.at)

    def links(self, zone: ZoneId) -> Iterator[Link]:
        """The links of a name's chain: DNSSEC, and the delegation where the world does not find the zone."""
        line = self._lines.get(zone)
        if line is None:
            yield Link("dnssec", LinkState.NONE, "not looked at yet; `skulldns doctor` looks at once")
            return
        first = line.dnssec.findings[0]
        state = (
            _LINKS[first.standing] if line.dnssec.signed or first.standing is Standing.ILL else LinkState.NONE
        )
        yield Link("dnssec", state, _without_name(first))
        for one in line.findings:
            if one.kind == delegation.DELEGATION and one.standing is Standing.ILL:
                yield Link("delegation", LinkState.BROKEN, _without_name(one))


def _ill(line: OutlookLine) -> list[Finding]:
    return [one for one in (*line.dnssec.findings, *line.findings) if one.standing is Standing.ILL]


def _without_name(finding: Finding) -> str:
    return f"{finding.what}; {finding.cure}" if finding.cure else finding.what


def _line(outlook: Outlook, now: float) -> OutlookLine:
    return OutlookLine(str(outlook.zone), now, dnssec.judge(outlook, now), delegation.judge(outlook))
