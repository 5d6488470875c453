"""WRITE, for certificates: one worker that gets, renews and watches them."""

import logging
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace

from skulldns.errors import Conflict, SkullDNSError, Unavailable
from skulldns.loop.cawatch import CaWatch
from skulldns.loop.clock import Clock
from skulldns.loop.issuing import Application, Issued, Issuing, Office
from skulldns.loop.mailbox import Call, Mailbox
from skulldns.model.certificates import Certificate, CertificateWish, shown
from skulldns.model.issuance import Attempts, Issuance
from skulldns.plan import renewal
from skulldns.targets.protocol import CertificateAuthority, ProofFailed, RateLimited

_log = logging.getLogger(__name__)

AT_ONCE = 8
"""Orders on their way at once; the others wait for their turn."""

IDLE = 60.0
"""Seconds at most between two steps: the wall clock may jump."""

_LOOK_REST = 60.0  # seconds for which a CA is not asked for windows after it failed to answer


@dataclass(frozen=True, slots=True)
class Want:
    """A letter: all certificates that are wanted from now on."""

    wishes: Sequence[CertificateWish]


@dataclass(frozen=True, slots=True)
class Renew:
    """A letter: a person wants this certificate to be renewed now."""

    identity: str


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """How it stands with one certificate. Times are Unix time.

    ``due_at`` is when the next try to get or renew it is to be made, ``trying`` whether one is being made, and
    ``reason`` why it is not as it should be. ``alarm``: a person should look.
    """

    wish: CertificateWish
    certificate: Certificate | None
    ca: str | None
    due_at: float
    trying: bool
    alarm: bool
    failures: int
    reason: str | None


@dataclass(slots=True)
class _Job:
    """A try on its way, and when it wants to go on (steady clock)."""

    steps: Generator[float, None, Issued]
    application: Application
    at: float
    problem: SkullDNSError | None


