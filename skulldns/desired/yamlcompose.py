"""PyYAML's events to nodes: depth, tags, anchors, keys and included files are looked at on the way."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn, Protocol, cast

import yaml

from skulldns.desired.yamlnodes import Kind, Mapping, Node, Scalar, Sequence, error_at, misread, shown
from skulldns.desired.yamlsyntax import check_characters, unreadable
from skulldns.errors import ConfigError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was built without libyaml: slower, same events
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_ScalarEvent, _MappingEndEvent, _TEXT = yaml.ScalarEvent, yaml.MappingEndEvent, Kind.TEXT
"""What a large file asks for a hundred thousand times."""

_MAX_DEPTH = 64
_MAX_REPEATED = 100_000
"""How many nodes aliases may repeat in all: enough for shared TTLs and values, too few for a bomb."""

NAMING = (Kind.TEXT, Kind.INTEGER)
"""What a name may be."""

_MAX_INCLUDES = 1_000
_MAX_NESTED = 8

_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"-?[0-9]{1,18}\.[0-9]{0,18}")
_DOTTED = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
_KINDS = {
    "tag:yaml.org,2002:bool": Kind.BOOLEAN,
    "tag:yaml.org,2002:null": Kind.EMPTY,
    "tag:yaml.org,2002:timestamp": Kind.DATE,
}
_resolve: Callable[[type, str, tuple[bool, bool]], str] = yaml.resolver.Resolver().resolve
_SPECIAL = frozenset(yaml.resolver.Resolver.yaml_implicit_resolvers)
"""The first characters of scalars that YAML 1.1 may take for something else than text ('' is the empty one)."""


class Include(Protocol):
    """Reads what ``!include`` names: ``path`` as written in ``file`` to the file's own name and its text.

    Raises ``ConfigError`` (without a place) when it may not be read.
    """

    def __call__(self, path: str, file: str) -> tuple[str, str]: ...


@dataclass(slots=True)
class Budget:
    """What one document and all that it includes may use, and where its errors are gathered."""

    characters: int
    include: Include | None = None
    includes: int = _MAX_INCLUDES
    repeats: int = _MAX_REPEATED
    errors: list[ConfigError] = field(default_factory=list)


class Composer:
    """Builds the tree of one file. ``above`` are the files that include it, the outermost first."""

    def __init__(self, text: str, file: str, budget: Budget, above: tuple[str, ...] = ()) -> None:
        check_characters(text, file)
        self._next: Callable[[], yaml.Event] = _nothing
        self._first = 1
        """The line of the file with which the events begin."""
        self._text = text
        self._file = file
        self._budget = budget
        self._above = above
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._lines: dict[str, int] = {}
        """The names of the entries so far, and where they stand."""
        self._later: dict[str, tuple[Scalar, Node]] = {}
        """Entries that ``<<`` brings, unless others replace them."""
        self._written = 0
        self._repeated = 0
        self.document = False
        """Whether there is a document at all; an explicit one may be empty."""

    @property
    def size(self) -> int:
        """How many nodes the file has, with what aliases repeat."""
        return self._written + self._repeated

    def root(self) -> Node | None:
        """The document's tree; None when there is none, or an empty one. ``ConfigError`` where it is no YAML."""
        try:
            event = self._start()
            if event is None:
                return None
            root = self._node(event, 1)
            self._end()
        except yaml.YAMLError as error:
            raise unreadable(error, self._text, self._file) from None
        return None if isinstance(root, Scalar) and root.kind is Kind.EMPTY else root

    def entries(self) -> Iterator[tuple[Scalar, Node]]:
        """The entries of the document's mapping one by one, so that no large file is in memory as a tree.

        A root that is something else raises ``ConfigError``; one that is empty has no entries. As in
        octoDNS, an entry after ``<<`` replaces a merged one.
        """
        try:
            yield from self._document()
        except yaml.YAMLError as error:
            raise unreadable(error, self._text, self._file) from None

    def _document(self) -> Iterator[tuple[Scalar, Node]]:
        event = self._start()
        if event is None:
            return
        if not isinstance(event, yaml.MappingStartEvent) or event.tag is not None or event.anchor is not None:
            root = self._node(event, 1)
            if isinstance(root, Mapping):
                yield from root.entries.values()
            elif not (isinstance(root, Scalar) and root.kind is Kind.EMPTY):
                raise error_at(
                    root,
                    "a zone file leads from names to records",
                    "write 'www: {type: A, value: 192.0.2.1}'",
                )
        else:
            yield from self._top()
            yield from self._later.values()
        self._end()

    def _top(self) -> Iterator[tuple[Scalar, Node]]:
        lines, merged = self._lines, self._later
        while type(event := self._next()) is not _MappingEndEvent:
            key, value = self._node(event, 2), self._node(self._next(), 2)
            if isinstance(key, Scalar) and key.text == "<<" and _is_plain(event):
                for mapping in self._merged(event, value):
                    merged |= mapping.entries
                    for name in mapping.entries.keys() & lines.keys():
                        self._note(
                            event, f"'<<' replaces {shown(name)}, which stands before it", "move '<<' up"
                        )
            elif isinstance(key, Scalar) and self._is_key(key):
                if (first := lines.get(key.text)) is not None:
                    self._twice(key, first)
                else:
                    lines[key.text] = key.line
                    merged.pop(key.text, None)
                    yield key, value
            elif not isinstance(key, Scalar):
                self._note(event, "a key must be text", "write 'key: value'")

    def _start(self) -> yaml.Event | None:
        self._next = events_of(self._text)
        self._next()  # stream start
        if isinstance(start := self._next(), yaml.StreamEndEvent):
            return None
        self.document = True
        event = self._next()
        if not start.explicit and isinstance(event, yaml.ScalarEvent):  # type: ignore[attr-defined]
            self.document = event.value != ""
        return event

    def _end(self) -> None:
        self._next()  # document end
        if not isinstance(event := self._next(), yaml.StreamEndEvent):
            self._fail(event, "a second YAML document starts here", "keep one document in a file")

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if type(event) is _ScalarEvent and event.anchor is None and event.tag is None:
            self._written += 1  # nearly all nodes: the rest is for what they are not
            return self._scalar(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > _MAX_DEPTH:
            self._fail(event, f"nested more than {_MAX_DEPTH} levels deep", "write it flatter")
        anchor: str | None = event.anchor  # type: ignore[attr-defined]
        before = self.size
        if anchor is not None:
            self._anchors[anchor] = None
        node = self._build(event, depth)
        self._written += 1
        if anchor is not None:
            self._anchors[anchor] = (node, self.size - before)
        return node

    def _build(self, event: yaml.Event, depth: int) -> Node:
        tag: str | None = event.tag  # type: ignore[attr-defined]
        if tag == "!include" and self._budget.include is not None:
            return self._included(event)
        if tag is not None:
            what = f"the tag {shown(tag)} is not allowed"
            self._note(event, what, "write a plain value without a tag")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        line, column = self._place(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := self._next(), yaml.SequenceEndEvent):
                items.append(self._node(item, depth + 1))
            return Sequence(tuple(items), line, column, self._file)
        return Mapping(self._entries(depth), line, column, self._file)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text, mark = event.value, event.start_mark
        if not text.isascii() and _SURROGATE.search(text):  # libyaml refuses them itself
            self._fail(event, "an escape stands for half a character", "write the character itself")
        kind = _plain_kind(text) if text[:1] in _SPECIAL and event.implicit[0] else _TEXT
        assert mark is not None, "parsed events have marks"
        return Scalar(text, kind, mark.line + self._first, mark.column + 1, self._file)

    def _entries(self, depth: int) -> dict[str, tuple[Scalar, Node]]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merged: set[str] = set()
        while type(event := self._next()) is not _MappingEndEvent:
            key, value = self._node(event, depth + 1), self._node(self._next(), depth + 1)
            if not isinstance(key, Scalar):
                self._note(event, "a key must be text", "write 'key: value'")
            elif key.text == "<<" and _is_plain(event):
                for mapping in self._merged(event, value):
                    entries |= mapping.entries
                    merged |= mapping.entries.keys()
            elif key.kind is _TEXT or self._is_key(key):
                if key.text in entries and key.text not in merged:
                    self._twice(key, entries[key.text][0].line)
                else:
                    entries[key.text] = (key, value)
                    merged.discard(key.text)
        return entries

    def _is_key(self, key: Scalar) -> bool:
        if key.kind in NAMING:
            return True
        self._budget.errors.append(misread(key, "the key", self._file))
        return False

    def _twice(self, key: Scalar, line: int) -> None:
        what = f"the key {shown(key.text)} is there twice, first in line {line}"
        self._budget.errors.append(error_at(key, what, "take one out or merge them"))

    def _merged(self, event: yaml.Event, value: Node) -> list[Mapping]:
        """The mappings of a merge key, the least important first: in a list the earlier ones win."""
        items = value.items if isinstance(value, Sequence) else (value,)
        mappings = [item for item in reversed(items) if isinstance(item, Mapping)]
        if len(mappings) < len(items):
            self._note(event, "'<<' merges mappings only", "refer to a mapping's anchor")
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
        self._budget.repeats -= size
        if self._budget.repeats < 0:
            self._fail(event, f"aliases repeat more than {_MAX_REPEATED} values", "write the values out")
        return node

    def _included(self, event: yaml.Event) -> Node:
        """What ``!include`` names, in its place; a file that is empty is an empty value, as in octoDNS."""
        line, column = self._place(event)
        if not isinstance(event, yaml.ScalarEvent):
            self._fail(event, "!include takes one path", "write '!include name.yaml'")
        budget = self._budget
        budget.includes -= 1
        if budget.includes < 0 or len(self._above) >= _MAX_NESTED:
            self._fail(
                event, f"includes are more than {_MAX_INCLUDES}, or {_MAX_NESTED} deep", "use fewer files"
            )
        assert budget.include is not None, "asked for only where there is one"
        try:
            file, text = budget.include(event.value, self._file)
        except ConfigError as error:
            what = f"!include {shown(event.value)}: {error.what}"
            self._fail(event, what, error.cure or "correct the path")
        if file in (*self._above, self._file):
            self._fail(event, f"!include {shown(event.value)} includes itself", "take one of them out")
        budget.characters -= len(text)
        if budget.characters < 0:
            self._fail(event, "the included files are too large in all", "split the zone")
        inner = Composer(text, file, budget, (*self._above, self._file))
        node = inner.root()
        self._written += inner.size
        return node if node is not None else Scalar("", Kind.EMPTY, line, column, self._file)

    def _note(self, event: yaml.Event, what: str, cure: str) -> None:
        self._budget.errors.append(self._error(event, what, cure))

    def _error(self, event: yaml.Event, what: str, cure: str) -> ConfigError:
        line, column = self._place(event)
        return ConfigError(what, file=self._file, line=line, column=column, cure=cure)

    def _place(self, event: yaml.Event) -> tuple[int, int]:
        mark = event.start_mark
        return (mark.line + self._first, mark.column + 1) if mark else (1, 1)

    def _fail(self, event: yaml.Event, what: str, cure: str) -> NoReturn:
        raise self._error(event, what, cure)


def kind_of(text: str) -> Kind:
    """What YAML takes ``text`` for when it is not quoted."""
    return _plain_kind(text) if text[:1] in _SPECIAL else _TEXT


def _plain_kind(text: str) -> Kind:
    """What an unquoted scalar that starts with a special character is taken for."""
    if _DOTTED.fullmatch(text):
        return Kind.TEXT
    if _WHOLE_NUMBER.fullmatch(text):
        return Kind.INTEGER
    return _other_kind(text)


@lru_cache(maxsize=4096)
def _other_kind(text: str) -> Kind:
    tag = _resolve(yaml.ScalarNode, text, (True, False))
    if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
        return Kind.DECIMAL if _DECIMAL.fullmatch(text) else Kind.NOTATION
    return _KINDS.get(tag, Kind.TEXT)


def _nothing() -> yaml.Event:
    raise AssertionError("asked for before there are events")


def events_of(text: str) -> Callable[[], yaml.Event]:
    """YAML's events one after another; raises ``yaml.YAMLError`` where it is no YAML."""
    # The C loader's None is for the time after the stream's end, which nobody asks about.
    return cast("Callable[[], yaml.Event]", _Loader(text).get_event)


def _is_plain(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and bool(event.implicit[0])
