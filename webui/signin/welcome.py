"""What all ways to sign in end with: a session, a line in the log, and the page where the member wanted to be."""

import logging

from flask import redirect
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Refused
from skulldns.model.members import MemberState
from webui import sessions
from webui.context import desk
from webui.signin import slowing
from webui.texts import _

_log = logging.getLogger(__name__)


def welcome(login: str, how: str, goal: str | None, *, sure: bool = True) -> AnyResponse:
    """Begin a session for ``login``, who came by ``how``, and go to ``goal`` if that is a page of ours.

    ``sure``: they have just shown who they are, here or elsewhere. Raises ``Refused``.
    """
    with desk().office.reading() as books:
        member = books.members.member(login)
    if member is None or member.state is not MemberState.ACTIVE:
        raise Refused(_("you may not sign in just now"), cure=_("ask an admin"))
    slowing.succeeded(login)
    sessions.begin(login, sure=sure)
    _log.info("%s signed in by %s from %s", login, how, sessions.client_address())
    return redirect(sessions.local_path(goal))


def turned_away(login: str, how: str) -> None:
    """Write down that somebody tried in vain; ``login`` may be anything."""
    _log.warning("somebody tried to sign in as %r by %s from %s", login[:64], how, sessions.client_address())
