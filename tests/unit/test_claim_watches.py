"""The daemon's looks at claims: what ends by itself, proofs of members' own domains, ACME clients' TXT values."""

from collections.abc import Callable, Mapping, Sequence

import dns.name
import pytest
from dns.name import Name

from skulldns.desired.policy.proofs import proof_record
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused, Unavailable
from skulldns.loop.challenges import ChallengeWatch
from skulldns.loop.claims import ClaimWatch
from skulldns.loop.clock import Clock
from skulldns.loop.letters import Claims
from skulldns.loop.mailbox import Mailbox
from skulldns.loop.proofs import ProofWatch
from skulldns.model import certificates
from skulldns.model.assignments import Assignment
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
from skulldns.store.acme import PlacedStore
from skulldns.store.proving import ClaimStore
from skulldns.targets.challenges.dns01 import DnsProver, ZoneServers
from skulldns.targets.fake import FakeNameServer, FakeZone
from tests.unit.claimworld import RULES, TIMES, ClaimWorld
from tests.unit.loopworld import ZONE

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

    def to_look_at(self, waiting_before: float, before: float) -> Sequence[Claim]:
        return self._store.to_look_at(waiting_before, before)

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


# ACME clients' TXT values


class _Placing:
    """A claim with TXT values, a primary to place them on, and what is remembered of that."""

    def __init__(self) -> None:
        self.world = ClaimWorld()
        self.zone = FakeZone(ZONE)
        self.server = FakeNameServer(self.zone)
        self.placed = PlacedStore(self.world.store_engine, of_members=True)
        self.claim = self.world.claim("blog", AddressTarget())
        self.begin()

    def begin(self, prover: Prover | None = None) -> None:
        """As after a restart."""
        prover = prover or DnsProver({ZONE: (ZoneServers(self.server),)}, self.placed)
        views = ViewStore(self.world.office)
        self.watch = ChallengeWatch(
            self.world.claims, prover, self.placed.placed, views, _clock(self.world)
        )

    def want(self, *values: str) -> None:
        """The member's client wants these values now."""
        until = self.world.now + 3600
        given = tuple(ChallengeValue(self.claim.name, value, until) for value in values)
        self.claim = self.world.store(self.claim, challenges=given)

    def shown(self, value: str) -> bool:
        """Whether the client is told that all servers answer it."""
        with self.world.office.reading() as books:
            return books.views.serves(self.claim.name, value)

    def run(self, seconds: float) -> None:
        """Let only the watch work for so long."""
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.now += self.watch.step() or 1e-6

    def served(self) -> set[str]:
        """The values that are there."""
        found = [one for key, one in self.zone.rrsets.items() if "_acme-challenge.blog" in str(key)]
        return {value for one in found for value in one.values()}


def test_values_are_placed_beside_those_of_others_and_taken_away_by_themselves() -> None:
    placing = _Placing()
    placing.world.zone = placing.zone
    placing.world.put_by_hand("_acme-challenge.blog", "TXT", '"somebody-else"')
    placing.want("one", "two")
    placing.watch.step()
    assert placing.served() == {'"somebody-else"', '"one"', '"two"'}
    placing.want("two")
    placing.watch.step()
    assert placing.served() == {'"somebody-else"', '"two"'}
    placing.world.store(placing.claim, state=ClaimState.SUSPENDED)
    placing.watch.step()
    assert placing.served() == {'"somebody-else"'}
    assert placing.placed.placed() == []


def test_what_a_crash_left_is_taken_away_and_what_is_wanted_stays() -> None:
    placing = _Placing()
    placing.want("one", "two")
    placing.watch.step()
    placing.begin()
    placing.want("two")
    before = placing.server.messages["update"]
    placing.watch.step()
    assert placing.served() == {'"two"'}
    assert placing.server.messages["update"] == before + 1


def test_a_value_that_was_remembered_and_never_placed_is_no_trouble() -> None:
    placing = _Placing()
    placing.placed.remember(dns.name.from_text("_acme-challenge.blog", ZONE), "half-done")
    placing.watch.step()
    assert placing.placed.placed() == []
    assert placing.served() == set()


