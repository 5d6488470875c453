"""The ways of a claim from state to state, as a table, and when a state ends by itself."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

from skulldns.desired.policy.rules import Timing
from skulldns.errors import Refused
from skulldns.model.claims import Because, Claim, ClaimState


class Step(StrEnum):
    """What happens to a claim, as the end of "the claim cannot be ...".

    ``DROPPED``: withdrawn, refused, or never approved or proved; nobody ever saw it. ``LET_GO``: released; the name is
    blocked for others for a while. ``FREED``: that while is over.
    """

    PUT_UP_FOR_PROOF = "put up for proof"
    PUT_UP_FOR_APPROVAL = "put up for approval"
    GRANTED = "granted"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    DROPPED = "withdrawn"
    LET_GO = "released"
    FREED = "freed"


_S = ClaimState
TABLE: Mapping[tuple[ClaimState, Step], ClaimState] = MappingProxyType(
    {
        (_S.REQUESTED, Step.PUT_UP_FOR_PROOF): _S.AWAITING_PROOF,
        (_S.REQUESTED, Step.PUT_UP_FOR_APPROVAL): _S.AWAITING_APPROVAL,
        (_S.REQUESTED, Step.GRANTED): _S.ACTIVE,
        (_S.AWAITING_PROOF, Step.PUT_UP_FOR_APPROVAL): _S.AWAITING_APPROVAL,
        (_S.AWAITING_PROOF, Step.GRANTED): _S.ACTIVE,
        (_S.AWAITING_PROOF, Step.DROPPED): _S.RELEASED,
        (_S.AWAITING_APPROVAL, Step.GRANTED): _S.ACTIVE,
        (_S.AWAITING_APPROVAL, Step.DROPPED): _S.RELEASED,
        (_S.ACTIVE, Step.SUSPENDED): _S.SUSPENDED,
        (_S.ACTIVE, Step.LET_GO): _S.QUARANTINED,
        (_S.SUSPENDED, Step.RESUMED): _S.ACTIVE,
        (_S.SUSPENDED, Step.LET_GO): _S.QUARANTINED,
        (_S.QUARANTINED, Step.FREED): _S.RELEASED,
    }
)
"""Where each step leads. What is not here cannot happen."""

_ENDS: Mapping[ClaimState, Step] = MappingProxyType(
    {
        _S.AWAITING_PROOF: Step.DROPPED,
        _S.AWAITING_APPROVAL: Step.DROPPED,
        _S.ACTIVE: Step.SUSPENDED,
        _S.SUSPENDED: Step.LET_GO,
        _S.QUARANTINED: Step.FREED,
    }
)


def step(state: ClaimState, what: Step) -> ClaimState:
    """Where ``what`` leads from ``state``. Raises ``Refused`` if it leads nowhere."""
    found = TABLE.get((state, what))
    if found is None:
        raise Refused(f"the claim is {state} and cannot be {what}", cure="look again how it stands")
    return found


def ends_with(state: ClaimState) -> Step | None:
    """What happens to a claim when its state's time is over; None if it has none."""
    return _ENDS.get(state)


def moved(claim: Claim, what: Step, now: float, times: Timing, because: Because | None = None) -> Claim:
    """The claim after a step, with the end of its new state. ``because`` says why it is suspended.

    Raises ``Refused``.
    """
    after = replace(claim, state=step(claim.state, what), changed=now, because=because)
    if after.state is ClaimState.ACTIVE and claim.state is not ClaimState.ACTIVE:
        after = replace(after, confirmed=now)
    if after.state in {ClaimState.QUARANTINED, ClaimState.RELEASED}:
        after = replace(after, challenges=())
    return timed(after, times)


def timed(claim: Claim, times: Timing) -> Claim:
    """The claim with ``until`` as its state and its own dates say."""
    return replace(claim, until=until(claim, times))


def until(claim: Claim, times: Timing) -> float | None:
    """When the claim's state ends by itself, as Unix time; None: never."""
    match claim.state:
        case ClaimState.AWAITING_PROOF:
            return claim.changed + times.proof if claim.until is None else claim.until
        case ClaimState.AWAITING_APPROVAL:
            return claim.changed + times.approval
        case ClaimState.ACTIVE:
            return min(confirm_by(claim, times), _proof_by(claim, times))
        case ClaimState.SUSPENDED:
            by_itself = claim.because in {Because.PROOF, Because.UNCONFIRMED}
            return claim.changed + times.suspended if by_itself else None
        case ClaimState.QUARANTINED:
            return claim.changed + times.quarantine
        case _:
            return None


def confirm_from(claim: Claim, times: Timing) -> float:
    """From when on the member is asked whether the name is still in use."""
    return claim.confirmed + times.confirm_every


def confirm_by(claim: Claim, times: Timing) -> float:
    """Until when the member must have said so."""
    return confirm_from(claim, times) + times.confirm_grace


def ended(claim: Claim, now: float, times: Timing) -> Claim | None:
    """The claim after the end of its state or of its ACME challenges, if that is over ``now``; else None."""
    left = tuple(one for one in claim.challenges if one.until > now)
    kept = claim if left == claim.challenges else timed(replace(claim, challenges=left), times)
    what = ends_with(claim.state)
    if what is None or kept.until is None or now < kept.until:
        return None if kept is claim else kept
    because = None
    if what is Step.SUSPENDED:
        because = Because.PROOF if _proof_by(claim, times) <= now else Because.UNCONFIRMED
    return moved(kept, what, now, times, because)


def _proof_by(claim: Claim, times: Timing) -> float:
    lost = claim.proof.lost if claim.proof else None
    return float("inf") if lost is None else lost + times.proof_lost
