"""The daemon's looks at claims: what ends by itself, proofs of members' own domains, ACME clients' TXT values."""

from collections.abc import Callable, Mapping, Sequence

from dns.name import Name

from skulldns.desired.policy.proofs import proof_record
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Unavailable
from skulldns.loop.claims import ClaimWatch
from skulldns.loop.clock import Clock
from skulldns.loop.letters import Claims
from skulldns.loop.mailbox import Mailbox
from skulldns.loop.proofs import ProofWatch
from skulldns.model.assignments import Assignment
from skulldns.model.audit import Act
from skulldns.model.claims import (
    AddressTarget,
    Because,
    ChallengeValue,
    Claim,
    ClaimState,
    Proof,
    Surroundings,
)
from skulldns.model.guests import GuestId
from skulldns.store.proving import ClaimStore
from tests.unit.claimworld import RULES, TIMES, ClaimWorld

_DAY = 86_400.0
_OWN = "www.example.net."


# What ends by itself, and what the engine is told


class _Engine:
    """Reads what the engine is told."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()

    def told(self) -> list[tuple[Sequence[Claim], Mapping[GuestId, Assignment]]]:
        """The letters that have come since the last call."""
        return [(one.claims, one.assigned) for one in self.mailbox.drain() if isinstance(one, Claims)]


class _Faulty:
    """The claims of a store that fails when ``failing``."""

    def __init__(self, store: ClaimStore) -> None:
        self._store = store
        self.failing = False

    def revision(self) -> int:
        return self._store.revision()

    def changed_since(self, revision: int, limit: int = 1) -> Sequence[Claim]:
        if self.failing and revision:
            raise Unavailable("the disk does not answer")
        return self._store.changed_since(revision, limit)

    def due(self, now: float) -> Sequence[Claim]:
        return self._store.due(now)

    def last_written(self) -> float | None:
        return self._store.last_written()

    def to_look_at(self, waiting_before: float, before: float) -> Sequence[Claim]:
        return self._store.to_look_at(waiting_before, before)

    def guest_challenges(self, now: float) -> Sequence[ChallengeValue]:
        return self._store.guest_challenges(now)

    def change(
        self, identity: str, judge: Callable[[Claim, Surroundings], Claim], what: str, now: float
    ) -> Claim | None:
        return self._store.change(identity, judge, what, now)


class _NoAssignments:
    def assignments(self) -> Mapping[GuestId, Assignment]:
        return {}

    def assign(self, guest: GuestId, assignment: Assignment) -> None:  # noqa: ARG002 - never called
        raise AssertionError("nobody assigns here")


def _clock(world: ClaimWorld) -> Clock:
    return Clock(lambda: world.now + world.jumped, lambda: world.now, lambda: 0.0)


def test_the_engine_is_told_of_changes_once_and_of_nothing_else() -> None:
    world, engine = ClaimWorld(), _Engine()
    watch = ClaimWatch(world.claims, _NoAssignments(), engine.mailbox, TIMES, _clock(world))
    claim = world.claim("home", AddressTarget())
    watch.step()
    assert engine.told() == [((claim,), {})]
    watch.step()
    assert engine.told() == []


def test_a_change_that_could_not_be_read_to_its_end_is_told_later() -> None:
    world, engine = ClaimWorld(), _Engine()
    store = _Faulty(world.claims)
    watch = ClaimWatch(store, _NoAssignments(), engine.mailbox, TIMES, _clock(world))
    claims = (world.claim("one", AddressTarget()), world.claim("two", AddressTarget()))
    store.failing = True
    watch.step()
    assert engine.told() == []
    assert "disk" in str(watch.trouble)
    store.failing = False
    watch.step()
    assert engine.told() == [(claims, {})]
    assert watch.trouble is None


def test_what_nobody_confirms_is_suspended_and_let_go_and_freed() -> None:
    world = ClaimWorld()
    claim = world.claim("home", AddressTarget(), until=world.now + 10)
    claim = world.store(claim, confirmed=world.now - TIMES.confirm_every - TIMES.confirm_grace + 10)
    watch = ClaimWatch(world.claims, _NoAssignments(), Mailbox(), TIMES, _clock(world))
    states = []
    for seconds in (5.0, 10.0, TIMES.suspended + 10, TIMES.quarantine + 10):
        world.now += seconds
        watch.step()
        states.append(_now(world, claim).state)
    assert states == [ClaimState.ACTIVE, ClaimState.SUSPENDED, ClaimState.QUARANTINED, ClaimState.RELEASED]


def test_a_clock_that_jumps_a_year_and_back_ends_nothing() -> None:
    world = ClaimWorld()
    claim = world.claim("home", AddressTarget(), until=world.now + 30 * _DAY)
    claim = world.store(claim, confirmed=world.now - TIMES.confirm_every - TIMES.confirm_grace + 30 * _DAY)
    watch = ClaimWatch(world.claims, _NoAssignments(), Mailbox(), TIMES, _clock(world))
    watch.step()
    world.jumped = 365 * _DAY
    for _ in range(10):
        world.now += 3600
        watch.step()
    assert _now(world, claim).state is ClaimState.ACTIVE
    world.jumped = 0.0
    watch.step()
    world.now += 31 * _DAY
    watch.step()
    assert _now(world, claim).state is ClaimState.SUSPENDED


def test_a_clock_that_was_set_right_is_believed_after_a_day() -> None:
    world = ClaimWorld()
    claim = world.claim("home", AddressTarget(), until=world.now + 30 * _DAY)
    claim = world.store(claim, confirmed=world.now - TIMES.confirm_every - TIMES.confirm_grace + 30 * _DAY)
    watch = ClaimWatch(world.claims, _NoAssignments(), Mailbox(), TIMES, _clock(world))
    world.jumped = 365 * _DAY
    watch.step()
    world.now += _DAY + 1
    watch.step()
    assert _now(world, claim).state is ClaimState.SUSPENDED


def test_a_daemon_that_starts_with_a_clock_a_year_ahead_ends_nothing_for_a_day() -> None:
    world = ClaimWorld()
    claim = world.claim("home", AddressTarget(), until=world.now + 30 * _DAY)
    claim = world.store(claim, confirmed=world.now - TIMES.confirm_every - TIMES.confirm_grace + 30 * _DAY)
    with world.office.writing() as books:
        books.audit.add(Act(world.now, "alice", "claim", "home.vmsrv.test", None, "{}"))
    world.jumped = 365 * _DAY
    watch = ClaimWatch(world.claims, _NoAssignments(), Mailbox(), TIMES, _clock(world))
    watch.step()
    world.now += _DAY / 2
    watch.step()
    assert _now(world, claim).state is ClaimState.ACTIVE
    world.now += _DAY / 2 + 1
    watch.step()
    assert _now(world, claim).state is ClaimState.SUSPENDED


def _now(world: ClaimWorld, claim: Claim) -> Claim:
    with world.office.reading() as books:
        found = books.claims.claim(claim.id)
    assert found is not None
    return found


# Proofs


class _Texts:
    """What a resolver finds: ``there``, or nothing at all while it is ``silent``; ``asked`` counts."""

    def __init__(self) -> None:
        self.there: dict[Name, set[str]] = {}
        self.silent = False
        self.asked = 0

    def __call__(self, name: Name) -> frozenset[str]:
        self.asked += 1
        if self.silent:
            raise Unavailable(f"{name} cannot be looked up", where="resolver")
        return frozenset(self.there.get(name, ()))

    def prove(self, claim: Claim) -> None:
        """Its member puts the proof there."""
        assert claim.proof is not None
        record, text = proof_record(claim.name, claim.member, claim.proof.nonce)
        self.there.setdefault(record, set()).add(text)


class _Proving:
    """A claim that waits for its proof, and who looks for it."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.world = ClaimWorld()
        self.texts = _Texts()
        self.watch = ProofWatch(self.world.claims, self.texts, rules, _clock(self.world))
        self.claim = self.wait("alice")

    def wait(self, member: str) -> Claim:
        """A member's claim that waits for its proof."""
        waiting = ClaimState.AWAITING_PROOF
        until = self.world.now + TIMES.proof
        proof = Proof(f"nonce-of-{member}")
        return self.world.claim(_OWN, AddressTarget(), member, proof=proof, state=waiting, until=until)

    def run(self, seconds: float) -> None:
        """Let the watch look for so long, as often as it wants to."""
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.now += self.watch.step()

    def now(self) -> Claim:
        """The claim as it is."""
        return _now(self.world, self.claim)