class Certifier:
    """Sees that every wish has a valid certificate.

    ``issued`` is called, in this thread, for each new one; ``idle`` is the longest pause between two steps, in seconds.
    """

    def __init__(
        self,
        office: Office,
        clock: Clock,
        issued: Callable[[str, Certificate], None] = lambda _, __: None,
        *,
        idle: float = IDLE,
    ) -> None:
        self.mailbox = Mailbox()
        self._office = office
        self._clock = clock
        self._issued = issued
        self._idle = idle
        self._watch = CaWatch([one.authority for one in office.issuers], clock)
        self._issuing = Issuing(office, self._watch, clock)
        self._wishes: dict[str, CertificateWish] = {}
        self._states: dict[str, Issuance] = dict(office.memory.issuances())
        self._certificates: dict[str, Certificate | None] = {}
        self._jobs: dict[str, _Job] = {}
        self._no_look_before: dict[str, float] = {}
        self._sweep_at = -math.inf
        self._swept = False

    def step(self) -> float | None:
        for letter in self.mailbox.drain():
            self._read_letter(letter)
        self._sweep()
        if self._watch.step():
            self._hurry()
        for identity, job in list(self._jobs.items()):
            if job.at <= self._clock.steady():
                self._advance(identity, job)
        more = self._start_one()
        looked = self._look_one()
        return 0.0 if more or looked else self._pause()

    def reports(self) -> Sequence[CertificateReport]:
        """How it stands with every certificate; from any thread."""
        now = self._clock.wall()
        return [self._report(wish, now) for wish in list(self._wishes.values())]

    def roll_over(self, authority: CertificateAuthority) -> None:
        """Give our account at a CA a new key, in this worker's thread.

        Raises ``Conflict`` while orders are signed with the old one, and what the CA does.
        """
        if self._jobs:
            raise Conflict(
                "orders that are on their way are signed with the account's present key",
                where=authority.directory,
                cure="try again in a minute",
            )
        authority.roll_over()
        _log.info("our account at %s has a new key", authority.directory)

    def close(self) -> None:
        """Give up what is on its way, and take away what was placed for it."""
        for job in self._jobs.values():
            job.steps.close()
        self._jobs.clear()

    def _read_letter(self, letter: object) -> None:
        match letter:
            case Want(wishes=wishes):
                self._want(wishes)
            case Renew(identity=identity) if identity in self._wishes:
                self._keep(replace(self._state(identity), forced=True, attempts=Attempts()))
            case Call() as call:
                call.run()

    def _want(self, wishes: Iterable[CertificateWish]) -> None:
        self._wishes = {wish.identity: wish for wish in wishes}
        for identity in self._jobs.keys() - self._wishes.keys():
            self._jobs.pop(identity).steps.close()
        for identity in self._wishes.keys() - self._certificates.keys():
            self._certificates[identity] = self._current(identity)

    def _current(self, identity: str) -> Certificate | None:
        try:
            return self._office.files.current(identity)
        except SkullDNSError as error:
            _log.warning("%s", error)
            return None

    def _sweep(self) -> None:
        """Remove what a crash left, while nothing of ours is on its way."""
        if self._swept or self._jobs or self._clock.steady() < self._sweep_at:
            return
        try:
            for prover in self._office.provers.values():
                prover.sweep()
            self._swept = True
        except SkullDNSError as error:
            _log.warning("%s", error)
            self._sweep_at = self._clock.steady() + self._idle

    def _hurry(self) -> None:
        """A CA is back: what only waited for that need not wait any longer."""
        for state in list(self._states.values()):
            if state.attempts.waiting:
                self._keep(replace(state, attempts=replace(state.attempts, next_at=0.0, waiting=False)))

    # ------------------------------------------------------------------------------------------- tries

    def _start_one(self) -> bool:
        """Start one try that is due; whether there was one."""
        now = self._clock.wall()
        if len(self._jobs) >= AT_ONCE:
            return False
        for identity, wish in self._wishes.items():
            if identity not in self._jobs and self._try_at(wish) <= now:
                self._start(wish, now)
                return True
        return False

    def _start(self, wish: CertificateWish, now: float) -> None:
        state, current = self._state(wish.identity), self._certificates[wish.identity]
        due = state.forced or current is None or renewal.due_at(current, state) <= now
        problems = self._issuing.problems(wish.names)
        names = {name: kind for name, kind in wish.names.items() if name not in problems}
        application = Application(wish.identity, names, state, current, due)
        problem = next(iter(problems.values()), None)
        if problem and not application.worthwhile(names):
            self._keep(replace(state, attempts=renewal.not_ready(state.attempts, now, str(problem))))
            return
        begun = replace(state, attempts=renewal.begun(state.attempts, now, self._clock.jitter()))
        if self._keep(begun):
            steps = self._issuing.attempt(application)
            self._jobs[wish.identity] = _Job(steps, application, self._clock.steady(), problem)

    def _advance(self, identity: str, job: _Job) -> None:
        try:
            job.at = self._clock.steady() + next(job.steps)
        except StopIteration as end:
            del self._jobs[identity]
            self._succeeded(job, end.value)
        except SkullDNSError as error:
            del self._jobs[identity]
            self._failed(identity, error)

    def _succeeded(self, job: _Job, issued: Issued) -> None:
        identity, current, now = job.application.identity, job.application.current, self._clock.wall()
        state = self._state(identity)
        early = current is not None and not state.forced and now < renewal.usual_moment(current, state)
        shortfall = issued.shortfall or job.problem
        if issued.shortfall:
            attempts = renewal.failed(state.attempts, now, str(issued.shortfall))
        elif job.problem:
            attempts = renewal.not_ready(Attempts(), now, str(job.problem))
        else:
            attempts = Attempts()
        self._certificates[identity] = issued.certificate
        rehearse = bool(issued.shortfall)
        self._keep(
            Issuance(identity, issued.ca, since=now, early=early, rehearse=rehearse, attempts=attempts)
        )
        names = ", ".join(sorted(map(shown, issued.certificate.names)))
        _log.info("%s has a new certificate for %s", identity, names)
        if shortfall:
            _log.warning("%s", shortfall)
        self._issued(identity, issued.certificate)

    def _failed(self, identity: str, error: SkullDNSError) -> None:
        state, now = self._state(identity), self._clock.wall()
        away = all(self._watch.reason(one.authority) for one in self._office.issuers)
        waiting = away and isinstance(error, Unavailable) and not isinstance(error, RateLimited)
        retry_after = error.retry_after if isinstance(error, Unavailable) else None
        attempts = renewal.failed(state.attempts, now, str(error), retry_after, waiting=waiting)
        rehearse = state.rehearse or isinstance(error, ProofFailed)
        self._keep(replace(state, attempts=attempts, rehearse=rehearse))
        _log.warning("%s has no new certificate (try %d): %s", identity, attempts.failures, error)

    # ----------------------------------------------------------------------------- renewal information

    def _look_one(self) -> bool:
        """Ask for one renewal window that is due; whether there was one."""
        for identity in self._wishes:
            certificate, state = self._certificates[identity], self._state(identity)
            authority = self._authority(state.ca)
            if certificate and authority and self._may_look(certificate, state, authority):
                self._look(certificate, state, authority)
                return True
        return False

    def _may_look(self, certificate: Certificate, state: Issuance, authority: CertificateAuthority) -> bool:
        rested = self._no_look_before.get(authority.directory, -math.inf) <= self._clock.steady()
        asked = rested and not self._watch.reason(authority) and state.identity not in self._jobs
        return asked and renewal.look_due(certificate, state, self._clock.wall())

    def _look(self, certificate: Certificate, state: Issuance, authority: CertificateAuthority) -> None:
        now = self._clock.wall()
        try:
            window = authority.window(certificate)
        except SkullDNSError as error:
            _log.info("%s", error)
            wait = error.retry_after if isinstance(error, Unavailable) else None
            suggestion = renewal.not_looked(certificate, state, now, wait)
            self._no_look_before[authority.directory] = self._clock.steady() + _LOOK_REST
        else:
            suggestion = renewal.looked(certificate, state, window, now, self._clock.jitter())
        told = replace(state, suggestion=suggestion)
        if state.suggestion and replace(state.suggestion, look_at=suggestion.look_at) == suggestion:
            self._states[state.identity] = told  # nothing new, and another process may look for itself
        else:
            self._keep(told)

    def _authority(self, directory: str | None) -> CertificateAuthority | None:
        found = (one.authority for one in self._office.issuers if one.authority.directory == directory)
        return next(found, None)

    # ------------------------------------------------------------------------------------------- state

    def _state(self, identity: str) -> Issuance:
        return self._states.get(identity) or Issuance(identity)

    def _keep(self, state: Issuance) -> bool:
        """Remember; whether that is on the disk. What was learned counts in this process in any case."""
        self._states[state.identity] = state
        try:
            self._office.memory.remember(state)
        except Unavailable as error:
            _log.error("%s", error)
            return False
        return True

    def _try_at(self, wish: CertificateWish) -> float:
        """When the next try is due, by what is wanted and by what was tried."""
        state, certificate, now = (
            self._state(wish.identity),
            self._certificates.get(wish.identity),
            self._clock.wall(),
        )
        if certificate and renewal.clock_is_behind(certificate, now):
            return certificate.not_before
        wanted = -math.inf
        if certificate and certificate.covers(wish.names) and not state.forced:
            wanted = renewal.due_at(certificate, state)
        return wanted if renewal.may_try(state.attempts, now) else max(wanted, state.attempts.next_at)

    def _pause(self) -> float:
        """Seconds until something is due."""
        steady, wall = self._clock.steady(), self._clock.wall()
        waits = [job.at - steady for job in self._jobs.values()]
        if len(self._jobs) < AT_ONCE:
            idle = [wish for identity, wish in self._wishes.items() if identity not in self._jobs]
            waits += [self._try_at(wish) - wall for wish in idle]
        if self._watch.next_at is not None:
            waits.append(self._watch.next_at - steady)
        looks = [
            told.look_at - wall for identity in self._wishes if (told := self._state(identity).suggestion)
        ]
        waits += [wait for wait in looks if wait > 0]  # those that are due and cannot be made wait for a step
        return min(max(min(waits, default=self._idle), 0.0), self._idle)

    def _report(self, wish: CertificateWish, now: float) -> CertificateReport:
        state, certificate = self._state(wish.identity), self._certificates.get(wish.identity)
        alarm = certificate is not None and now > renewal.alarm_at(certificate, state)
        attempts, trying = state.attempts, wish.identity in self._jobs
        return CertificateReport(
            wish,
            certificate,
            state.ca,
            self._try_at(wish),
            trying,
            alarm,
            attempts.failures - trying,  # the one that is being made is written down as if it had failed
            attempts.reason,
        )
