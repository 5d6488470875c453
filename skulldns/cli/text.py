"""How the command line writes: one console for each stream, colours on a terminal only."""

import json
import time
from typing import Any

from rich.console import Console
from rich.text import Text

STATE_STYLE = {
    "served": "green",
    "ready": "green",
    "running": "green",
    "good": "green",
    "pending": "yellow",
    "waiting": "yellow",
    "held": "yellow",
    "not answered yet": "yellow",
    "stopped": "dim",
    "gone": "dim",
    "not shown": "yellow",
    "none": "dim",
    "refused": "red",
    "foreign": "magenta",
    "unavailable": "red",
    "broken": "red",
}

WORDS = {"good": "✓", "waiting": "…", "broken": "✗", "none": "·"}
"""Signs for the links of a chain."""


def console() -> Console:
    """Standard output. Wide where it is not a terminal, so that lines can be searched."""
    found = Console(highlight=False)
    if not found.is_terminal:
        found.width = 400
    return found


def terminal() -> bool:
    """Whether standard output is a terminal, or is asked to be taken for one (``FORCE_COLOR``)."""
    return Console().is_terminal


def show_json(value: Any) -> None:
    """Print ``value`` for machines."""
    print(json.dumps(value, indent=2))


def safe(text: str) -> str:
    """Text that a guest or somebody else chose, with what a terminal would act on made visible."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def state(word: str) -> Text:
    """A state in its colour."""
    return Text(word, style=STATE_STYLE.get(word, ""))


def ago(since: float | None) -> str:
    """How long ago a Unix time was: ``5 s``, ``3 min``; empty for None."""
    return "" if since is None else length(max(0.0, time.time() - since))


def ahead(until: float | None, *, past: str = "") -> str:
    """How long it is until a Unix time: ``5 s``, ``59 d``; ``past`` if that was, or for None."""
    return length(until - time.time()) if until is not None and until > time.time() else past


def length(seconds: float) -> str:
    """A length in its largest unit: ``5 s``, ``3 min``, ``7 d``."""
    whole = round(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