def test_a_proof_is_found_seconds_after_it_is_there() -> None:
    proving = _Proving()
    proving.run(30)
    assert proving.now().state is ClaimState.AWAITING_PROOF
    proving.texts.prove(proving.claim)
    proving.run(7)
    assert proving.now().state is ClaimState.ACTIVE


def test_a_claim_that_waits_for_days_is_looked_at_seldom() -> None:
    proving = _Proving()
    proving.run(60)
    proving.world.now += 6000
    proving.texts.asked = 0
    proving.run(1200)
    assert 1200 / 300 <= proving.texts.asked <= 1200 / 100
    proving.texts.prove(proving.claim)
    proving.run(310)
    assert proving.now().state is ClaimState.ACTIVE


def test_the_text_of_another_member_proves_nothing() -> None:
    proving = _Proving()
    assert proving.claim.proof is not None
    record, text = proof_record(proving.claim.name, "bob", proving.claim.proof.nonce)
    proving.texts.there[record] = {text, "v=spf1 -all"}
    proving.run(30)
    assert proving.now().state is ClaimState.AWAITING_PROOF


def test_of_two_who_wait_the_first_proved_gets_it_and_the_other_s_proof_changes_nothing() -> None:
    proving = _Proving()
    bob = proving.wait("bob")
    proving.texts.prove(bob)
    proving.run(10)
    proving.texts.prove(proving.claim)
    proving.run(30)
    assert (_now(proving.world, bob).state, proving.now().state) == (
        ClaimState.ACTIVE,
        ClaimState.AWAITING_PROOF,
    )
    proving.texts.asked = 0
    proving.run(600)
    assert proving.texts.asked < 600 / 6


