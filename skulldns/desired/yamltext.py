"""YAML text to plain values that know their line and column. Never objects; of tags only ``!include``, on demand.

Anchors, aliases and merge keys work as in octoDNS's files; what aliases repeat is bounded. Scalars follow
YAML 1.1, as PyYAML and octoDNS read them, but keep how they were written, so that ``no``, ``1.10`` or
``12:30:45`` where text is due becomes an error with a hint instead of a surprise.
"""

from collections.abc import Callable, Iterator

from skulldns.desired.yamlcompose import Budget, Composer, Include, kind_of
from skulldns.desired.yamlnodes import (
    Kind,
    Mapping,
    Node,
    Plain,
    Scalar,
    Sequence,
    error_at,
    misread,
    plain,
    shown,
    walk,
)
from skulldns.desired.yamlplain import PlainEntry
from skulldns.desired.yamlstream import StreamComposer
from skulldns.errors import ConfigError

__all__ = [
    "EmptyFile",
    "Include",
    "Kind",
    "Mapping",
    "Node",
    "Plain",
    "PlainEntry",
    "Scalar",
    "Sequence",
    "error_at",
    "kind_of",
    "misread",
    "parse_yaml",
    "plain",
    "shown",
    "stream_yaml",
    "walk",
]


def parse_yaml(text: str, file: str, limit: int) -> tuple[Node, list[ConfigError]]:
    """Read one YAML document of at most ``limit`` characters: its tree, and the errors that leave a tree.

    Such errors are tags and bad keys; the caller reports them with its own. What is no YAML raises
    ``ConfigError``. Each has line, column and cure.
    """
    budget = _budget(text, file, limit, None)
    root = Composer(text, file, budget).root()
    if root is None:
        raise EmptyFile(file)
    return root, budget.errors


def stream_yaml(
    text: str,
    file: str,
    limit: int,
    errors: list[ConfigError],
    taken: Callable[[PlainEntry], bool],
    include: Include | None = None,
) -> Iterator[tuple[Scalar, Node]]:
    """The entries of one YAML document that is a mapping, one by one; what leaves a tree goes to ``errors``.

    Entries that are written in the plainest way are offered to ``taken``, in the order of the file; those that it takes
    are not among the answers. ``include`` reads what ``!include`` names; ``limit`` holds for all files together. An
    explicit empty document (``---``) has no entries; a file with nothing in it raises ``EmptyFile``, and what is no
    YAML another ``ConfigError``.
    """
    budget = _budget(text, file, limit, include)
    budget.errors = errors
    composer = StreamComposer(text, file, budget)
    yield from composer.plainly(taken)
    if not composer.document:
        raise EmptyFile(file)


class EmptyFile(ConfigError):
    """A file says nothing, not even that nothing is meant."""

    def __init__(self, file: str) -> None:
        cure = "write {} if nothing is what it should say"
        super().__init__("the file is empty", file=file, line=1, column=1, cure=cure)


def _budget(text: str, file: str, limit: int, include: Include | None) -> Budget:
    if len(text) > limit:
        raise ConfigError(
            f"the file is larger than {limit} characters", file=file, cure="split it, or see what filled it"
        )
    return Budget(limit - len(text), include)
