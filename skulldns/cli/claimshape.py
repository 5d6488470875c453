"""A claim as JSON values for the command line."""

from typing import Any

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.proofs import proof_record
from skulldns.model.claims import Claim, ClaimState
from skulldns.model.views import NameView
from skulldns.store.claimcodec import claim_parts, plain_name


def claim_values(claim: Claim, view: NameView | None) -> dict[str, Any]:
    """Everything about a claim but secrets; ``view`` is what the daemon says of its name, if it said something."""
    waits = claim.proof is not None and (
        claim.state is ClaimState.AWAITING_PROOF or claim.proof.lost is not None
    )
    return {
        "id": claim.id,
        "name": plain_name(claim.name),
        "shown": shown_name(claim.name),
        **claim_parts(claim),
        "created": claim.created,
        "changed": claim.changed,
        "until": claim.until,
        "proof_wanted": _proof(claim) if waits else None,
        "published": view.state if view else None,
        "links": view.body.get("links", []) if view else [],
    }


def _proof(claim: Claim) -> dict[str, str]:
    assert claim.proof is not None
    name, text = proof_record(claim.name, claim.member, claim.proof.nonce)
    return {"name": plain_name(name), "type": "TXT", "text": text}
