"""The entries of a zone file that are written in the plainest way, found without a YAML parser.

    www: {type: A, value: 192.0.2.1}        www:
                                              ttl: 300
                                              type: A
                                              value: 192.0.2.1

Nearly all of a large file is like this, and libyaml's events for it take most of the time. Found is only what can be
read in one way: a name at the beginning of a line with two or three plain values, no quotes, comments, anchors or
lists, and nothing after it that could belong to it (an indented line goes on with the last value).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_NAME = r"([a-z0-9_][a-z0-9_.-]{0,250}):"
_KEY = r"(ttl|type|value): "
_IN_LINE = r"([A-Za-z0-9_][A-Za-z0-9_.-]*)"
_TO_END = r"([A-Za-z0-9_](?:(?:[A-Za-z0-9_.=/+ -]|:(?=[A-Za-z0-9:]))*[A-Za-z0-9_.=/+-])?)\n"
_AFTER = r"(?:#[^\n]*\n|\n)*"
"""Comments and empty lines between entries."""

_FLAT = re.compile(rf"{_NAME} \{{{_KEY}{_IN_LINE}, {_KEY}{_IN_LINE}(?:, {_KEY}{_IN_LINE})?\}}\n")
_INDENTED = re.compile(rf"{_NAME}\n( +){_KEY}{_TO_END}\2{_KEY}{_TO_END}(?:\2{_KEY}{_TO_END})?")
_BETWEEN = re.compile(rf"{_AFTER}(?![ \t\n#])")
_HEAD = re.compile(rf"{_AFTER}(?:---[ ]*\n{_AFTER})?(?![ \t\n#])")
_NEXT = re.compile(r"^(?=[a-z0-9_][a-z0-9_.-]{0,250}:(?: \{|\n +)(?:ttl|type|value): )", re.MULTILINE)
_OTHER_LINES = re.compile("[\r\x85\u2028\u2029]")
"""What YAML also takes for the end of a line."""


class PlainEntry(NamedTuple):
    """One entry: where it begins, its first line, what it says, and the place of its mapping as YAML has it."""

    text: str
    start: int
    first: int
    name: str
    type: str
    ttl: str | None
    value: str
    line: int
    column: int


class OtherText(NamedTuple):
    """What lies between plain entries, from the beginning of line ``first`` on; ``last`` of the file or not."""

    text: str
    start: int
    first: int
    last: bool


def plain_parts(text: str) -> Iterator[PlainEntry | OtherText] | None:
    """The parts of a file in their order; None for one that has no plain entry to begin with.

    Texts before the last are whole lines that end where a plain entry begins, if YAML agrees.
    """
    head = _HEAD.match(text)
    if head is None or _OTHER_LINES.search(text) or _NEXT.search(text) is None:
        return None
    return _parts(text, head.end())


def _parts(text: str, position: int) -> Iterator[PlainEntry | OtherText]:
    first, size = text.count("\n", 0, position) + 1, len(text)
    while position < size:
        found = _entry(text, position, first)
        if found is None:
            following = _NEXT.search(text, position + 1)
            while following and _entry(text, following.start(), 0) is None:
                following = _NEXT.search(text, following.start() + 1)
            if following is None:
                yield OtherText(text[position:], position, first, last=True)
                return
            end = following.start()
            yield OtherText(text[position:end], position, first, last=False)
        else:
            entry, end = found
            yield entry
        first += text.count("\n", position, end)
        position = end


def _entry(text: str, position: int, first: int) -> tuple[PlainEntry, int] | None:
    """The plain entry at ``position`` and where what follows it begins."""
    if found := _FLAT.match(text, position):
        name, *pairs = found.groups()
        line, column = first, len(name) + 3
    elif found := _INDENTED.match(text, position):
        name, indent, *pairs = found.groups()
        line, column = first + 1, len(indent) + 1
    else:
        return None
    between = _BETWEEN.match(text, found.end())
    keys = {pairs[0]: pairs[1], pairs[2]: pairs[3]}
    if pairs[4] is not None:
        keys[pairs[4]] = pairs[5]
    rdtype, value = keys.get("type"), keys.get("value")
    if between is None or rdtype is None or value is None or len(keys) * 2 < len(pairs) - pairs.count(None):
        return None
    entry = PlainEntry(found[0], position, first, name, rdtype, keys.get("ttl"), value, line, column)
    return entry, between.end()
