"""Acting for a member, for admins: everything that is done so is written down as such."""

from flask import redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Refused
from webui import sessions
from webui.pages.admin.common import blueprint, me
from webui.pages.admin.members import known
from webui.sessions import for_admins, when_sure
from webui.texts import _


@blueprint.post("/members/<login>/act-for")
@for_admins
@when_sure
def act_for(login: str) -> AnyResponse:
    """Begin to act for a member in this session."""
    if known(login).login == me().who:
        raise Refused(_("you act for yourself already"), cure=_("choose another member"))
    sessions.act_for(login)
    return redirect(url_for("names.index"), 303)


@blueprint.post("/act-for-no-more")
@for_admins
def act_for_no_more() -> AnyResponse:
    """Act for oneself again."""
    acted_for = sessions.present().actor.acting_as
    sessions.act_for(None)
    return redirect(url_for("admin.member", login=acted_for) if acted_for else url_for("admin.members"), 303)
