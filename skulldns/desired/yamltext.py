"""YAML text to plain values that know their line and column. Never tags, never objects.

Anchors, aliases and merge keys work as in octoDNS's files; what aliases repeat is bounded. Scalars follow
YAML 1.1, as PyYAML and octoDNS read them, but keep how they were written, so that ``no``, ``1.10`` or
``12:30:45`` where text is due becomes an error with a hint instead of a surprise.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NoReturn

import yaml

from skulldns.errors import ConfigError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was built without libyaml: slower, same events
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_MAX_DEPTH = 64
_MAX_REPEATED = 100_000
"""How many nodes aliases may repeat in all: enough for shared TTLs and values, too few for a bomb."""

_SHOWN = 60
_NOT_YAML = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"-?[0-9]{1,18}\.[0-9]{0,18}")

_CURES = {
    "mapping values are not allowed": "quote a value that holds ': ', and check the indentation",
    "could not find expected ':'": "write 'key: value'",
    "did not find expected key": "check the indentation, and close quotes, brackets and braces",
    "expected ',' or": "close the bracket or brace",
    "unexpected end of stream": "close the quotes",
    "found character that cannot start": "quote the value",
}


class Kind(StrEnum):
    """What YAML 1.1 takes a scalar for; quoted scalars are always text."""

    TEXT = "text"
    INTEGER = "a whole number"
    DECIMAL = "a decimal number"
    NOTATION = "a number (octal, sexagesimal or the like)"
    BOOLEAN = "yes or no"
    DATE = "a date"
    EMPTY = "empty"


_KINDS = {
    "tag:yaml.org,2002:bool": Kind.BOOLEAN,
    "tag:yaml.org,2002:null": Kind.EMPTY,
    "tag:yaml.org,2002:timestamp": Kind.DATE,
}
_resolve: Callable[[type, str, tuple[bool, bool]], str] = yaml.resolver.Resolver().resolve
_TRUE = frozenset({"yes", "true", "on"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as it was written, and what YAML takes it for."""

    text: str
    kind: Kind
    line: int
    column: int

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


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; each key's text leads to the key itself and its value, in the order of the file."""

    entries: dict[str, tuple[Scalar, "Node"]]
    line: int
    column: int

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


def misread(scalar: Scalar, what: str, file: str) -> ConfigError:
    """The error for a scalar that YAML does not take for text where text is due."""
    if scalar.kind is Kind.EMPTY:
        return ConfigError(
            f"{what} is empty",
            file=file,
            line=scalar.line,
            column=scalar.column,
            cure="write a value",
        )
    return ConfigError(
        f"{what} {scalar.text} is read by YAML as {scalar.kind}, but text is due",
        file=file,
        line=scalar.line,
        column=scalar.column,
        cure=f"quote it: '{scalar.text}'",
    )


def parse_yaml(text: str, file: str, limit: int) -> tuple[Node, list[ConfigError]]:
    """Read one YAML document of at most ``limit`` characters: its tree, and the errors that leave a tree.

    Such errors are tags and bad keys; the caller reports them with its own. What is no YAML raises
    ``ConfigError``. Each has line, column and cure.
    """
    if len(text) > limit:
        raise ConfigError(
            f"the file is larger than {limit} characters", file=file, cure="split it, or see what filled it"
        )
    if text.startswith("\ufeff"):
        raise ConfigError(
            "the file starts with a byte order mark",
            file=file,
            line=1,
            column=1,
            cure="save it as UTF-8 without BOM",
        )
    if bad := _NOT_YAML.search(text):
        before = text[: bad.start()]
        raise ConfigError(
            f"the character U+{ord(bad[0]):04X} is not allowed in YAML",
            file=file,
            line=before.count("\n") + 1,
            column=bad.start() - before.rfind("\n"),
            cure='take it out, or write it as an escape in "double quotes"',
        )
    try:
        composer = _Composer(text, file)
        return composer.document(), composer.errors
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, file) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"not YAML: {shown(str(error))}", file=file, cure="save it as UTF-8 text") from None


def _syntax_error(error: yaml.MarkedYAMLError, text: str, file: str) -> ConfigError:
    problem = str(error.problem or error.context or "it cannot be read").strip()
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.split("\n")
    if line > len(text.splitlines()) > 0:
        # A file that ends too early: its last line is where an editor shows what is missing.
        line = len(text.splitlines())
        column = len(text.splitlines()[-1]) + 1
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    if rest.startswith("\t") or "\\t" in problem or "tab character" in problem:
        what, cure = "a tab cannot indent YAML", "use spaces"
    else:
        what = f"not valid YAML: {problem}"
        cures = (cure for part, cure in _CURES.items() if part in problem)
        cure = next(cures, "look at this line and the one above")
    return ConfigError(what, file=file, line=line, column=column, cure=cure)


