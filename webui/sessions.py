"""Who is at the page: sessions of browsers, kept in the store and known by a cookie.

The cookie has 256 random bits; the store keeps only their SHA-256, so that a stolen database signs nobody in. A
new secret is drawn at every sign-in (OWASP ASVS 5.0, V7.2.4), and "sure" means that the member has just shown who
they are.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Response, current_app, g, redirect, request, url_for
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Refused
from skulldns.model.members import Actor, Member, MemberState, Session
from skulldns.store.office import Books
from webui.context import desk, now, settings
from webui.desk.base import write_down
from webui.security import renew_browser
from webui.texts import _

LASTS = 14 * 86_400.0
"""Seconds that a session lasts at most."""
IDLE = 3 * 86_400.0
"""Seconds after which a session ends by itself when nothing was asked in it."""
SURE_FOR = 600.0
"""Seconds after a sign-in in which dangerous acts need no other."""
_SEEN_EVERY = 60.0
_COOKIE = "session"
_SHOWN_AGENT = 200

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The member at the page, in which session, and as whom."""

    member: Member
    session: Session
    actor: Actor


def load() -> SignedIn | None:
    """Who sends this request; None if nobody is signed in, or the session is over."""
    secret = request.cookies.get(settings().cookie(_COOKIE))
    if not secret:
        return None
    moment = now()
    with desk().office.reading() as books:
        session = books.sessions.session(session_id(secret), moment)
        member = books.members.member(session.member) if session else None
    if session is None or member is None or member.state is not MemberState.ACTIVE:
        return None
    if moment - session.last_seen > IDLE:
        return None
    if moment - session.last_seen > _SEEN_EVERY:
        with desk().office.writing() as books:
            books.sessions.touch(session.id, moment, client_address())
    acting_as = session.acting_as if member.admin else None
    return SignedIn(member, session, Actor(member.login, client_address(), member.admin, acting_as))


def begin(login: str, still: Callable[[Books], bool], *, sure: bool = True) -> None:
    """Sign ``login`` in with a new session, in place of the one there may be; the answer carries the cookie.

    ``still`` says whether what they have just shown is good at this moment: to look at it takes a while. ``sure``: the
    member has just shown who they are. Raises ``Refused``.
    """
    moment, secret = now(), secrets.token_urlsafe(32)
    session = Session(
        id=session_id(secret),
        member=login,
        created=moment,
        last_seen=moment,
        expires=moment + LASTS,
        address=client_address(),
        agent=(request.user_agent.string or "")[:_SHOWN_AGENT],
        sure_until=moment + SURE_FOR if sure else 0.0,
    )
    with desk().office.writing() as books:
        member = books.members.member(login)
        if member is None or member.state is not MemberState.ACTIVE or not still(books):
            raise Refused(_("you may not sign in just now"), cure=_("try again, or ask an admin"))
        if g.signed_in is not None:
            books.sessions.end(g.signed_in.session.id)
        books.sessions.sweep(moment)
        books.sessions.put(session)
        books.members.seen(login, moment)
    g.new_session = secret
    renew_browser()


def end() -> None:
    """Sign out: the session is over in the store, not only in the browser."""
    if g.signed_in is not None:
        with desk().office.writing() as books:
            books.sessions.end(g.signed_in.session.id)
    g.new_session = ""
    renew_browser()


def make_sure(signed_in: SignedIn) -> None:
    """The member has shown again who they are: the session goes on, under a new secret (OWASP ASVS 5.0, V7.2.4)."""
    secret = secrets.token_urlsafe(32)
    with desk().office.writing() as books:
        if not books.sessions.end(signed_in.session.id):
            raise _ended()
        books.sessions.put(replace(signed_in.session, id=session_id(secret), sure_until=now() + SURE_FOR))
    g.new_session = secret


def act_for(login: str | None) -> None:
    """Let the admin at the page act for a member from now on, or for themselves again; that is written down."""
    here = present()
    former = here.session.acting_as
    if former == login:
        return
    with desk().office.writing() as books:
        if books.sessions.session(here.session.id, now()) is None:
            raise _ended()
        books.sessions.put(replace(here.session, acting_as=login))
        what = "act for" if login else "act for no more"
        write_down(books, replace(here.actor, acting_as=None), what, login or former or "", now())


def send_cookie(response: Response) -> Response:
    """Put a session that began or ended into the answer."""
    secret: str | None = g.get("new_session")
    name = settings().cookie(_COOKIE)
    if secret:
        response.set_cookie(
            name, secret, max_age=int(LASTS), secure=settings().secure, httponly=True, samesite="Lax"
        )
    elif secret == "":
        response.delete_cookie(name, secure=settings().secure, httponly=True, samesite="Lax")
    return response


def present() -> SignedIn:
    """The member at the page, where a view is for members only."""
    signed_in: SignedIn = g.signed_in
    return signed_in


def for_members(view: Callable[P, R]) -> Callable[P, R | AnyResponse]:
    """A view for members: others are sent to sign in, and back afterwards."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | AnyResponse:
        if g.signed_in is None:
            return redirect(url_for("signin.index", next=_here()))
        return view(*args, **kwargs)

    return guarded


def for_admins(view: Callable[P, R]) -> Callable[P, R | AnyResponse]:
    """A view for admins; to others it does not exist."""

    @wraps(view)
    @for_members
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | AnyResponse:
        if not present().member.admin:
            current_app.aborter(404)
        return view(*args, **kwargs)

    return guarded


def when_sure(view: Callable[P, R]) -> Callable[P, R | AnyResponse]:
    """A dangerous act: whoever signed in some time ago shows again who they are, and then sends it once more."""

    @wraps(view)
    @for_members
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | AnyResponse:
        if request.method == "POST" and present().session.sure_until < now():
            return redirect(url_for("signin.sure", next=request.referrer and _path(request.referrer)))
        return view(*args, **kwargs)

    return guarded


def client_address() -> str:
    """Where the request comes from; what proxies say counts only for those of the config (``create_app``)."""
    return request.remote_addr or ""


def session_id(secret: str) -> str:
    """What the store knows a session by."""
    return hashlib.sha256(secret.encode()).hexdigest()


def local_path(text: str | None) -> str:
    """A path of this page that can be opened, to go on to; its first page for everything else.

    Thus nobody is led elsewhere, or to what only a form may ask for.
    """
    path = text or ""
    plain = (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and path.isprintable()
        and "\\" not in path
    )
    return path if plain and _can_be_opened(path) else url_for("names.index")


def _ended() -> Refused:
    return Refused(_("your session has ended meanwhile"), cure=_("sign in again"))


def _can_be_opened(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(urlsplit(path).path, method="GET")
    except RequestRedirect:
        return True
    except (MethodNotAllowed, NotFound):
        return False
    return True


def _here() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else ""


def _path(url: str) -> str:
    return url.removeprefix(settings().origin)
