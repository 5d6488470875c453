"""A member's names: the list, claiming one, and the page of one name."""

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.claims import is_own_domain
from skulldns.desired.policy.proofs import proof_record
from skulldns.errors import Refused
from skulldns.model.claims import Claim, ClaimState
from skulldns.model.views import GuestView
from skulldns.store.audit import AuditFilter
from webui.context import desk, now
from webui.desk import claims
from webui.pages.lists import offset, paged
from webui.pages.targets import fields, target
from webui.sessions import for_members, present
from webui.texts import _

blueprint = Blueprint("names", __name__)

_SHOWN = tuple(state for state in ClaimState if state not in {ClaimState.RELEASED, ClaimState.REQUESTED})


@blueprint.get("/")
@for_members
def index() -> str:
    """The member's names, each with its live state."""
    member, text = present().actor.member, request.args.get("q", "").strip()
    with desk().office.reading() as books:
        page = books.claims.search(text, member=member, states=_SHOWN, offset=offset())
        views = dict(books.views.names([one.name for one in page.items]))
        guests = books.views.guests_of(member)
    own = [(guest, name) for guest in guests for name in guest.names] if not text else []
    with desk().office.reading() as books:
        views |= books.views.names([found for _guest, found in own])
    return render_template(
        "names/index.html", page=page, views=views, own=own, q=text, **paged("names.index", page)
    )


@blueprint.route("/claim", methods=["GET", "POST"])
@for_members
def claim() -> str | AnyResponse | tuple[str, int]:
    """Claim a name."""
    if request.method == "GET":
        start = {"kind": "site", "port": "80", "name": request.args.get("name", "")}
        return _claim_form({**start, **request.args.to_dict()})
    form = request.form.to_dict()
    try:
        found = claims.claim(desk(), present().actor, form.get("name", ""), target(form, desk().rules), now())
    except Refused as refused:
        return _claim_form(form, str(refused)), 400
    return redirect(url_for("names.name", identity=found.id), 303)


@blueprint.get("/claim/look")
@for_members
def look() -> str:
    """Whether the name that is being typed is free, and if not, why."""
    text = request.args.get("name", "").strip()
    if not text:
        return ""
    try:
        found = claims.look(desk(), present().actor.member, text)
    except Refused as refused:
        return render_template("names/look.html", refused=str(refused))
    domain = is_own_domain(found, desk().rules)
    return render_template("names/look.html", free=shown_name(found), domain=domain)


@blueprint.get("/names/<identity>")
@for_members
def name(identity: str) -> str:
    """The page of one name."""
    found = claims.show(desk(), present().actor, identity)
    with desk().office.reading() as books:
        rows = books.audit.rows(AuditFilter(subject=shown_plain(found)), limit=20)
    proof = proof_record(found.name, found.member, found.proof.nonce) if found.proof else None
    return render_template(
        "names/name.html",
        target=fields(found.target),
        guests=_guests(),
        proof=proof,
        rows=rows,
        records="\n".join(_record_line(found)),
        **_chain(found),
    )


@blueprint.get("/names/<identity>/chain")
@for_members
def chain(identity: str) -> str:
    """The chain of a name, which the page asks for again while it is open."""
    return render_template("names/chain.html", **_chain(claims.show(desk(), present().actor, identity)))


@blueprint.post("/names/<identity>/target")
@for_members
def retarget(identity: str) -> AnyResponse:
    """Lead a name to something else."""
    form = request.form.to_dict()
    claims.retarget(desk(), present().actor, identity, target(form, desk().rules), now())
    flash(_("The name leads there now; watch the chain."), "good")
    return redirect(url_for("names.name", identity=identity), 303)


@blueprint.post("/names/<identity>/transfer")
@for_members
def transfer(identity: str) -> AnyResponse:
    """Hand a name to another member."""
    heir = request.form.get("to", "").strip().lower()
    found = claims.transfer(desk(), present().actor, identity, heir, now())
    flash(_("%(name)s is %(login)s's now.", name=shown_name(found.name), login=heir), "good")
    return redirect(url_for("names.index"), 303)


@blueprint.post("/names/<identity>/release")
@for_members
def release(identity: str) -> AnyResponse:
    """Let a name go."""
    found = claims.release(desk(), present().actor, identity, now())
    flash(_("%(name)s is released.", name=shown_name(found.name)), "good")
    return redirect(url_for("names.index"), 303)


@blueprint.post("/names/<identity>/confirm")
@for_members
def confirm(identity: str) -> AnyResponse:
    """Say that a name is still in use."""
    claims.confirm(desk(), present().actor, identity, now())
    flash(_("Thank you: it stays yours for another year."), "good")
    return redirect(url_for("names.name", identity=identity), 303)


def shown_plain(found: Claim) -> str:
    """The name as the audit has it."""
    return found.name.to_text(omit_final_dot=True)


def _claim_form(form: dict[str, str], error: str = "") -> str:
    zones = [shown_name(zone) for zone in desk().rules.zones]
    return render_template("names/claim.html", form=form, error=error, guests=_guests(), zones=zones)


def _guests() -> Sequence[GuestView]:
    with desk().office.reading() as books:
        return books.views.guests_of(present().actor.member)


def _chain(found: Claim) -> dict[str, object]:
    """What the chain's part of the page shows; ``settled`` says that it need not be asked for again at once."""
    with desk().office.reading() as books:
        view = books.views.name(found.name)
    links = view.body.get("links", []) if view else []
    settled = bool(links) and all(link["state"] in {"good", "none"} for link in links)
    return {"claim": found, "view": view, "links": links, "settled": settled}


def _record_line(found: Claim) -> list[str]:
    return [
        f"{one.name.relativize(found.name)} {one.ttl} {one.type} {value}"
        for one in found.records
        for value in one.values
    ]