def test_a_primary_that_is_down_is_asked_less_and_less_and_gets_everything_then() -> None:
    placing = _Placing()
    placing.want("one")
    placing.server.down = True
    waits = [_pass(placing) for _ in range(6)]
    assert waits == sorted(waits)
    assert waits[-1] > 2 * waits[0]
    assert placing.served() == set()
    placing.server.down = False
    placing.watch.step()
    assert placing.served() == {'"one"'}


def _pass(placing: _Placing) -> float:
    wait = placing.watch.step()
    placing.world.now += wait
    return wait


def test_a_value_outside_of_our_zones_holds_up_no_others(caplog: pytest.LogCaptureFixture) -> None:
    placing = _Placing()
    elsewhere = dns.name.from_text("a.example.net.")
    until = placing.world.now + 3600
    placing.world.claim(
        "a.example.net.", AddressTarget(), challenges=(ChallengeValue(elsewhere, "lost", until),)
    )
    placing.want("one")
    placing.watch.step()
    assert placing.served() == {'"one"'}
    assert "in none of our zones" in caplog.text


class _Picky(FakeProver):
    """Places all but the values in ``bad``, and counts how often it is asked for each."""

    def __init__(self, bad: dict[str, Exception]) -> None:
        super().__init__()
        self.bad = bad
        self.tries: Counter[str] = Counter()

    def place(self, proof: certificates.Proof) -> None:
        self.tries[proof.content] += 1
        if error := self.bad.get(proof.content):
            raise error
        super().place(proof)


@pytest.mark.parametrize("error", [Refused("not here"), Unavailable("it is down"), SyntaxError("no text")])
def test_one_bad_value_is_tried_again_alone_and_holds_up_no_others(error: Exception) -> None:
    placing, prover = _Placing(), _Picky({"a": error})
    placing.begin(prover)
    placing.want("a", "b")
    placing.run(60)
    assert [one.content for one in prover.placed] == ["b"]
    assert prover.tries["b"] == 1
    assert 5 <= prover.tries["a"] <= 20
    before = prover.tries["a"]
    placing.want("a", "b", "c")
    placing.watch.step()
    assert [one.content for one in prover.placed] == ["b", "c"]
    assert prover.tries["a"] <= before + 1
    prover.bad.clear()
    placing.run(20)
    assert placing.shown("a")


def test_of_many_bad_values_one_at_most_goes_before_a_new_one() -> None:
    bad: dict[str, Exception] = {f"bad-{number}": Unavailable("it is down") for number in range(8)}
    placing, prover = _Placing(), _Picky(bad)
    placing.begin(prover)
    placing.want(*bad)
    placing.watch.step()
    placing.world.now += 60
    before = prover.tries.total()
    placing.watch.step()
    assert prover.tries.total() == before + 1
    placing.run(120)
    assert min(prover.tries.values()) > 5


def test_a_client_is_told_once_all_servers_answer_and_no_more_after_cleaning_up() -> None:
    placing, prover = _Placing(), _Picky({})
    placing.begin(prover)
    prover.lag = 3
    placing.want("one")
    placing.watch.step()
    assert not placing.shown("one")
    placing.run(0.005)
    assert not placing.shown("one")
    placing.run(1)
    assert placing.shown("one")
    placing.want()
    placing.watch.step()
    assert not placing.shown("one")


def test_a_value_that_waits_to_be_seen_is_taken_away_at_once() -> None:
    placing, prover = _Placing(), _Picky({})
    placing.begin(prover)
    prover.lag = 1000
    placing.want("one")
    placing.run(20)
    assert len(prover.placed) == 1
    placing.want()
    placing.watch.step()
    assert prover.placed == []


def test_after_a_restart_what_is_seen_is_looked_at_and_not_placed_again() -> None:
    placing, prover = _Placing(), _Picky({})
    placing.want("one")
    placing.watch.step()
    placing.begin(prover)
    prover.placed.append(certificates.Proof(placing.claim.name, certificates.Challenge.DNS01, "", "one"))
    placing.watch.step()
    assert placing.shown("one")
    assert prover.tries.total() == 0
