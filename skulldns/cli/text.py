"""How the command line writes: one console for each stream, colours on a terminal only."""

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # both take long to load, and much is written without them
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

_FORCING = frozenset({"FORCE_COLOR", "TTY_COMPATIBLE"})
"""Environment variables that say what standard output is to be taken for."""

WORDS = {"good": "✓", "waiting": "…", "broken": "✗", "none": "·"}
"""Signs for the links of a chain."""


def console() -> "Console":
    """Standard output. Wide where it is not a terminal, so that lines can be searched."""
    from rich.console import Console

    found = Console(highlight=False)
    if not found.is_terminal:
        found.width = 400
    return found


def terminal() -> bool:
    """Whether standard output is a terminal, or is asked to be taken for one (``FORCE_COLOR``)."""
    if not sys.stdout.isatty() and not os.environ.keys() & _FORCING:
        return False
    return console().is_terminal


def show_json(value: Any) -> None:
    """Print ``value`` for machines."""
    print(json.dumps(value, indent=2))


def safe(text: str) -> str:
    """Text that a guest or somebody else chose, with what a terminal would act on made visible."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def short(text: str, most: int, end: int = 0) -> str:
    """At most ``most`` characters of a long text, the last ``end`` of it among them, and how many are left out."""
    left = len(text) - most
    if left <= 0:
        return text
    return f"{text[: most - end]}… ({left:,} more characters)" + (f" …{text[-end:]}" if end else "")


def few(values: Sequence[str], *, most: int = 4, width: int = 60) -> str:
    """Values as lines, made ``safe``; of many only some, of long ones the beginning."""
    lines = [short(safe(value), width) for value in values[:most]]
    return "\n".join(lines + [f"… and {len(values) - most:,} more"] * (len(values) > most))


def state(word: str) -> "Text":
    """A state in its colour."""
    from rich.text import Text

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
