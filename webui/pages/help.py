"""The guide for members, which is docs/members.md."""

from functools import cache
from importlib.resources import files

from flask import Blueprint, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

blueprint = Blueprint("help", __name__, url_prefix="/help")


@blueprint.get("")
def index() -> str:
    """The guide."""
    return render_template("help.html", guide=_guide())


@cache
def _guide() -> Markup:
    """The guide as HTML. The text is ours; nothing in it comes from a member."""
    text = files("webui").joinpath("help/members.md").read_text(encoding="utf-8")
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))  # noqa: S704
