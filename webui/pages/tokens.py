"""A member's tokens for machines: make, list, revoke."""

from collections.abc import Sequence

import dns.exception
import dns.name
from dns.name import Name
from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Refused
from skulldns.model.claims import Claim, ClaimState
from skulldns.model.guests import said
from skulldns.model.members import Actor
from skulldns.model.tokens import Scope, Token
from webui.context import desk, now, settings
from webui.desk import tokens
from webui.sessions import for_members, present
from webui.texts import _

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")

SCOPES = (Scope.DYNDNS, Scope.ACME, Scope.CLAIM, Scope.READ, Scope.AUTH)
"""In the order in which members need them."""
_DAY = 86_400.0
_LASTS = (30, 90, 365)
_MOST_NAMES = 200
_USABLE = tuple(state for state in ClaimState if state.counts)


@blueprint.get("")
@for_members
def index() -> str:
    """The member's tokens, with their last use."""
    with desk().office.reading() as books:
        every = books.tokens.tokens(present().actor.member)
    moment = now()
    good = [one for one in every if one.revoked is None and not _is_over(one, moment)]
    over = [one for one in every if one not in good]
    return render_template("tokens/index.html", good=good, over=over, now=moment)


@blueprint.get("/new")
@for_members
def new() -> str:
    """The form for another token; the query may choose what for, and for which name."""
    asked, names = request.args.getlist("scope"), request.args.getlist("names")
    return _form(label=request.args.get("label", ""), scopes=asked, names=names, lasts="")


@blueprint.post("/new")
@for_members
def make() -> str | tuple[str, int]:
    """Make a token, and show it this once."""
    form, here = request.form, present()
    label, lasts = form.get("label", ""), form.get("lasts", "")
    asked, wanted = form.getlist("scope"), form.getlist("names")
    try:
        _judge_self(here.actor)
        scopes, names = [_scope(text) for text in asked], [_name(text) for text in wanted]
        expires = now() + int(lasts) * _DAY if lasts in map(str, _LASTS) else None
        token, text = tokens.make(desk(), here.actor, label, scopes, names, now(), expires=expires)
    except Refused as refused:
        return _form(label=label, scopes=asked, names=wanted, lasts=lasts, error=str(refused)), 400
    return render_template(
        "tokens/made.html",
        token=token,
        text=text,
        login=here.actor.member,
        page=settings().origin,
        host=settings().host,
        secure=settings().secure,
        example=_example(token),
    )


@blueprint.post("/revoke")
@for_members
def revoke() -> AnyResponse:
    """Make a token worthless."""
    token = tokens.revoke(desk(), present().actor, request.form.get("id", ""), now())
    flash(_("The token %(label)s is worth nothing any more.", label=token.label), "good")
    return redirect(url_for("tokens.index"), 303)


def _judge_self(actor: Actor) -> None:
    """Raise ``Refused`` for an admin who acts for the member: the token would outlast that, and be theirs too."""
    if actor.acting_as is not None:
        raise Refused(
            _("a token is a secret of its member"), cure=_("let %(login)s make it", login=actor.member)
        )


def _form(*, label: str, scopes: Sequence[str], names: Sequence[str], lasts: str, error: str = "") -> str:
    member = present().actor.member
    with desk().office.reading() as books:
        page = books.claims.search(member=member, states=_USABLE, limit=_MOST_NAMES)
        guests = books.views.guests_of(member)
    own = [*map(_claimed, page.items), *(name for guest in guests for name in guest.names)]
    return render_template(
        "tokens/new.html",
        all_scopes=SCOPES,
        all_names=sorted(dict.fromkeys(own))[:_MOST_NAMES],
        all_lasts=_LASTS,
        label=label,
        scopes=scopes,
        names=names,
        lasts=lasts,
        error=error,
    )


def _claimed(claim: Claim) -> Name:
    return claim.name


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError as error:
        raise Refused(
            _("no token is good for %(what)s", what=said(text[:50])), cure=_("choose from the list")
        ) from error


def _name(text: str) -> Name:
    try:
        return dns.name.from_text(text.lower())
    except (dns.exception.DNSException, UnicodeError) as error:
        raise Refused(
            _("%(name)s is not a name of yours", name=said(text[:100])), cure=_("choose from the list")
        ) from error


def _is_over(token: Token, moment: float) -> bool:
    return token.expires is not None and token.expires <= moment


def _example(token: Token) -> str:
    """A name for the settings: one that the token is for, else one that shows where to put it."""
    if token.names:
        return token.names[0].to_text(omit_final_dot=True)
    with desk().office.reading() as books:
        found = books.claims.search(member=token.member, states=[ClaimState.ACTIVE], limit=1).items
    return found[0].name.to_text(omit_final_dot=True) if found else "the-name.example.org"