class _Composer:
    """Builds the tree from PyYAML's events, and looks at depth, tags, anchors and keys while it does."""

    def __init__(self, text: str, file: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
        self._file = file
        self.errors: list[ConfigError] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._written = 0
        self._repeated = 0

    def document(self) -> Node:
        next(self._events)  # stream start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            self._empty()
        root = self._node(next(self._events), 1)
        next(self._events)  # document end
        if not isinstance(event := next(self._events), yaml.StreamEndEvent):
            self._fail(event, "a second YAML document starts here", "keep one document in a file")
        if isinstance(root, Scalar) and root.kind is Kind.EMPTY:
            self._empty()
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > _MAX_DEPTH:
            self._fail(event, f"nested more than {_MAX_DEPTH} levels deep", "write it flatter")
        anchor: str | None = getattr(event, "anchor", None)
        before = self._written + self._repeated
        if anchor is not None:
            self._anchors[anchor] = None
        node = self._build(event, depth)
        self._written += 1
        if anchor is not None:
            self._anchors[anchor] = (node, self._written + self._repeated - before)
        return node

    def _build(self, event: yaml.Event, depth: int) -> Node:
        line, column = _place(event)
        tag: str | None = getattr(event, "tag", None)
        if tag is not None:
            what = f"the tag {shown(tag)} is not allowed"
            self.errors.append(self._error(event, what, "write a plain value without a tag"))
        if isinstance(event, yaml.ScalarEvent):
            if not event.value.isascii() and _SURROGATE.search(event.value):  # libyaml refuses them itself
                self._fail(event, "an escape stands for half a character", "write the character itself")
            return Scalar(
                event.value, _plain_kind(event.value) if event.implicit[0] else Kind.TEXT, line, column
            )
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(item, depth + 1))
            return Sequence(tuple(items), line, column)
        return Mapping(self._entries(depth), line, column)

    def _entries(self, depth: int) -> dict[str, tuple[Scalar, Node]]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merged: list[Mapping] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                self.errors.append(self._error(event, "a key must be text", "write 'key: value'"))
            elif key.text == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
                merged += self._merged(event, value)
            elif key.kind not in (Kind.TEXT, Kind.INTEGER):
                self.errors.append(misread(key, "the key", self._file))
            elif (first := entries.get(key.text)) is not None:
                what = f"the key {shown(key.text)} is there twice, first in line {first[0].line}"
                self.errors.append(self._error(event, what, "take one out or merge them"))
            else:
                entries[key.text] = (key, value)
        for mapping in merged:
            entries = mapping.entries | entries
        return entries

    def _merged(self, event: yaml.Event, value: Node) -> list[Mapping]:
        """The mappings of a merge key, the least important first."""
        items = value.items if isinstance(value, Sequence) else (value,)
        mappings = [item for item in items if isinstance(item, Mapping)]
        if len(mappings) < len(items):
            self.errors.append(self._error(event, "'<<' merges mappings only", "refer to a mapping's anchor"))
        return mappings

    def _alias(self, event: yaml.AliasEvent) -> Node:
        name = event.anchor
        if name not in self._anchors:
            self._fail(
                event, f"the alias *{name} has no anchor before it", f"write &{name} at what it refers to"
            )
        known = self._anchors[name]
        if known is None:
            self._fail(event, f"the alias *{name} refers to what it stands in", "write the value out")
        node, size = known
        self._repeated += size
        if self._repeated > _MAX_REPEATED:
            self._fail(event, f"aliases repeat more than {_MAX_REPEATED} values", "write the values out")
        return node

    def _empty(self) -> NoReturn:
        raise ConfigError(
            "the file is empty",
            file=self._file,
            line=1,
            column=1,
            cure="write {} if nothing is what it should say",
        )

    def _error(self, event: yaml.Event, what: str, cure: str) -> ConfigError:
        line, column = _place(event)
        return ConfigError(what, file=self._file, line=line, column=column, cure=cure)

    def _fail(self, event: yaml.Event, what: str, cure: str) -> NoReturn:
        raise self._error(event, what, cure)


@lru_cache(maxsize=4096)
def _plain_kind(text: str) -> Kind:
    """What an unquoted scalar is taken for."""
    tag = _resolve(yaml.ScalarNode, text, (True, False))
    if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
        if _WHOLE_NUMBER.fullmatch(text):
            return Kind.INTEGER
        return Kind.DECIMAL if _DECIMAL.fullmatch(text) else Kind.NOTATION
    return _KINDS.get(tag, Kind.TEXT)


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
