"""The values of YAML text: scalars, lists and mappings that know their file, line and column."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from skulldns.errors import ConfigError

_SHOWN = 60
_TRUE = frozenset({"yes", "true", "on"})


class Kind(StrEnum):
    """What YAML 1.1 takes a scalar for; quoted scalars are always text."""

    TEXT = "text"
    INTEGER = "a whole number"
    DECIMAL = "a decimal number"
    NOTATION = "a number (octal, sexagesimal or the like)"
    BOOLEAN = "yes or no"
    DATE = "a date"
    EMPTY = "empty"


class Scalar(NamedTuple):
    """One value as it was written, and what YAML takes it for. Named tuples, since files have so many."""

    text: str
    kind: Kind
    line: int
    column: int
    file: str = ""

    @property
    def value(self) -> str | int | float | bool | None:
        """The plain value; dates and unusual notations of numbers stay text (look at ``kind``)."""
        match self.kind:
            case Kind.INTEGER:
                return int(self.text)
            case Kind.DECIMAL:
                return float(self.text)
            case Kind.BOOLEAN:
                return self.text.lower() in _TRUE
            case Kind.EMPTY:
                return None
            case _:
                return self.text


class Sequence(NamedTuple):
    """A list."""

    items: tuple["Node", ...]
    line: int
    column: int
    file: str = ""


class Mapping(NamedTuple):
    """A mapping; each key's text leads to the key itself and its value, in the order of the file."""

    entries: dict[str, tuple[Scalar, "Node"]]
    line: int
    column: int
    file: str = ""

    def get(self, key: str) -> "Node | None":
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node = Scalar | Sequence | Mapping
Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


def plain(node: Node) -> Plain:
    """The node's value as Python's own types, without places."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(value) for key, (_, value) in node.entries.items()}


def walk(node: Node) -> Iterator[Scalar]:
    """All scalar values below ``node`` (keys are not values)."""
    match node:
        case Scalar():
            yield node
        case Sequence():
            for item in node.items:
                yield from walk(item)
        case Mapping():
            for _, value in node.entries.values():
                yield from walk(value)


def shown(text: str) -> str:
    """``text`` in quotes for an error's one line: cut short, control characters escaped."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    escaped = (char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)
    return f'"{"".join(escaped)}"'


def error_at(node: Node, what: str, cure: str, file: str = "") -> ConfigError:
    """A ``ConfigError`` at the place of ``node``; ``file`` is for nodes that do not know theirs."""
    return ConfigError(what, file=node.file or file, line=node.line, column=node.column, cure=cure)


def misread(scalar: Scalar, what: str, file: str) -> ConfigError:
    """The error for a scalar that YAML does not take for text where text is due."""
    if scalar.kind is Kind.EMPTY:
        return error_at(scalar, f"{what} is empty", "write a value", file)
    return error_at(
        scalar,
        f"{what} {scalar.text} is read by YAML as {scalar.kind}, but text is due",
        f"quote it: '{scalar.text}'",
        file,
    )
