"""Guests and tokens by the API. A token makes no tokens: that needs the page."""

from flask import Response

from skulldns.errors import Refused
from skulldns.model.certificates import shown
from skulldns.model.tokens import Scope, Token
from webui.api import models, problems, values
from webui.api.operations import Answer, operation
from webui.context import desk, now
from webui.desk import tokens
from webui.machines.callers import Caller


@operation("GET", "/guests", Scope.READ, {200: models.Guests})
def list_guests(found: Caller) -> Answer:
    """The member's guests."""
    with desk().office.reading() as books:
        guests = books.views.guests_of(found.actor.member)
    return models.Guests(items=[values.guest(one) for one in guests])


@operation("GET", "/tokens", Scope.READ, {200: models.Tokens})
def list_tokens(found: Caller) -> Answer:
    """The member's tokens; a token for some names sees only itself."""
    with desk().office.reading() as books:
        everything = books.tokens.tokens(found.actor.member)
    narrow = bool(found.token.names)
    return models.Tokens(
        items=[_shown(one, found) for one in everything if not narrow or one.id == found.token.id]
    )


@operation("DELETE", "/tokens/{id}", Scope.CLAIM, {200: models.TokenShown})
def revoke_token(found: Caller, id: str) -> Answer:  # noqa: A002 - as the path has it
    """Make a token worthless, at once; a token for some names can only end itself."""
    if found.token.names and id != found.token.id:
        return problems.problem(403, "the token is for some names only", "sign in on the page")
    try:
        return _shown(tokens.revoke(desk(), found.actor, id, now()), found)
    except Refused as refused:
        return _no_token(refused)


def _no_token(refused: Refused) -> Response:
    return problems.not_found(refused.what)


def _shown(token: Token, found: Caller) -> models.TokenShown:
    return models.TokenShown(
        id=token.id,
        label=token.label,
        scopes=sorted(token.scopes),
        names=[shown(name) for name in token.names],
        created=values.exactly(token.created),
        expires=values.moment(token.expires),
        last_used=values.moment(token.last_used),
        last_address=token.last_address,
        revoked=values.moment(token.revoked),
        this=token.id == found.token.id,
    )
