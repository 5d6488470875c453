"""Plain values to YAML text: block style, keys in natural order, and the same text for the same values."""

import json
import re
import unicodedata
from collections.abc import Iterator

from skulldns.desired.yamltext import Kind, Plain, kind_of

_NUMBER = re.compile(r"([0-9]+)")
_BARE = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_./@=+:~^$\\; -]*[A-Za-z0-9_./@=+~^$\\;-])?")


def natural(key: str) -> list[str | int]:
    """A sort key that puts ``host2`` before ``host10``, as octoDNS's ``enforce_order`` wants it (natsort)."""
    parts = _NUMBER.split(unicodedata.normalize("NFD", key))
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]


def write_yaml(value: dict[str, Plain]) -> str:
    """The mapping as YAML; ``{}`` when it is empty."""
    return "".join(f"{line}\n" for line in _mapping(value)) or "{}\n"


def _mapping(value: dict[str, Plain]) -> Iterator[str]:
    for key in sorted(value, key=natural):
        item = value[key]
        name = write_scalar(key)
        match item:
            case dict() if item:
                yield f"{name}:"
                yield from (f"  {line}" for line in _mapping(item))
            case list() if item:
                yield f"{name}:"
                yield from _sequence(item)
            case _:
                yield f"{name}: {_single(item)}"


def _sequence(value: list[Plain]) -> Iterator[str]:
    for item in value:
        lines = list(_mapping(item)) if isinstance(item, dict) and item else [_single(item)]
        yield f"- {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])


def _single(value: Plain) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return write_scalar(value)
        case _:  # empty, or a list in a list, which no zone has
            return json.dumps(value)


def write_scalar(text: str) -> str:
    """``text`` as a scalar that YAML 1.1 takes for text, in quotes only where it needs them."""
    if _BARE.fullmatch(text) and ": " not in text and kind_of(text) is Kind.TEXT:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
