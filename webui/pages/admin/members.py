"""Members and invitations, for admins."""

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Refused
from skulldns.model.members import Member
from skulldns.store.audit import AuditFilter
from webui.context import desk, now, settings
from webui.desk import members as acts
from webui.pages.admin.common import blueprint, me
from webui.pages.lists import SIZE, offset, paged
from webui.sessions import for_admins, when_sure
from webui.texts import _

_HISTORY = 20
_SOME = 20


@blueprint.get("")
@for_admins
def members() -> str:
    """All members, page by page."""
    text = request.args.get("q", "").strip()
    with desk().office.reading() as books:
        page = books.members.members(text, offset=offset(), limit=SIZE)
    return render_template(
        "admin/members.html", page=page, q=text, usual=desk().rules.quota, **paged("admin.members", page)
    )


@blueprint.get("/members/<login>")
@for_admins
def member(login: str) -> str:
    """One member, with names, guests and history."""
    with desk().office.reading() as books:
        found = books.members.member(login)
        if found is None:
            abort(404)
        names = books.claims.search(member=login, limit=_SOME)
        return render_template(
            "admin/member.html",
            found=found,
            usual=desk().rules.quota,
            count=books.claims.count(login),
            names=names,
            views=books.views.names([one.name for one in names.items]),
            guests=books.views.guests_of(login),
            sessions=len(books.sessions.sessions(login, now())),
            passkeys=len(books.signins.passkeys(login)),
            has_password=books.signins.password(login) is not None,
            rows=books.audit.rows(AuditFilter(subject=login), limit=_HISTORY),
        )


@blueprint.post("/members/<login>/edit")
@for_admins
def edit_member(login: str) -> AnyResponse:
    """Change a member's name and mail address."""
    form = request.form
    acts.edit(
        desk(), me(), login, now(), name=form.get("name", "").strip(), email=form.get("email", "").strip()
    )
    return _done(login, _("It is changed."))


@blueprint.post("/members/<login>/quota")
@for_admins
def set_quota(login: str) -> AnyResponse:
    """Say how many names a member may hold; empty: as many as policy says."""
    text = request.form.get("quota", "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) <= len("10000")):
        raise Refused(
            _("the quota is a number"), cure=_("write how many names, or nothing for as many as usual")
        )
    acts.set_quota(desk(), me(), login, int(text) if text else None, now())
    return _done(login, _("It is changed."))


@blueprint.post("/members/<login>/suspend")
@for_admins
@when_sure
def suspend_member(login: str) -> AnyResponse:
    """Sign a member out and suspend their names."""
    if login == me().who:
        raise Refused(_("you would suspend yourself"), cure=_("let another admin do it"))
    acts.suspend_member(desk(), me(), login, _reason(), now())
    return _done(login, _("%(login)s is suspended, with all names.", login=login))


@blueprint.post("/members/<login>/resume")
@for_admins
@when_sure
def resume_member(login: str) -> AnyResponse:
    """Let a suspended member in again."""
    acts.resume_member(desk(), me(), login, now())
    return _done(login, _("%(login)s is in again, with the names.", login=login))


@blueprint.post("/members/<login>/admin")
@for_admins
@when_sure
def set_admin(login: str) -> AnyResponse:
    """Make a member an admin, or one no more."""
    wanted = request.form.get("wanted") == "yes"
    acts.set_admin(desk(), me(), login, now(), admin=wanted)
    if login == me().who and not wanted:
        return redirect(url_for("names.index"), 303)
    return _done(login, _("It is changed."))


@blueprint.get("/invitations")
@for_admins
def invitations() -> str:
    """Invitations that nobody has accepted, and the form for another."""
    return _invitations(login=request.args.get("login", ""))


@blueprint.post("/invitations")
@for_admins
@when_sure
def invite() -> str | tuple[str, int]:
    """Invite somebody; the link is shown this once."""
    form = request.form
    login, email, admin = (
        form.get("login", "").strip().lower(),
        form.get("email", "").strip(),
        bool(form.get("admin")),
    )
    try:
        found, secret = acts.invite(desk(), me(), login, now(), admin=admin, email=email)
    except Refused as refused:
        return _invitations(login=login, email=email, admin=admin, error=str(refused)), 400
    link = settings().origin + url_for("signin.invited", _anchor=secret)
    return _invitations(link=link, made=found.login)


@blueprint.post("/invitations/withdraw")
@for_admins
def withdraw_invitation() -> AnyResponse:
    """Take an invitation back."""
    acts.withdraw_invitation(desk(), me(), request.form.get("id", ""), now())
    flash(_("The invitation is withdrawn."), "good")
    return redirect(url_for("admin.invitations"), 303)


def known(login: str) -> Member:
    """The member of an address; without one there is no page."""
    with desk().office.reading() as books:
        found = books.members.member(login)
    if found is None:
        abort(404)
    return found


def _invitations(
    *, login: str = "", email: str = "", admin: bool = False, error: str = "", link: str = "", made: str = ""
) -> str:
    with desk().office.reading() as books:
        every = books.members.invitations()
    return render_template(
        "admin/invitations.html",
        invitations=every,
        now=now(),
        login=login,
        email=email,
        admin=admin,
        error=error,
        link=link,
        made=made,
    )


def _reason() -> str:
    return request.form.get("reason", "").strip()[:500]


def _done(login: str, text: str) -> AnyResponse:
    flash(text, "good")
    return redirect(url_for("admin.member", login=login), 303)
