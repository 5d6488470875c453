"""How a claim goes from state to state, and how it is proved."""

from dataclasses import replace

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.desired.policy.proofs import looked, proof_record
from skulldns.desired.policy.rules import Rules, Timing
from skulldns.desired.policy.states import TABLE, Step, ended, moved, step, timed
from skulldns.errors import Refused
from skulldns.model.claims import (
    AddressTarget,
    Because,
    ChallengeValue,
    Claim,
    ClaimId,
    ClaimState,
    Proof,
    Surroundings,
)
from skulldns.model.policy import Approval

ZONE = dns.name.from_text("vmsrv.example.org.")
WIKI = dns.name.from_text("wiki", ZONE)
OWN = dns.name.from_text("www.member.test.")
RULES = Rules(zones=(ZONE,), own_zones=(ZONE,))
DAY = 86_400.0


def claim(state: ClaimState = ClaimState.REQUESTED, proof: Proof | None = None) -> Claim:
    return Claim(ClaimId("1"), OWN, "alice", state, AddressTarget(), 0, 0, 0, proof=proof)


def test_the_table_knows_every_state_and_every_step() -> None:
    assert {step for _, step in TABLE} == set(Step)
    assert {state for state, _ in TABLE} | set(TABLE.values()) == set(ClaimState)


@pytest.mark.parametrize("state", list(ClaimState))
@pytest.mark.parametrize("what", list(Step))
def test_what_is_not_in_the_table_is_refused(state: ClaimState, what: Step) -> None:
    if (state, what) in TABLE:
        assert step(state, what) is TABLE[state, what]
    else:
        with pytest.raises(Refused, match=f"is {state} and cannot be {what}"):
            step(state, what)


@given(st.lists(st.tuples(st.sampled_from(Step), st.floats(0, 400 * DAY)), max_size=30))
def test_whatever_happens_nothing_comes_back_from_release(steps: list[tuple[Step, float]]) -> None:
    found, now, times = claim(), 0.0, Timing()
    been = [found.state]
    for what, later in steps:
        now += later
        found = ended(found, now, times) or found
        try:
            found = moved(found, what, now, times, Because.ADMIN if what is Step.SUSPENDED else None)
        except Refused:
            continue
        been.append(found.state)
        assert found.until is None or found.until > now
        assert (found.because is not None) == (found.state is ClaimState.SUSPENDED)
    let_go = [i for i, state in enumerate(been) if state in {ClaimState.QUARANTINED, ClaimState.RELEASED}]
    if let_go:
        assert not {ClaimState.ACTIVE, ClaimState.SUSPENDED} & set(been[let_go[0] :])
    assert ClaimState.RELEASED not in been[:-1]


@given(st.lists(st.floats(0, 100 * DAY), min_size=60, max_size=60))
def test_a_forgotten_claim_ends_by_itself(pauses: list[float]) -> None:
    times = Timing()
    found, now = moved(claim(), Step.GRANTED, 0, times), 0.0
    for pause in pauses:
        now += pause + 10 * DAY
        found = ended(found, now, times) or found
    assert found.state in {ClaimState.SUSPENDED, ClaimState.QUARANTINED, ClaimState.RELEASED}
    assert found.until is None or found.until > now


def test_nobody_confirms_and_the_name_goes_its_warned_way() -> None:
    times = Timing()
    found = moved(claim(), Step.GRANTED, 0, times)
    states = []
    while found.until is not None:
        assert ended(found, found.until - 1, times) is None
        after = ended(found, found.until, times)
        assert after is not None
        found = after
        states.append((found.state, found.because))
    assert states == [
        (ClaimState.SUSPENDED, Because.UNCONFIRMED),
        (ClaimState.QUARANTINED, None),
        (ClaimState.RELEASED, None),
    ]


def test_a_lost_proof_suspends_after_a_while_and_brings_the_name_back() -> None:
    waiting = moved(claim(proof=Proof("n")), Step.PUT_UP_FOR_PROOF, 0, RULES.times)
    assert looked(waiting, Surroundings(), found=False, now=1, rules=RULES).until == waiting.until
    active = looked(waiting, Surroundings(), found=True, now=2, rules=RULES)
    assert active.state is ClaimState.ACTIVE
    lost = looked(active, Surroundings(), found=False, now=7 * DAY, rules=RULES)
    again = looked(lost, Surroundings(), found=False, now=8 * DAY, rules=RULES)
    assert lost.until == again.until == 21 * DAY
    assert looked(lost, Surroundings(), found=True, now=9 * DAY, rules=RULES).until == active.until
    suspended = ended(lost, 21 * DAY, RULES.times)
    assert suspended is not None
    assert suspended.because is Because.PROOF
    assert looked(suspended, Surroundings(), found=True, now=22 * DAY, rules=RULES).state is ClaimState.ACTIVE


def test_a_proved_name_may_await_approval_and_one_that_is_anothers_by_then_is_refused() -> None:
    waiting = moved(claim(proof=Proof("n")), Step.PUT_UP_FOR_PROOF, 0, RULES.times)
    strict = replace(RULES, approval=Approval.ALL)
    assert (
        looked(waiting, Surroundings(), found=True, now=1, rules=strict).state is ClaimState.AWAITING_APPROVAL
    )
    theirs = replace(claim(ClaimState.ACTIVE), member="bob")
    with pytest.raises(Refused, match="taken"):
        looked(waiting, Surroundings(at=(theirs,)), found=True, now=1, rules=RULES)


def test_a_challenge_that_nobody_took_back_goes_by_itself_and_the_claim_stays() -> None:
    active = moved(claim(), Step.GRANTED, 0, RULES.times)
    held = replace(active, challenges=(ChallengeValue(OWN, "x", 60), ChallengeValue(OWN, "y", 90)))
    assert timed(held, RULES.times).until == active.until
    assert ended(held, 59, RULES.times) is None
    after = ended(held, 60, RULES.times)
    assert after is not None
    assert [one.value for one in after.challenges] == ["y"]
    assert (after.state, after.until) == (ClaimState.ACTIVE, active.until)
    assert ended(after, 90, RULES.times) == active


def test_a_claim_whose_stored_end_is_that_of_its_challenge_goes_on() -> None:
    active = moved(claim(), Step.GRANTED, 0, RULES.times)
    held = replace(active, challenges=(ChallengeValue(OWN, "x", 60),), until=60)
    assert ended(held, 61, RULES.times) == active


def test_a_state_and_a_challenge_may_be_over_at_once() -> None:
    active = moved(claim(), Step.GRANTED, 0, RULES.times)
    assert active.until is not None
    held = replace(active, challenges=(ChallengeValue(OWN, "x", active.until),))
    after = ended(held, active.until, RULES.times)
    assert after is not None
    assert (after.state, after.challenges) == (ClaimState.SUSPENDED, ())


def test_a_proof_is_bound_to_name_member_and_nonce() -> None:
    texts = {
        proof_record(name, member, nonce)[1]
        for name in (OWN, WIKI)
        for member in ("alice", "bob")
        for nonce in ("1", "2")
    }
    assert len(texts) == 8
    owner, text = proof_record(OWN, "alice", "1")
    assert owner.to_text() == "_skulldns.www.member.test."
    assert text.isascii()
    assert len(text) < 255
