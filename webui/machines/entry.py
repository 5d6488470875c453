"""Sites for members only: nginx asks about each request (auth_request), and members are handed over from the page.

The page's cookie belongs to the page's host, so a site has one of its own. On the way there the member meets, in this
order, 1. ``/enter`` on the page, named by nginx; it looks whether the site is one for members only; 2. ``HANDOVER`` on
the site, which nginx passes on to here; it puts a secret into the browser; 3. ``/enter`` again, where the member signs
in if need be; 4. ``HANDOVER`` again, with a ticket that is good for this site and this browser, for a minute and once.
Nobody can be led elsewhere, nor be signed in as somebody else, by a link.

Source: nginx's ngx_http_auth_request_module; the ``state`` of RFC 6749 section 10.12.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from skulldns.desired.policy.hostnames import any_hostname
from skulldns.errors import Refused
from skulldns.model.claims import ClaimState
from skulldns.model.members import MemberState
from skulldns.model.tokens import Scope
from webui.context import desk, now, settings
from webui.machines.callers import bearer, caller
from webui.security import for_other_hosts
from webui.sessions import IDLE, for_members, present
from webui.texts import _

HANDOVER = "/.skulldns/enter"
"""The path of a site that nginx passes on to the page."""

LASTS = 12 * 3600.0
"""Seconds that a member is let into a site before the page is asked again; less if the session there ends."""

_TICKET_LASTS = 60.0
_BEGUN_LASTS = 3600
_ENTRY, _BEGUN = "skulldns-entry", "skulldns-begun"
_LONGEST_PATH = 2000

blueprint = Blueprint("entry", __name__)


@blueprint.get("/auth")
@for_other_hosts
def auth() -> Response:
    """What nginx asks: 200 with the member's login, or 401. ``Host`` is the site's."""
    login = _by_cookie() or _by_token()
    if login is None:
        return Response(status=401)
    return Response(status=200, headers={"Remote-User": login})


@blueprint.get("/enter")
def enter() -> Response | AnyResponse:
    """On the page: lead a visitor whom a site did not let in back there, as the member that they are."""
    if "state" in request.args:
        return _send_back()
    # nginx writes the address as it is, so that all of what follows belongs to it.
    host, path = _wanted(request.query_string.decode("latin-1").partition("rd=")[2])
    return redirect(f"https://{host}{HANDOVER}?{urlencode({'path': path})}")


@blueprint.get(HANDOVER)
@for_other_hosts
def hand_over() -> AnyResponse:
    """On the site: begin, or let the member in whose ticket came."""
    host = request.host.lower()
    if host == settings().host:
        abort(404)
    if "ticket" not in request.args:
        return _begin(host)
    ticket = _read("ticket", request.args["ticket"], _TICKET_LASTS)
    begun = request.cookies.get(settings().cookie(_BEGUN), "")
    fits = ticket.get("host") == host and hmac.compare_digest(
        str(ticket.get("state")).encode(), _state(begun).encode()
    )
    if not begun or not fits or not _works_once(ticket):
        abort(403, _("This way in was used before, or is too old. Open the site's address again."))
    answer = redirect(str(ticket["path"]), 302)
    entry = _signer("entry").dumps({"session": ticket["session"], "host": host, "at": now()})
    _set_cookie(answer, _ENTRY, entry, int(LASTS))
    _set_cookie(answer, _BEGUN, "", 0)
    return answer


def _works_once(ticket: Mapping[str, Any]) -> bool:
    """Whether a ticket comes for the first time; the store knows, for all processes of the page."""
    spent = hashlib.sha256(f"ticket {ticket['id']}".encode()).hexdigest()
    with desk().office.writing() as books:
        return books.signins.spend(spent, float(ticket["at"]) + _TICKET_LASTS, now())


def _begin(host: str) -> AnyResponse:
    """Put a secret into the browser, and go to sign in."""
    secret = secrets.token_urlsafe(32)
    query = {"host": host, "path": _local(request.args.get("path", "/")), "state": _state(secret)}
    answer = redirect(f"{settings().origin}/enter?{urlencode(query)}", 302)
    _set_cookie(answer, _BEGUN, secret, _BEGUN_LASTS)
    return answer


@for_members
def _send_back() -> Response:
    """A ticket for the site. As a page that goes on by itself: no form of ours may end elsewhere (form-action)."""
    host, path = _wanted(f"https://{request.args.get('host', '')}{_local(request.args.get('path', '/'))}")
    ticket = {
        "id": secrets.token_hex(16),
        "session": present().session.id,
        "host": host,
        "path": path,
        "state": request.args["state"],
        "at": now(),
    }
    goal = f"https://{host}{HANDOVER}?{urlencode({'ticket': _signer('ticket').dumps(ticket)})}"
    answer = make_response(render_template("enter.html", goal=goal, host=host))
    answer.headers["Refresh"] = f"0; url={goal}"
    return answer


def _by_cookie() -> str | None:
    """The member whom this site let in before, if their session at the page still lasts."""
    text = request.cookies.get(settings().cookie(_ENTRY), "")
    if not text:
        return None
    entry = _read("entry", text, LASTS)
    if entry.get("host") != request.host.lower():
        return None
    moment = now()
    with desk().office.reading() as books:
        session = books.sessions.session(entry["session"], moment)
        member = books.members.member(session.member) if session else None
    if session is None or member is None or member.state is not MemberState.ACTIVE:
        return None
    return member.login if moment - session.last_seen <= IDLE else None


def _by_token() -> str | None:
    """The member whose token this is, at a site of their own."""
    text = bearer()
    if not text:
        return None
    try:
        name = any_hostname(_hostname(request.host))
        return caller(text, Scope.AUTH, name).token.member
    except Refused:
        return None


def _wanted(url: str) -> tuple[str, str]:
    """Host and path of a site for members only, which is on HTTPS; everything else is answered with 404."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        name = any_hostname(host)
    except (ValueError, Refused):
        abort(404)
    with desk().office.reading() as books:
        claim = books.claims.holder(name)
    open_to_members = claim is not None and claim.state is ClaimState.ACTIVE and claim.members_only
    if not open_to_members or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        abort(404)
    if parts.scheme == "http":
        port = None  # the site's own port for HTTPS is not known from there
    plain = name.to_text(omit_final_dot=True)
    path = _local(parts.path + (f"?{parts.query}" if parts.query else ""))
    return (plain if port is None else f"{plain}:{port}"), path


def _local(path: str) -> str:
    """A path of the site itself; its first page for everything else."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and len(path) <= _LONGEST_PATH
    good = plain and path.isascii() and path.isprintable() and "\\" not in path and " " not in path
    return path if good and not path.startswith(HANDOVER) else "/"


def _hostname(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def _read(salt: str, text: str, lasts: float) -> Mapping[str, Any]:
    """What was signed for ``salt`` not longer than ``lasts`` seconds ago; nothing if it was not."""
    try:
        found: dict[str, Any] = _signer(salt).loads(text)
    except BadSignature:
        return {}
    return found if now() - float(found["at"]) <= lasts else {}


def _signer(salt: str) -> URLSafeSerializer:
    assert current_app.secret_key
    return URLSafeSerializer(current_app.secret_key, salt=f"members only: {salt}")


def _state(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _set_cookie(answer: AnyResponse, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        settings().cookie(name),
        value,
        max_age=seconds,
        secure=settings().secure,
        httponly=True,
        samesite="Lax",
    )
