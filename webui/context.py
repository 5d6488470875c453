"""What every view of the page has at hand: the desk, the settings and the time."""

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from webui.app import World
    from webui.desk import Desk
    from webui.settings import WebSettings

KEY = "skulldns"


def world() -> "World":
    """Everything that ``create_app`` was given."""
    return cast("World", current_app.extensions[KEY])


def desk() -> "Desk":
    """Where everything that members may do is done."""
    return world().desk


def settings() -> "WebSettings":
    """How the page is reached, and how people sign in."""
    return world().settings


def now() -> float:
    """Unix time."""
    return world().clock()
