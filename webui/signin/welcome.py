"""What all ways to sign in end with: a session, a line in the log, and the page where the member wanted to be."""

import logging
from collections.abc import Callable

from flask import redirect
from werkzeug.wrappers import Response as AnyResponse

from skulldns.store.office import Books
from webui import sessions
from webui.signin import slowing

_log = logging.getLogger(__name__)


def welcome(
    login: str,
    how: str,
    goal: str | None,
    still: Callable[[Books], bool] = lambda _: True,
    *,
    sure: bool = True,
) -> AnyResponse:
    """Begin a session for ``login``, who came by ``how``, and go to ``goal`` if that is a page of ours.

    ``still`` and ``sure`` are as ``sessions.begin`` has them. Raises ``Refused``.
    """
    sessions.begin(login, still, sure=sure)
    slowing.succeeded(login)
    _log.info("%s signed in by %s from %s", login, how, sessions.client_address())
    return redirect(sessions.local_path(goal))


def turned_away(login: str, how: str) -> None:
    """Write down that somebody tried in vain; ``login`` may be anything."""
    _log.warning("somebody tried to sign in as %r by %s from %s", login[:64], how, sessions.client_address())
