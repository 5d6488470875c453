"""Names that are offered to the member, by the API."""

from flask import Response

from skulldns.desired.policy.hostnames import hostname
from skulldns.model.claims import ClaimId
from skulldns.model.tokens import Scope
from webui.api import models, values
from webui.api.names import not_for, whole
from webui.api.operations import Answer, operation
from webui.context import desk, now
from webui.desk import handing
from webui.machines.callers import Caller


@operation("GET", "/offers", Scope.READ, {200: models.Offers})
def list_offers(found: Caller) -> Answer:
    """What is offered to the member, of the names that the token is good for."""
    return _offers(found)


@operation("PUT", "/offers/{name}", Scope.CLAIM, {200: models.NameWhole})
def accept_offer(found: Caller, name: str) -> Answer:
    """Take a name that is offered, by the same rules as for claiming one. Again changes nothing."""
    claim = _meant(found, name)
    if isinstance(claim, Response):
        return claim
    return whole(handing.accept(desk(), found.actor, claim, now()))


@operation("DELETE", "/offers/{name}", Scope.CLAIM, {200: models.Offers})
def decline_offer(found: Caller, name: str) -> Answer:
    """Say no to a name that is offered; what else is offered is answered. Again changes nothing."""
    claim = _meant(found, name)
    if isinstance(claim, Response):
        return claim
    handing.decline(desk(), found.actor, claim, now())
    return _offers(found)


def _meant(found: Caller, text: str) -> ClaimId | Response:
    """Which claim has the name, whosever it is; the desk says no more of it than to whom it is offered."""
    name = hostname(text, desk().rules)
    if not found.token.allows(Scope.CLAIM, name):
        return not_for(name)
    with desk().office.reading() as books:
        claim = books.claims.holder(name)
    return ClaimId("") if claim is None else claim.id


def _offers(found: Caller) -> models.Offers:
    made = handing.offers(desk(), found.actor, now())
    return models.Offers(
        items=[values.offer(one) for one in made if found.token.allows(Scope.READ, one.name)]
    )
