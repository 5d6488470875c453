"""A member's names: the list, claiming one, and the page of one name."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.claims import is_own_domain
from skulldns.desired.policy.options import applying
from skulldns.desired.policy.proofs import proof_record
from skulldns.desired.policy.records import TYPES
from skulldns.desired.policy.states import confirm_from
from skulldns.errors import Refused
from skulldns.model.claims import Claim, ClaimState
from skulldns.model.sites import Header
from skulldns.model.views import GuestView
from skulldns.store.audit import AuditFilter
from skulldns.store.office import Books
from webui.context import desk, now, settings
from webui.desk import claims, handing
from webui.pages import options, records
from webui.pages.lists import SIZE, offset, paged
from webui.pages.targets import fields, target
from webui.sessions import for_members, present, when_sure
from webui.texts import _

blueprint = Blueprint("names", __name__)

OPEN = frozenset({ClaimState.ACTIVE, ClaimState.AWAITING_APPROVAL, ClaimState.AWAITING_PROOF})
"""States in which a claim's member may change it."""
_HISTORY = 20
_FRESH = 30.0
"""Seconds after a change in which somebody watches it come alive."""
_STANDING = tuple(state for state in ClaimState if state.counts)


@blueprint.get("/")
@for_members
def index() -> str:
    """The member's names, each with its live state."""
    member, text = present().actor.member, request.args.get("q", "").strip()
    with desk().office.reading() as books:
        page = books.claims.search(text, member=member, states=_STANDING, offset=offset(), limit=SIZE)
        released = [] if page.offset else _released(books, text, member)
        views = dict(books.views.names([one.name for one in page.items]))
        guests = books.views.guests_of(member)
    own = [(guest, name) for guest in guests for name in guest.names] if not (text or page.offset) else []
    with desk().office.reading() as books:
        views |= books.views.names([found for _guest, found in own])
    return render_template(
        "names/index.html",
        page=page,
        released=released,
        offers=handing.offers(desk(), present().actor, now()),
        views=views,
        own=own,
        guests={guest.id: guest.name for guest in guests},
        q=text,
        **paged("names.index", page),
    )


def _released(books: Books, text: str, member: str) -> Sequence[Claim]:
    """What the member let go and only they can claim again."""
    return books.claims.search(text, member=member, states=[ClaimState.QUARANTINED]).items


@blueprint.route("/claim", methods=["GET", "POST"])
@for_members
def claim() -> str | AnyResponse | tuple[str, int]:
    """Claim a name."""
    if request.method == "GET":
        kind = "site" if _guests() else "address"
        port = _usual_port(request.args.get("guest"))
        return _claim_form({"kind": kind, "port": port, "name": "", **request.args.to_dict()})
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
    return _name(claims.show(desk(), present().actor, identity))


@blueprint.get("/names/<identity>/chain")
@for_members
def chain(identity: str) -> Response:
    """The chain of a name, which the page asks for again while it is open."""
    return chain_again(claims.show(desk(), present().actor, identity))


@blueprint.post("/names/<identity>/target")
@for_members
def retarget(identity: str) -> AnyResponse:
    """Lead a name to something else."""
    form = request.form.to_dict()
    claims.retarget(desk(), present().actor, identity, target(form, desk().rules), now())
    flash(_("The name leads there now; watch the chain."), "good")
    return redirect(url_for("names.name", identity=identity), 303)


@blueprint.post("/names/<identity>/options")
@for_members
def set_options(identity: str) -> AnyResponse | tuple[str, int]:
    """Say how a name's site is served."""
    form, found = request.form, claims.show(desk(), present().actor, identity)
    try:
        wanted = options.options(form, found.options, found.target)
        members_only = bool(form.get("members_only"))
        claims.set_options(desk(), present().actor, identity, wanted, now(), members_only=members_only)
    except Refused as refused:
        return _name(found, options_form=form.to_dict(), options_error=str(refused)), 400
    flash(_("The site is served so from now on; watch the chain."), "good")
    return redirect(url_for("names.name", identity=identity), 303)


@blueprint.post("/names/<identity>/records")
@for_members
def set_records(identity: str) -> AnyResponse | tuple[str, int]:
    """Put just these further records at a name and below it."""
    text, found = request.form.get("records", ""), claims.show(desk(), present().actor, identity)
    try:
        claims.set_records(desk(), present().actor, identity, records.records(text, found.name), now())
    except Refused as refused:
        return _name(found, records_text=text, records_error=str(refused)), 400
    flash(_("These are the records of the name now."), "good")
    return redirect(url_for("names.name", identity=identity), 303)


