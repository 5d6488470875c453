"""Sign in through another service (OpenID Connect), show again there who one is, and link an account of it.

What a browser set out with waits in its signed cookie, and works once.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask import session as browser
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Refused, Unavailable
from skulldns.model.members import Identity
from webui import sessions
from webui.context import desk, now, settings
from webui.desk import identities
from webui.sessions import present, when_sure
from webui.settings import Service
from webui.signin.provider import Journey, Provider, journey
from webui.signin.welcome import turned_away, welcome
from webui.texts import _

_WAITING, _LINKING = "openid", "openid account"
_LASTS = 600.0
_SIGN_IN, _SURE, _LINK = "sign-in", "sure", "link"
_LATE = 60.0
"""Seconds by which the provider's clock may differ from ours."""
_LONGEST = 200

_log = logging.getLogger(__name__)

blueprint = Blueprint("openid", __name__)


@blueprint.app_context_processor
def _for_templates() -> dict[str, object]:
    service = settings().service
    return {"services": [service.name] if service else []}


@blueprint.get("/sign-in/openid")
def begin() -> AnyResponse:
    """Send the browser to the service."""
    why = request.args.get("why", _SIGN_IN)
    if why not in {_SIGN_IN, _SURE, _LINK}:
        abort(404)
    if why != _SIGN_IN and g.signed_in is None:
        return redirect(url_for("signin.index"))
    if why == _LINK and present().session.sure_until < now():
        return redirect(url_for("signin.sure", next=url_for("account.index")))
    new = journey()
    way = _provider().way(new, now(), anew=why == _SURE)
    goal = sessions.local_path(request.args.get("next"))
    browser[_WAITING] = {**asdict(new), "why": why, "next": goal, "at": now()}
    return redirect(way)


@blueprint.get("/sign-in/openid/back")
def back() -> str | AnyResponse:
    """The browser is back."""
    service, waiting = _service(), browser.pop(_WAITING, None)
    why = waiting["why"] if waiting else _SIGN_IN
    try:
        claims = _provider().who(request.args, _begun(waiting), now())
        match why:
            case "sure":
                return _sure(claims, waiting)
            case "link":
                return _ask(claims)
            case _:
                return _sign_in(service, claims, str(waiting["next"]))
    except Unavailable as error:
        _log.error("%s", error)
        flash(str(error), "bad")
    except Refused as refused:
        turned_away("", f"{service.name} ({why})")
        flash(str(refused), "bad")
    places = {_SURE: "signin.sure", _LINK: "account.index"}
    return redirect(url_for(places.get(why, "signin.index")))


@blueprint.post("/sign-in/openid/link")
@when_sure
def link() -> AnyResponse:
    """Link the account that just came back; the form shows that its owner wants that."""
    waiting = browser.pop(_LINKING, None)
    if waiting is None or waiting["member"] != present().member.login or now() - waiting["at"] > _LASTS:
        raise Refused(_("that sign-in is over"), cure=_("begin again"))
    identities.link(desk(), present().actor, Identity(waiting["issuer"], waiting["subject"]), now())
    flash(_("You can sign in with %(service)s from now on.", service=_service().name), "good")
    return redirect(url_for("account.index"))


@blueprint.post("/sign-in/openid/unlink")
@when_sure
def unlink() -> AnyResponse:
    """Sign in with that account no more."""
    identities.unlink(desk(), present().actor, now())
    flash(_("You sign in with %(service)s no more.", service=_service().name), "good")
    return redirect(url_for("account.index"))


def _sign_in(service: Service, claims: Mapping[str, Any], goal: str) -> AnyResponse:
    member = identities.arrive(
        desk(), _account(service, claims), now(), sessions.client_address(), create=service.create
    )
    fresh = _shown_at(claims) >= now() - sessions.SURE_FOR
    return welcome(member.login, service.name, goal, sure=fresh)


def _sure(claims: Mapping[str, Any], waiting: Mapping[str, Any]) -> AnyResponse:
    """The member showed again who they are, if it was them, and after they were asked to."""
    with desk().office.reading() as books:
        login = books.signins.member_of(_identity(claims))
    if g.signed_in is None or login != present().member.login:
        raise Refused(_("that account is not linked with yours"), cure=_("use another way"))
    if _shown_at(claims) < float(waiting["at"]) - _LATE:
        raise Refused(
            _("%(service)s did not ask you who you are", service=_service().name), cure=_("use another way")
        )
    sessions.make_sure(present())
    return redirect(sessions.local_path(str(waiting["next"])))


def _ask(claims: Mapping[str, Any]) -> str | AnyResponse:
    """Ask whether this account shall be linked: a link from elsewhere could have led here."""
    if g.signed_in is None:
        return redirect(url_for("signin.index"))
    browser[_LINKING] = {
        "issuer": claims["iss"],
        "subject": claims["sub"],
        "member": present().member.login,
        "at": now(),
    }
    title = _text(claims, "preferred_username") or _text(claims, "email") or str(claims["sub"])[:_LONGEST]
    return render_template("signin/link.html", service=_service().name, account=title)


def _account(service: Service, claims: Mapping[str, Any]) -> identities.Account:
    groups = claims.get(service.groups_claim) if service.groups_claim else None
    known = {str(one) for one in groups} if isinstance(groups, list) else set()
    return identities.Account(
        _identity(claims),
        _text(claims, "preferred_username"),
        _text(claims, "name"),
        _text(claims, "email") if claims.get("email_verified") is True else "",
        not known.isdisjoint(service.admin_groups) if service.admin_groups else None,
    )


def _identity(claims: Mapping[str, Any]) -> Identity:
    return Identity(str(claims["iss"]), str(claims["sub"]))


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    return found if isinstance(found, str) and found.isprintable() and len(found) <= _LONGEST else ""


def _shown_at(claims: Mapping[str, Any]) -> float:
    """When the owner of the account showed who they are, as far as the service says it."""
    found = claims.get("auth_time")
    return float(found) if isinstance(found, int | float) else 0.0


def _begun(waiting: Mapping[str, Any] | None) -> Journey:
    """The journey that this browser is on. Raises ``Refused`` for one that is old, or at its end a second time."""
    if waiting is not None and 0 <= now() - float(waiting["at"]) <= _LASTS:
        spent = hashlib.sha256(f"openid {waiting['state']}".encode()).hexdigest()
        with desk().office.writing() as books:
            if books.signins.spend(spent, float(waiting["at"]) + _LASTS, now()):
                return Journey(waiting["state"], waiting["nonce"], waiting["verifier"])
    raise Refused(_("that sign-in is over"), cure=_("begin again"))


def _service() -> Service:
    service = settings().service
    if service is None:
        abort(404)
    return service


def _provider() -> Provider:
    """The application's only one, since it remembers what the provider says of itself."""
    key = "skulldns openid"
    if key not in current_app.extensions:
        current_app.extensions[key] = Provider(_service(), settings().origin + url_for("openid.back"))
    return cast("Provider", current_app.extensions[key])
