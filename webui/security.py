"""What every answer of the page carries and every request must have: headers, tokens of forms, its own host.

Sources: OWASP ASVS 5.0 chapter V3 (web frontend security); Fetch Metadata Request Headers (W3C).
"""

import hmac
import logging
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from flask import Flask, Response, abort, current_app, g, request
from markupsafe import Markup

from webui.settings import WebSettings
from webui.texts import _

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_BROWSER = "browser"
_FIELD = "form_token"
MANY = frozenset({"drop", "names", "scope"})
"""Fields that a form may have more than once. Of others nobody could say which is meant."""

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_A_YEAR = 365 * 86_400
_LONGEST_TARGET = 6_000
"""Bytes of path and query: room for the 20 names of a router, and less than the web server takes."""
_TELLING = frozenset({403, 413, 414, 421, 429})
"""Answers to what no page of ours sends: each is a line in the log, without anything that the client wrote."""

_log = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., object])


def protect(app: Flask, settings: WebSettings) -> None:
    """Have ``app`` answer for its own host only, refuse forged forms, and send the headers."""

    @app.before_request
    def check() -> None:
        g.browser = request.cookies.get(settings.cookie(_BROWSER)) or ""
        if len(request.environ.get("RAW_URI", "")) > _LONGEST_TARGET:
            abort(414)
        if not _is_for_us(settings):
            abort(421)
        unsafe = request.method not in _SAFE_METHODS and request.endpoint is not None
        if unsafe and not _is("for_machines"):
            _check_origin(settings)
            _check_form()

    @app.after_request
    def send(response: Response) -> Response:
        if response.status_code in _TELLING:
            _log.warning("%s: %s %s", request.remote_addr, response.status, request.endpoint)
        for header, value in _headers(response, settings).items():
            response.headers.setdefault(header, value)
        if g.get("new_browser"):
            response.set_cookie(
                settings.cookie(_BROWSER), g.browser, secure=settings.secure, httponly=True, samesite="Lax"
            )
        return response

    app.jinja_env.globals["csrf"] = form_token


def _headers(response: Response, settings: WebSettings) -> dict[str, str]:
    """What this answer carries, where its view has not said otherwise."""
    found = dict(_HEADERS)
    if settings.secure and request.host.lower() == settings.host:
        found["Strict-Transport-Security"] = f"max-age={_A_YEAR}; includeSubDomains"
    if request.endpoint != "static":
        found["Cache-Control"] = "no-store"
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS and (wait := g.get("retry_after")):
        found["Retry-After"] = str(wait)
    return found


def form_token() -> Markup:
    """The hidden field of a form that changes something: it shows that the form came from a page of ours.

    It is made from a cookie that only this host can set and no script can read.
    """
    if not g.browser:
        renew_browser()
    return Markup('<input type="hidden" name="{}" value="{}">').format(_FIELD, _token())


def renew_browser() -> None:
    """Give the browser a new secret: at its first form, and whenever somebody signs in or out."""
    g.browser = secrets.token_urlsafe(32)
    g.new_browser = True


def for_machines(view: View) -> View:
    """Mark a view for programs with a token of their own: no cookie speaks for them, so nothing can be forged."""
    view.for_machines = True  # type: ignore[attr-defined]  # read by `_is` alone
    return view


def for_other_hosts(view: View) -> View:
    """Mark a view that nginx asks for under the host names of sites, and that answers for them."""
    view.for_other_hosts = True  # type: ignore[attr-defined]  # read by `_is` alone
    return view


def _is_for_us(settings: WebSettings) -> bool:
    """Whether the page, or this view of it, answers for the host; routers' clients leave the port out."""
    host = request.host.lower()
    if host == settings.host or _is("for_other_hosts"):
        return True
    return host == settings.domain and _is("for_machines")


def _is(mark: str) -> bool:
    """Whether the view that is asked for has the mark."""
    return bool(getattr(current_app.view_functions.get(request.endpoint or ""), mark, False))


def _check_origin(settings: WebSettings) -> None:
    """Refuse what a browser says to come from elsewhere; browsers that say nothing are judged by the token."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    if (origin is not None and origin != settings.origin) or site not in {None, "same-origin", "none"}:
        abort(403, _("The form came from another site."))


def _check_form() -> None:
    """Refuse a form that no page of ours sent to this browser, and one that means two things at once."""
    sent = request.form.get(_FIELD, "").encode()
    if not hmac.compare_digest(sent, _token().encode()) or not g.browser:
        abort(403, _("The form was too old. Open the page again and send it once more."))
    if any(len(values) > 1 and field not in MANY for field, values in request.form.lists()):
        abort(400)


def _token() -> str:
    return hmac.digest(g.browser.encode(), b"form", "sha256").hex()
