"""All names, what awaits an admin, and what nobody may claim."""

from collections.abc import Mapping

from flask import Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.reserved import FAMILIES, RESERVED
from skulldns.model.claims import Claim, ClaimState, GuestTarget
from skulldns.model.guests import GuestId
from skulldns.model.views import Page
from skulldns.store.audit import AuditFilter
from skulldns.store.office import Books
from webui.context import desk, now
from webui.desk import admin, approval
from webui.pages.admin.common import blueprint, me
from webui.pages.lists import SIZE, offset, paged
from webui.pages.names import chain_again, chain_of, shown_plain
from webui.sessions import for_admins
from webui.texts import _

_STATES = tuple(state for state in ClaimState if state not in {ClaimState.RELEASED, ClaimState.REQUESTED})
_HISTORY = 30


@blueprint.get("/names")
@for_admins
def names() -> str:
    """All claimed names, by text and state."""
    text, state = request.args.get("q", "").strip(), request.args.get("state", "")
    states = [one for one in _STATES if one == state] or _STATES
    with desk().office.reading() as books:
        page = books.claims.search(
            text, states=() if states is _STATES else states, offset=offset(), limit=SIZE
        )
        views, guests = books.views.names([one.name for one in page.items]), _guests(books, page)
    return render_template(
        "admin/names.html",
        page=page,
        views=views,
        guests=guests,
        q=text,
        state=state,
        states=_STATES,
        **paged("admin.names", page),
    )


@blueprint.get("/names/<identity>")
@for_admins
def name(identity: str) -> str:
    """One name, whosever it is."""
    found = _claim(identity)
    with desk().office.reading() as books:
        rows = books.audit.rows(AuditFilter(subject=shown_plain(found)), limit=_HISTORY)
    return render_template("admin/name.html", rows=rows, **chain_of(found))


@blueprint.get("/names/<identity>/chain")
@for_admins
def chain(identity: str) -> Response:
    """The chain of a name, which the page asks for again while it is open."""
    return chain_again(_claim(identity))


@blueprint.get("/approvals")
@for_admins
def approvals() -> str:
    """What awaits an admin."""
    with desk().office.reading() as books:
        page = books.claims.search(states=[ClaimState.AWAITING_APPROVAL], offset=offset(), limit=SIZE)
        guests = _guests(books, page)
    return render_template("admin/approvals.html", page=page, guests=guests, **paged("admin.approvals", page))


@blueprint.post("/names/<identity>/<any(approve, refuse, suspend, resume):what>")
@for_admins
def decide(identity: str, what: str) -> AnyResponse:
    """Approve or refuse a claim that awaits it; suspend a name, or publish it again."""
    reason = request.form.get("reason", "").strip()[:500]
    match what:
        case "approve":
            found = approval.approve(desk(), me(), identity, now())
            said = _("%(name)s is %(login)s's.", name=shown_name(found.name), login=found.member)
        case "refuse":
            found = approval.refuse(desk(), me(), identity, reason, now())
            said = _("%(name)s is refused to %(login)s.", name=shown_name(found.name), login=found.member)
        case "suspend":
            found = approval.suspend(desk(), me(), identity, reason, now())
            said = _("%(name)s is suspended.", name=shown_name(found.name))
        case _:
            found = approval.resume(desk(), me(), identity, now())
            said = _("%(name)s is published again.", name=shown_name(found.name))
    flash(said, "good")
    if what in {"approve", "refuse"}:
        return redirect(url_for("admin.approvals"), 303)
    return redirect(url_for("admin.name", identity=identity), 303)


@blueprint.get("/reserved")
@for_admins
def reserved() -> str:
    """Labels that nobody may claim: those of admins here, of the config, and the built-in ones."""
    with desk().office.reading() as books:
        own = books.settings.reserved()
    usual = (*RESERVED, *FAMILIES)
    return render_template("admin/reserved.html", own=own, config=desk().rules.reserved, usual=usual)


@blueprint.post("/reserved")
@for_admins
def reserve() -> AnyResponse:
    """Let nobody claim a label."""
    admin.reserve(desk(), me(), request.form.get("label", ""), request.form.get("note", "").strip(), now())
    return redirect(url_for("admin.reserved"), 303)


@blueprint.post("/reserved/free")
@for_admins
def unreserve() -> AnyResponse:
    """Let members claim a label again."""
    admin.unreserve(desk(), me(), request.form.get("label", ""), now())
    return redirect(url_for("admin.reserved"), 303)


def _claim(identity: str) -> Claim:
    with desk().office.reading() as books:
        found = books.claims.claim(identity)
    if found is None:
        abort(404)
    return found


def _guests(books: Books, page: Page[Claim]) -> Mapping[GuestId, str]:
    """The names of the guests that a page's claims lead to."""
    wanted = {one.target.guest for one in page.items if isinstance(one.target, GuestTarget)}
    return books.views.guest_names(wanted)
