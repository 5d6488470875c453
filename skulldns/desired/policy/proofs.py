"""How a member proves a domain of their own: a TXT record whose text only this claim of this member can have."""

import base64
import hashlib
from dataclasses import replace

import dns.name
from dns.name import Name

from skulldns.desired.policy.claims import judge_name
from skulldns.desired.policy.rules import Rules
from skulldns.desired.policy.states import Step, moved, timed
from skulldns.model.certificates import shown
from skulldns.model.claims import Because, Claim, ClaimState, Proof, Surroundings
from skulldns.model.policy import Approval

_LABEL = "_skulldns"
_START = "skulldns-proof="


def proof_record(name: Name, member: str, nonce: str) -> tuple[Name, str]:
    """Where the TXT record stands and its text, bound to the name and the member: nobody else's claim accepts it."""
    bound = hashlib.sha256("\n".join((nonce, shown(name), member)).encode()).digest()
    return dns.name.from_text(_LABEL, name), _START + base64.b32encode(bound).decode().rstrip("=").lower()


def looked(claim: Claim, around: Surroundings, *, found: bool, now: float, rules: Rules) -> Claim:
    """The claim after its proof was looked for, and was there or not. A silent name server is no look at all.

    A claim that awaits its proof goes on; one whose proof is missing has a while before it is suspended, and comes back
    with its proof. Raises ``Refused`` if the name, although proved now, is another's by then; ``around`` is without
    the claim itself.
    """
    if claim.proof is None:
        return claim
    proof = claim.proof
    if not found:
        missing = claim.state is not ClaimState.AWAITING_PROOF
        lost = now if missing and proof.lost is None else proof.lost
        return timed(replace(claim, proof=replace(proof, looked=now, lost=lost)), rules.times)
    claim = replace(claim, proof=Proof(proof.nonce, seen=now, looked=now))
    if claim.state is ClaimState.AWAITING_PROOF:
        judge_name(claim.name, claim.member, around, rules)
        asked = rules.approval is Approval.ALL
        return moved(claim, Step.PUT_UP_FOR_APPROVAL if asked else Step.GRANTED, now, rules.times)
    if claim.state is ClaimState.SUSPENDED and claim.because is Because.PROOF:
        return moved(claim, Step.RESUMED, now, rules.times)
    return timed(claim, rules.times)
