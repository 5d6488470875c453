"""All guests, and whose they are, for admins."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webui.context import desk, now
from webui.desk import admin
from webui.pages.admin.common import blueprint, me
from webui.pages.lists import SIZE, offset, paged
from webui.sessions import for_admins
from webui.texts import _


@blueprint.get("/guests")
@for_admins
def guests() -> str:
    """All guests, by name or owner."""
    text = request.args.get("q", "").strip()
    with desk().office.reading() as books:
        page = books.views.guests(text, offset=offset(), limit=SIZE)
    return render_template("admin/guests.html", page=page, q=text, **paged("admin.guests", page))


@blueprint.post("/guests/owner")
@for_admins
def assign_owner() -> AnyResponse:
    """Say whose a guest is."""
    login = request.form.get("owner", "").strip().lower() or None
    admin.assign_owner(desk(), me(), request.form.get("guest", ""), login, now())
    flash(_("It is written down; the list shows it in a moment."), "good")
    return redirect(url_for("admin.guests", q=request.form.get("q", "")), 303)
