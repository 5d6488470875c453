"""A plan as text for people, in colours where the terminal has them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import click

from skulldns.cli.planrows import Line, adoptable, by_name, holds, nearer, rows, summary, title
from skulldns.cli.text import safe

_STYLES = {"+": "green", "~": "yellow", "-": "red", "!": "magenta"}
_HELD = "bright_black"
_INDENT = "    "
"""Spaces stand outside of colours: some viewers drop them at the edges of coloured text."""

_COLUMN = 44
"""Where the column begins that says who wants it; longer data push it to the right."""


def lines(zones: Sequence[Mapping[str, Any]], *, most: int | None = None) -> Iterator[str]:
    """The plan line by line, at most ``most`` names of each zone."""
    for zone in zones:
        names, waiting = by_name(zone), adoptable(zone)
        if not names and not waiting:
            continue
        yield click.style(title(zone), bold=True) + "   " + click.style(summary([zone]), dim=True)
        for name, found in islice(names.items(), most):
            yield _name(name, zone["zone"])
            for line in rows(found):
                yield from _line(line)
        if most is not None and len(names) > most:
            yield click.style(f"  … and {len(names) - most:,} more names (--all shows them)", dim=True)
        if waiting:
            yield "  " + click.style(f"! {safe(waiting)}", fg=_STYLES["!"])
        for what, why in holds(zone):
            yield "  " + click.style(f"{what}:", fg="yellow") + " " + safe(nearer(why))
        yield ""


def _name(name: str, zone: str) -> str:
    """The name, with the part that all names of the zone share less bright."""
    if name == zone or not name.endswith(f".{zone}"):
        return "  " + click.style(safe(name), bold=True)
    own = name.removesuffix(f".{zone}")
    return "  " + click.style(safe(own), bold=True) + click.style(f".{zone}", dim=True)


def _line(line: Line) -> Iterator[str]:
    style = _STYLES[line.sign]
    if line.sign == "!":
        yield "    " + click.style(f"! {safe(line.why)}", fg=style)
        return
    first, *more = _data(line)
    begin = f"{line.sign} {line.type:<6}"
    room = max(0, _COLUMN - len(_INDENT) - len(begin) - sum(len(text) for text, _ in first))
    aside = "  " + click.style(safe(line.why), dim=True)
    if line.held:
        aside += "  " + click.style(line.held, fg="yellow")
    yield _INDENT + click.style(begin, fg=style) + _styled(first) + " " * room + aside
    for part in more:
        yield _INDENT + " " * len(begin) + _styled(part)


def _data(line: Line) -> Iterator[list[tuple[str, str | None]]]:
    """The values as lines of (text, colour); old and new beside each other where there is one of each."""
    ttl = [("  ", None), (f"TTL {line.ttl}", "yellow" if "→" in line.ttl else _HELD)]
    if line.sign != "~":
        style = _STYLES[line.sign]
        parts = [(value, style) for value in line.added or line.removed]
    elif len(line.removed) == len(line.added) == 1 and not line.kept:
        yield [(line.removed[0], "red"), (" → ", None), (line.added[0], "green"), *ttl]
        return
    else:
        parts = [(f"- {value}", "red") for value in line.removed]
        parts += [(f"+ {value}", "green") for value in line.added]
        parts += [(f"  {value}", _HELD) for value in line.kept]
    for number, part in enumerate(parts):
        yield [part, *ttl] if number == 0 else [part]


def _styled(parts: Sequence[tuple[str, str | None]]) -> str:
    return "".join(click.style(safe(text), fg=style) if style else safe(text) for text, style in parts)
