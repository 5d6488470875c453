"""The page as a WSGI application: the only place that puts its parts together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, flash, g, redirect, render_template, request, url_for
from flask.globals import request_ctx
from flask_babel import Babel
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from skulldns.errors import Conflict, Refused, Unavailable
from webui import history, sessions, wording, words
from webui.api import problems
from webui.api import routes as api
from webui.api.document import PREFIX
from webui.context import KEY, settings
from webui.desk import Desk
from webui.machines import acmedns, dyndns, entry, httpreq
from webui.pages import account, admin, guests, help, names, tokens  # noqa: A004 - a page is called so
from webui.security import protect
from webui.settings import WebSettings
from webui.signin import openid
from webui.signin import pages as signin
from webui.texts import OWN, SOURCE, _, install_texts, language, languages

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

_LARGEST_BODY = 64 * 1024
_MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class World:
    """What the page stands on: where things are done, how it is reached, and what time it is (Unix time).

    ``trouble`` says why the page goes by an older config than there is; None when it does not.
    """

    desk: Desk
    settings: WebSettings
    clock: Callable[[], float]
    trouble: Callable[[], str | None] = lambda: None


def create_app(world: World) -> Flask:
    """The application over ``world``; nothing in it reads a clock, a file of the config or the environment."""
    app = Flask(__name__)
    app.secret_key = world.settings.secret
    app.config.update(
        MAX_CONTENT_LENGTH=_LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=_LARGEST_BODY,
        MAX_FORM_PARTS=_MOST_FIELDS,
        SESSION_COOKIE_NAME=world.settings.cookie("note"),
        SESSION_COOKIE_SECURE=world.settings.secure,
        SESSION_COOKIE_SAMESITE="Lax",
        PREFERRED_URL_SCHEME="https" if world.settings.secure else "http",
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[KEY] = world
    _speak(app, (OWN, *world.settings.translations))
    _believe_proxies(app, world.settings)

    @app.before_request
    def who() -> None:
        g.signed_in = sessions.load() if request.endpoint != "static" else None

    protect(app, world.settings)
    app.after_request(sessions.send_cookie)
    for texts in (history, wording, words):
        texts.register_filters(app)
    for page in (signin, account, names, guests, tokens, admin, help, entry, api, dyndns, httpreq, acmedns):
        app.register_blueprint(page.blueprint)
    if world.settings.service is not None:
        app.register_blueprint(openid.blueprint)
    app.context_processor(_for_templates)
    _answer_errors(app)
    return app


def _speak(app: Flask, directories: Sequence[Path]) -> None:
    """Answer in the reader's language, if there is a catalogue for it."""
    spoken = languages(directories)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(map(str, directories))
    Babel(app, locale_selector=lambda: request.accept_languages.best_match(spoken) or SOURCE)
    install_texts(app)


def _for_templates() -> dict[str, object]:
    signed_in = g.get("signed_in")
    navigation = [
        ("names.index", _("My names")),
        ("guests.index", _("My guests")),
        ("tokens.index", _("Tokens")),
    ]
    if signed_in and signed_in.member.admin:
        navigation.append(("admin.members", _("Admin")))
    return {
        "locale": language(),
        "member": signed_in.member if signed_in else None,
        "actor": signed_in.actor if signed_in else None,
        "navigation": navigation,
        "installation": current_app.extensions[KEY].settings.installation,
    }


def _believe_proxies(app: Flask, settings: WebSettings) -> None:
    """Take the client's address from ``X-Forwarded-For`` only where a proxy of the config sends it."""
    plain = app.wsgi_app
    behind = ProxyFix(plain, x_for=1, x_proto=0, x_host=0, x_port=0, x_prefix=0)

    def choose(environ: dict[str, Any], start: "StartResponse") -> Iterable[bytes]:
        return (behind if _is_proxy(str(environ.get("REMOTE_ADDR", "")), settings) else plain)(environ, start)

    app.wsgi_app = choose  # type: ignore[method-assign, assignment]  # Flask's documented way to wrap it


def _is_proxy(address: str, settings: WebSettings) -> bool:
    try:
        client = ip_address(address)
    except ValueError:
        return False
    return any(client.version == one.version and client in one for one in settings.proxies)


def _answer_errors(app: Flask) -> None:
    """Every error is a page: what happened, and what to do."""

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> tuple[str, int] | Response:
        if request.path.startswith(PREFIX):
            return problems.of_http(error)
        titles = {
            403: _("That is not allowed"),
            404: _("There is nothing here"),
            413: _("That is too much"),
            414: _("The address is too long"),
            421: _("Another server is meant"),
            429: _("Too many tries"),
        }
        title = titles.get(error.code or 500, error.name)
        own = error.description if error.code in {403, 421, 429} else None
        if request_ctx.url_adapter is None:  # of a host that nobody can have, whose pages have no addresses
            return Response(f"{title}\n", error.code or 500, mimetype="text/plain")
        page = render_template("error.html", title=title, text=own)
        return page, error.code or 500

    @app.errorhandler(Refused)
    @app.errorhandler(Conflict)
    def refused(error: Refused | Conflict) -> AnyResponse | tuple[str, int]:
        if request.method in {"GET", "HEAD"}:  # going back would only ask for the same again
            return render_template("error.html", title=_("There is nothing here"), text=str(error)), 404
        flash(str(error), "bad")
        return redirect(_back(), 303)

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> tuple[str, int]:
        return render_template("error.html", title=_("This does not work just now"), text=str(error)), 503


def _back() -> str:
    """Where a refused form came from: a page of ours, or the first one."""
    referrer, here = request.referrer or "", f"{settings().origin}/"
    return referrer if referrer.startswith(here) else url_for("names.index")
