"""Composes only what is not written in the plainest way: libyaml's events of a large file take most of the time.

What lies between plain entries is read by itself, with stand-ins for the entries before and after it, so that YAML sees
it where it stands. Whatever is not whole entries then is read with all that follows.
"""

from collections.abc import Callable, Iterator

import yaml

from skulldns.desired.yamlcompose import NAMING, Composer, events_of, kind_of
from skulldns.desired.yamlnodes import Kind, Node, Scalar
from skulldns.desired.yamlplain import OtherText, PlainEntry, plain_parts
from skulldns.desired.yamlsyntax import unreadable

_MAX_PART = 100_000
"""Characters of a part whose events are looked at before they are used."""

_STAND_IN = "_: 0\n"
"""Stands for the entries before and after a part, so that YAML sees the part where it stands."""

_OPENING, _CLOSING = 5, 4
"""How many events come before and after those of a part: of the document, its mapping and the stand-ins."""


class StreamComposer(Composer):
    """Composes the entries of one file that nobody takes as they are."""

    def plainly(self, taken: Callable[[PlainEntry], bool]) -> Iterator[tuple[Scalar, Node]]:
        """As ``entries``, but plain ones are offered to ``taken`` first: those that it takes are not composed."""
        parts = plain_parts(self._text)
        if parts is None:
            yield from self.entries()
            return
        begun = False
        for part in parts:
            if isinstance(part, PlainEntry):
                if self._is_text(part) and taken(part):
                    self._lines[part.name] = part.first
                    self._later.pop(part.name, None)
                    self.document = begun = True
                    continue
                found = self._part(part.text, part.first)
            else:
                found = None if part.last else self._part(part.text, part.first)
            if found is None:
                yield from self._rest(part) if begun else self.entries()
                return
            self.document = begun = True
            yield from found
        yield from self._later.values()

    def _is_text(self, entry: PlainEntry) -> bool:
        """Whether YAML takes for text what is in the entry, and its name is new."""
        return (
            entry.name not in self._lines
            and kind_of(entry.name) in NAMING
            and kind_of(entry.value) is Kind.TEXT
            and kind_of(entry.type) is Kind.TEXT
        )

    def _part(self, text: str, first: int) -> Iterator[tuple[Scalar, Node]] | None:
        """The entries of whole lines, from line ``first`` on, that lie between other entries.

        None when YAML sees something else there than whole entries, or more than is looked at beforehand.
        """
        if len(text) > _MAX_PART:
            return None
        following, events = events_of(f"{_STAND_IN}{text}{_STAND_IN}"), list[yaml.Event]()
        try:
            while not isinstance(event := following(), yaml.StreamEndEvent):
                events.append(event)
        except yaml.YAMLError:
            return None
        if not _are_whole(events, text.count("\n") + 1):
            return None
        self._next = iter([*events[_OPENING:-_CLOSING], events[-2]]).__next__
        self._first = first - 1
        return self._top()

    def _rest(self, part: PlainEntry | OtherText) -> Iterator[tuple[Scalar, Node]]:
        """The entries from ``part`` on, which is not the first, to the document's end."""
        before = "\n" * (part.first - 2) + _STAND_IN
        self._next = events_of(before + self._text[part.start :])
        self._first = 1
        try:
            for _ in range(_OPENING):
                self._next()
            yield from self._top()
            yield from self._later.values()
            self._end()
        except yaml.YAMLError as error:
            raise unreadable(error, self._text, self._file) from None


def _are_whole(events: list[yaml.Event], line: int) -> bool:
    """Whether a part is whole entries: what stands for the next one begins a line, as a key of the one mapping."""
    if len(events) < _OPENING + _CLOSING or any(
        isinstance(one, yaml.DocumentStartEvent) for one in events[2:]
    ):
        return False
    key, value, end = events[-_CLOSING:-1]
    mark = key.start_mark
    return (
        isinstance(key, yaml.ScalarEvent)
        and isinstance(value, yaml.ScalarEvent)
        and isinstance(end, yaml.MappingEndEvent)
        and mark is not None
        and (mark.line, mark.column) == (line, 0)
    )
