"""What `plan` shows, whatever it is drawn with: the lines of one zone, grouped by name."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dns.name

from skulldns.model.desired import ZONE_FILE
from skulldns.model.plan import ADOPTABLE, Block
from skulldns.model.records import order

_SIGNS = {"add": "+", "replace": "~", "delete": "-"}
_WORDS = {"add": "to add", "replace": "to change", "delete": "to delete"}
_HELD = {
    Block.GUARD.value: "held by the guard",
    Block.WAITING.value: "waiting",
    Block.MODE.value: "kept by the mode",
}
_MARK = " has it"
"""How the reason of a static record ends (``file:line has it``)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One RRset or conflict. ``removed``, ``added`` and ``kept`` are values in presentation format.

    ``sign`` is ``+``, ``~``, ``-`` or, for what is in the way, ``!``; ``ttl`` is shown as it becomes; ``why`` says who
    wants it or why it goes; ``held`` is empty for a change that is made.
    """

    sign: str
    type: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    ttl: str = ""
    why: str = ""
    held: str = ""


def by_name(zone: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """All that is planned, held or in the way in one zone, by name in DNSSEC's order (RFC 4034 section 6.1).

    What ``adoptable`` says of several is left out. Of the names that are shown ``rows`` makes lines: a large plan has
    many that are not.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in (*zone["changes"], *zone["blocked"]):
        found.setdefault(one["name"], []).append(one)
    together = adoptable(zone)
    for conflict in zone["conflicts"]:
        if together and ADOPTABLE in conflict["reason"]:
            continue
        found.setdefault(conflict["name"], []).append(conflict)
    return {name: found[name] for name in sorted(found, key=_order)}


def rows(found: Iterable[Mapping[str, Any]]) -> list[Line]:
    """What ``by_name`` has of one name, as lines: what goes comes first."""
    signs = "-~+!".index
    return sorted(map(_line, found), key=lambda line: (signs(line.sign), line.type))


def adoptable(zone: Mapping[str, Any]) -> str:
    """The sentence for all RRsets that wait for a person to adopt them; empty for fewer than two."""
    number = sum(ADOPTABLE in conflict["reason"] for conflict in zone["conflicts"])
    if number <= 1:
        return ""
    return f"{number:,} RRsets are {ADOPTABLE}; list and take them over with `skulldns zone adopt {zone['zone']}`"


def title(zone: Mapping[str, Any]) -> str:
    """The zone's name, and its view if it has views."""
    return str(zone["zone"]) + (f", view {zone['view']}" if zone.get("view") else "")


def summary(zones: Sequence[Mapping[str, Any]]) -> str:
    """How many RRsets become what, in words: ``2 to add, 1 to delete, 1 held by the guard``."""
    counts: dict[str, int] = {}
    for zone in zones:
        for word in (
            *(_WORDS[change["action"]] for change in zone["changes"]),
            *(_HELD[change["block"]] for change in zone["blocked"]),
            *("in the way" for _ in zone["conflicts"]),
        ):
            counts[word] = counts.get(word, 0) + 1
    words = [*_WORDS.values(), *_HELD.values(), "in the way"]
    return ", ".join(f"{counts[word]} {word}" for word in words if word in counts)


def holds(zone: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Why something is held back, each sentence once: what holds it, and the sentence with its cure."""
    pairs = ((_HELD[one["block"]], one["because"]) for one in zone["blocked"])
    return list(dict.fromkeys(pairs))


def nearer(text: str) -> str:
    """A text with paths below the working directory written from there."""
    return text.replace(f"{os.getcwd()}/", "")  # noqa: PTH109 - asked for each line, and many times faster


def _order(name: str) -> tuple[bytes, ...]:
    """As ``order``, without making a name of each."""
    if "\\" in name:
        return order(dns.name.from_text(name))[1:]
    return tuple(reversed(name.lower().encode().split(b".")))


def _line(change: Mapping[str, Any]) -> Line:
    """A change that is planned or held, or a conflict, which has no action."""
    if "action" not in change:
        return Line("!", change["type"], why=change["reason"])
    before, after = change["before"], change["after"]
    old: Sequence[str] = before["values"] if before else ()
    new: Sequence[str] = after["values"] if after else ()
    return Line(
        _SIGNS[change["action"]],
        change["type"],
        removed=_without(old, new),
        added=_without(new, old),
        kept=_without(new, _without(new, old)),
        ttl=_ttl(before, after),
        why=_why(change),
        held=_HELD[change["block"]] if "block" in change else "",
    )


def _without(values: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    left_out = set(others)
    return tuple(value for value in values if value not in left_out)


def _ttl(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    if before and after and before["ttl"] != after["ttl"]:
        return f"{before['ttl']} → {after['ttl']}"
    some = after or before
    return str(some["ttl"]) if some else ""


def _why(change: Mapping[str, Any]) -> str:
    reason = str(change["reason"])
    if change["evidence"]:
        return f"{reason} ({change['evidence']})"
    return nearer(reason.removesuffix(_MARK)) if change["owner"] == ZONE_FILE else reason