@blueprint.post("/names/<identity>/transfer")
@when_sure
def transfer(identity: str) -> AnyResponse:
    """Offer a name to another member; an admin who acts for the holder hands it on without asking."""
    heir, actor = request.form.get("to", "").strip().lower(), present().actor
    if actor.acting_as not in {None, actor.who}:
        found = handing.transfer(desk(), actor, identity, heir, now())
        flash(_("%(name)s is %(login)s's now.", name=shown_name(found.name), login=heir), "good")
        return redirect(url_for("names.index"), 303)
    made = handing.offer(desk(), actor, identity, heir, now())
    said = _(
        "%(name)s is offered to %(login)s; it stays yours until they accept.",
        name=shown_name(made.name),
        login=heir,
    )
    flash(said, "good")
    return redirect(url_for("names.name", identity=identity), 303)


@blueprint.post("/names/<identity>/withdraw")
@for_members
def withdraw(identity: str) -> AnyResponse:
    """Offer a name to nobody any more."""
    found = handing.withdraw(desk(), present().actor, identity, now())
    flash(_("%(name)s stays yours.", name=shown_name(found.name)), "good")
    return redirect(url_for("names.name", identity=identity), 303)


@blueprint.post("/names/<identity>/accept")
@for_members
def accept(identity: str) -> AnyResponse:
    """Take a name that is offered."""
    found = handing.accept(desk(), present().actor, identity, now())
    flash(_("%(name)s is yours now; say where it leads.", name=shown_name(found.name)), "good")
    return redirect(url_for("names.name", identity=identity), 303)


@blueprint.post("/names/<identity>/decline")
@for_members
def decline(identity: str) -> AnyResponse:
    """Say no to a name that is offered."""
    handing.decline(desk(), present().actor, identity, now())
    flash(_("You do not get the name; it stays with who offered it."), "good")
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


def _usual_port(guest: str | None) -> str:
    """Where the web server of a guest listens, by its options: of the one that the form begins with."""
    guests = _guests()
    chosen = next((one for one in guests if one.id == guest), guests[0] if guests else None)
    return str(chosen.port if chosen else 80)


def _name(
    found: Claim,
    *,
    options_form: Mapping[str, str] | None = None,
    options_error: str = "",
    records_text: str | None = None,
    records_error: str = "",
) -> str:
    """The page of one name; a form that was refused shows what was typed, and why."""
    rules = desk().rules
    with desk().office.reading() as books:
        rows = books.audit.rows(AuditFilter(subject=shown_plain(found), since=found.created), limit=_HISTORY)
        guests = books.views.guests_of(present().actor.member)
    site = options.fields(found.options) | {"members_only": "yes" if found.members_only else ""}
    return render_template(
        "names/name.html",
        offer=handing.offered_by(desk(), found, now()),
        direct=present().actor.acting_as is not None,
        target=fields(found.target),
        guests=guests,
        proof=proof_record(found.name, found.member, found.proof.nonce) if found.proof else None,
        lines=_address_lines(found),
        rows=rows,
        is_open=found.state in OPEN,
        in_our_zone=rules.zone_of(found.name) is not None,
        confirm_from=confirm_from(found, rules.times),
        quarantine_days=round(rules.times.quarantine / 86_400),
        now=now(),
        site=site if options_form is None else options_form,
        site_users=options.users(found.options),
        headers=list(Header),
        hsts_days=options.HSTS_DAYS,
        options_error=options_error,
        records=records.lines(found) if records_text is None else records_text,
        record_types=TYPES,
        records_error=records_error,
        **chain_of(found),
    )


def _address_lines(found: Claim) -> list[str]:
    """The records that a member's own domain needs, as its zone file has them."""
    return [
        f"{found.name} 300 IN {'A' if address.version == 4 else 'AAAA'} {address}"  # noqa: PLR2004 - of IP
        for address in settings().addresses
    ]


def chain_again(found: Claim) -> Response:
    """The parts of a name's page that change by themselves; the whole page, where the claim has got another state."""
    answer = make_response(render_template("names/alive.html", **chain_of(found)))
    if request.args.get("state", found.state) != found.state:
        answer.headers["HX-Refresh"] = "true"
    return answer


def chain_of(found: Claim) -> dict[str, object]:
    """What the chain's part of the page shows, and after which time (``pace``) it is asked for again."""
    with desk().office.reading() as books:
        view = books.views.name(found.name)
    links = view.body.get("links", []) if view else []
    settled = bool(links) and all(link["state"] in {"good", "none"} for link in links)
    fresh = now() - found.changed < _FRESH
    return {
        "claim": found,
        "view": view,
        "links": links,
        "applies": applying(found.target),
        "pace": _pace(settled=settled, fresh=fresh),
    }


def _pace(*, settled: bool, fresh: bool) -> str:
    """Quick only while a change may be on its way: a page left open on what waits for a person asks little."""
    if settled:
        return "1s" if fresh else "10s"
    return "250ms" if fresh else "2s"
