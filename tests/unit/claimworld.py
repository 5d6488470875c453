"""The loop with members' claims: what they claim goes into a real store, and the daemon's workers find it there."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from ipaddress import ip_address
from itertools import count
from typing import Any

import dns.name
from dns.name import Name
from sqlalchemy import Engine, delete

from skulldns.desired.policy.alike import skeleton
from skulldns.desired.policy.rules import Rules, Timing
from skulldns.desired.policy.states import Step, moved
from skulldns.desired.settings import ClaimSettings
from skulldns.errors import Unavailable
from skulldns.loop.certifier import CertificateReport
from skulldns.loop.claims import ClaimWatch
from skulldns.loop.clock import Clock
from skulldns.loop.front import Front
from skulldns.loop.mailbox import Mailbox, Worker
from skulldns.loop.names import Names
from skulldns.loop.probing import Probes
from skulldns.loop.showing import Showing
from skulldns.model.assignments import Assignment
from skulldns.model.claims import Claim, ClaimId, ClaimState, GuestTarget, Proof, Target
from skulldns.model.guests import GuestId
from skulldns.model.sites import Site, Upstream
from skulldns.model.views import NameView
from skulldns.store.assignments import AssignmentStore
from skulldns.store.membertables import claims
from skulldns.store.office import Office
from skulldns.store.proving import ClaimStore
from skulldns.store.showing import ViewStore
from skulldns.targets.fakeprober import FakeProber
from skulldns.targets.fakeproxy import FakeProxy
from tests.unit.loopworld import ZONE, LoopWorld

PROXY = ip_address("203.0.113.5")
RULES = Rules(zones=(ZONE,), own_zones=(ZONE,))
TIMES = Timing()


class AtOnce(Executor):
    """Runs what it is given at once, in the same thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """As ``concurrent.futures`` has it."""
        found: Future[Any] = Future()
        found.set_result(fn(*args, **kwargs))
        return found


class ClaimWorld(LoopWorld):
    """A loop world with a proxy, in which members claim names; without the page's rules, which have their own tests.

    ``shown``: what the page shows is written too. ``reports`` has the certificates then. ``paged``: there is a page.
    """

    def __init__(self, *, shown: bool = False, paged: bool = True, **settings: Any) -> None:
        self._numbers = count(1)
        self._shown = shown
        self.reports: list[CertificateReport] = []
        self.proxy = FakeProxy()
        claim_settings = ClaimSettings(
            proxy_addresses=(PROXY,),
            zones=(ZONE,),
            page=Upstream(ip_address("127.0.0.1"), 8053) if paged else None,
            login="https://names.test/enter" if paged else None,
        )
        super().__init__(proxy=self.proxy, claim_settings=claim_settings, **settings)

    def before_load(self, clock: Clock) -> Sequence[Worker]:
        self.office = Office(self._database)
        self.claims = ClaimStore(self.office)
        self.watch = ClaimWatch(
            self.claims, AssignmentStore(self._database), self.engine.mailbox, TIMES, clock
        )
        self.engine.begin_with(self.watch.load())
        return [self.watch]

    def after_load(self, names: Names, clock: Clock) -> Sequence[Worker]:
        self.names = names
        self.prober = FakeProber()
        self.front = CountingFront(lambda: self.reports, self.sites, self.prober)
        self.memory = CountingViews(self.office)
        probes = Probes(self.prober, AtOnce(), clock, lambda: None)
        self.showing = Showing(names, self.front, probes, self.memory, clock, Mailbox())
        if not self._shown:
            return []
        self.engine.tell(self.showing.mailbox)
        return [self.showing]

    # What members and admins do

    def claim(
        self,
        label: str,
        target: Target,
        member: str = "alice",
        *,
        proof: Proof | None = None,
        state: ClaimState = ClaimState.ACTIVE,
        **more: Any,
    ) -> Claim:
        """A member claims a name, a label of the zone or an absolute name; on the disk when this returns."""
        return self.store(self.made(label, target, member, proof=proof, state=state, **more))

    def made(
        self,
        label: str,
        target: Target,
        member: str = "alice",
        *,
        proof: Proof | None = None,
        state: ClaimState = ClaimState.ACTIVE,
        **more: Any,
    ) -> Claim:
        """A claim that is not stored yet."""
        name = dns.name.from_text(label, ZONE)
        now = self.now + self.jumped
        return Claim(
            ClaimId(f"{next(self._numbers):032x}"),
            name,
            member,
            state,
            target,
            now,
            now,
            now,
            proof=proof,
            skeleton=skeleton(name),
            **more,
        )

    def store(self, claim: Claim, **other: Any) -> Claim:
        """The claim is like this from now on."""
        with self.office.writing() as books:
            return books.claims.put(replace(claim, **other))

    def run_showing(self, seconds: float) -> None:
        """Let only what writes for the page work for so long."""
        end = self.now + seconds
        while self.now < end:
            self.now += self.showing.step() or seconds

    def step_claim(self, claim: Claim, *steps: Step) -> Claim:
        """These steps happen to it."""
        for step in steps:
            claim = moved(claim, step, self.now, TIMES)
        return self.store(claim)

    def own(self, guest: str, member: str | None) -> None:
        """An admin gives a guest to a member, on the page."""
        with self.office.writing() as books:
            books.settings.assign(GuestId(f"id-{guest}"), Assignment(owner=member))

    @property
    def store_engine(self) -> Engine:
        """The database, for further stores."""
        return self._database

    def lose_claims(self) -> None:
        """The database comes back from before any claim was made."""
        with self._database.begin() as connection:
            connection.execute(delete(claims))

    # What there is then

    def site_at(self, label: str) -> Site | None:
        """The site at a name."""
        return self.sites.sites.get(dns.name.from_text(label, ZONE))

    def view(self, label: str) -> NameView | None:
        """What the page shows of a name."""
        with self.office.reading() as books:
            return books.views.name(dns.name.from_text(label, ZONE))

    def links(self, label: str) -> dict[str, str]:
        """The links that the page shows of a name, with their states."""
        view = self.view(label)
        return {} if view is None else {link["title"]: link["state"] for link in view.body["links"]}


class CountingFront(Front):
    """Counts how often each name was looked at, in ``looks``."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.looks: Counter[Name] = Counter()

    def site(self, name: Name) -> Site | None:
        self.looks[name] += 1
        return super().site(name)


class CountingViews(ViewStore):
    """Counts the transactions, and the rows that they write; writes none while ``failing``."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self.writes = 0
        self.rows = 0
        self.failing = False

    def show(self, **shown: Any) -> None:
        if self.failing:
            raise Unavailable("the disk is full")
        rows = sum(len(shown[one]) for one in ("held", "guests", "names"))
        self.rows += rows
        self.writes += bool(rows)
        super().show(**shown)


def to_guest(name: str, **more: Any) -> GuestTarget:
    """A target: the guest that ``loopworld.guest`` makes by this name."""
    return GuestTarget(GuestId(f"id-{name}"), **more)
