"""The guide for members, which is docs/members.md, and what it links to."""

from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

blueprint = Blueprint("help", __name__)


@blueprint.get("/help")
def index() -> str:
    """The guide."""
    return render_template("help.html", guide=_guide())


@blueprint.get("/hooks/certbot-hook")
def certbot_hook() -> Response:
    """The program for certbot; the guide's link to it is seen from /help."""
    return Response(_read("certbot-hook"), mimetype="text/plain")


def _read(name: str) -> str:
    return files("webui").joinpath("help", name).read_text(encoding="utf-8")


@cache
def _guide() -> Markup:
    """The guide as HTML. The text is ours; nothing in it comes from a member."""
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(_read("members.md")))  # noqa: S704