def test_a_standing_proof_is_looked_at_weekly_and_its_loss_ends_in_suspension_and_its_return_in_peace() -> (
    None
):
    proving = _Proving()
    proving.texts.prove(proving.claim)
    proving.run(10)
    proving.texts.asked = 0
    proving.world.now += 6 * _DAY
    proving.run(10)
    assert proving.texts.asked == 0
    proving.world.now += _DAY
    proving.run(10)
    assert proving.texts.asked == 1
    proving.texts.there.clear()
    proving.world.now += 7 * _DAY
    proving.run(10)
    proof = proving.now().proof
    assert proof is not None
    assert proof.lost is not None
    assert proving.now().state is ClaimState.ACTIVE
    watch = ClaimWatch(proving.world.claims, _NoAssignments(), Mailbox(), TIMES, _clock(proving.world))
    proving.world.now += TIMES.proof_lost + 10
    watch.step()
    assert (proving.now().state, proving.now().because) == (ClaimState.SUSPENDED, Because.PROOF)
    proving.texts.prove(proving.claim)
    proving.world.now += 7 * _DAY
    proving.run(10)
    assert proving.now().state is ClaimState.ACTIVE


def test_a_silent_resolver_is_no_look_and_is_asked_less_and_less() -> None:
    proving = _Proving()
    proving.texts.prove(proving.claim)
    proving.run(10)
    before = proving.now()
    proving.texts.silent = True
    proving.world.now += 8 * _DAY
    proving.texts.asked = 0
    proving.run(1500)
    assert proving.now() == before
    assert 1500 / 300 <= proving.texts.asked <= 15
    proving.texts.silent = False
    proving.run(310)
    assert proving.now().proof != before.proof


def test_who_is_never_answered_keeps_nobody_back() -> None:
    proving = _Proving()
    answered = proving.texts.__call__
    other = proving.world.claim(
        "www.example.com.",
        AddressTarget(),
        "bob",
        proof=Proof("nonce"),
        state=ClaimState.AWAITING_PROOF,
        until=proving.world.now + TIMES.proof,
    )

    def texts(name: Name) -> frozenset[str]:
        if name.is_subdomain(proving.claim.name):
            raise Unavailable("nobody answers", where="resolver")
        return answered(name)

    watch = ProofWatch(proving.world.claims, texts, RULES, _clock(proving.world))
    proving.texts.prove(other)
    watch.step()
    assert _now(proving.world, other).state is ClaimState.ACTIVE
