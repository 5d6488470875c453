"""A plan as Markdown, for a comment at a merge request: what others wrote stands in code spans and acts as nothing.

CommonMark with the tables of GitHub and GitLab (GitHub Flavored Markdown, section 4.10).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from skulldns.cli.planrows import Line, adoptable, by_name, holds, nearer, rows, summary, title
from skulldns.cli.text import safe

_FOLD = 20
"""A zone with more lines than that is folded."""

_WORDS = {"+": "add", "~": "change", "-": "delete", "!": "in the way"}

_MOST = 50_000
"""Characters of the tables at most: GitHub takes comments of 65,536."""


def markdown(found: Mapping[str, Any]) -> str:
    """The whole plan. Where it is too long for a comment, it says how many lines are left out."""
    zones = found["zones"]
    count = summary(zones) or "nothing to change"
    parts = [f"### DNS plan {code(found['checksum'])}: {count}", ""]
    room = _MOST
    for zone in zones:
        text = "\n".join(_zone(zone, room))
        room -= len(text)
        parts += [text] if text else []
    parts += [f"- :x: {code(nearer(sentence))}" for sentence in (*found["files"], *found["failures"])]
    if found["needs_agreement"]:
        agree = code(f"skulldns apply --checksum {found['checksum']}")
        parts += ["", f"The guard holds some back until a person agrees: {agree}"]
    return "\n".join(parts).rstrip()


def code(text: str) -> str:
    """A code span (CommonMark section 6.1) that may stand in a table: no part of ``text`` is taken for Markdown.

    Also no mention, reference or address in it becomes a link or tells anybody.
    """
    shown = safe(text).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    # A space at both ends is taken away; without one, a backtick at the edge would join the fence.
    pad = " " if shown[:1] in {"`", " ", ""} or shown[-1:] in {"`", " "} else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _zone(zone: Mapping[str, Any], room: int) -> Iterator[str]:
    names, waiting = by_name(zone), adoptable(zone)
    if not names and not waiting:
        return
    number = sum(map(len, names.values()))
    if number > _FOLD:
        # Names of zones are letters, digits, dots, hyphens and escapes; code marks them in HTML too.
        head = _html(title(zone))
        yield f"<details><summary><code>{head}</code>: {summary([zone])}</summary>\n"
    else:
        yield f"**{code(title(zone))}**: {summary([zone])}\n"
    if names:
        yield "| | name | type | data | TTL | why |"
        yield "|---|---|---|---|---|---|"
    for name, found in names.items():
        for line in rows(found):
            row = _row(name, line)
            room -= len(row) + 1
            if room >= 0:
                yield row
                number -= 1
    if number:
        yield f"\n{number:,} more lines are left out; `skulldns plan` shows them."
    if waiting:
        yield f"\n> {code(waiting)}"
    for what, why in holds(zone):
        yield f"\n> {what}: {code(nearer(why))}"
    yield "\n</details>\n" if sum(map(len, names.values())) > _FOLD else ""


def _row(name: str, line: Line) -> str:
    data = [f"~~{code(value)}~~" for value in line.removed]
    data += [code(value) for value in (*line.added, *line.kept)]
    why = code(line.why) + (f" **{line.held}**" if line.held else "")
    sign = _WORDS[line.sign]
    return f"| {sign} | {code(name)} | {line.type} | {'<br>'.join(data)} | {line.ttl} | {why} |"


def _html(text: str) -> str:
    """Text in HTML, every character that means something to HTML or Markdown as a number."""
    return "".join(one if one.isalnum() or one in " .-," else f"&#{ord(one)};" for one in safe(text))
