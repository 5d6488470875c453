"""YAML text to plain values that know their line and column. Never objects; of tags only ``!include``, on demand.

Anchors, aliases and merge keys work as in octoDNS's files; what aliases repeat is bounded. Scalars follow
YAML 1.1, as PyYAML and octoDNS read them, but keep how they were written, so that ``no``, ``1.10`` or
``12:30:45`` where text is due becomes an error with a hint instead of a surprise.
"""

from collections.abc import Iterator

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
from skulldns.errors import ConfigError

__all__ = [
    "Include",
    "Kind",
    "Mapping",
    "Node",
    "Plain",
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
        raise empty_file(file)
    return root, budget.errors


def stream_yaml(
    text: str, file: str, limit: int, errors: list[ConfigError], include: Include | None = None
) -> Iterator[tuple[Scalar, Node]]:
    """The entries of one YAML document that is a mapping, one by one; what leaves a tree goes to ``errors``.

    ``include`` reads what ``!include`` names; ``limit`` holds for all files together. An explicit empty
    document (``---``) has no entries; a file with nothing in it raises ``ConfigError``, as what is no YAML does.
    """
    budget = _budget(text, file, limit, include)
    budget.errors = errors
    composer = Composer(text, file, budget)
    yield from composer.entries()
    if not composer.document:
        raise empty_file(file)


def empty_file(file: str) -> ConfigError:
    """The error for a file that says nothing, not even that nothing is meant."""
    return ConfigError(
        "the file is empty", file=file, line=1, column=1, cure="write {} if nothing is what it should say"
    )


def _budget(text: str, file: str, limit: int, include: Include | None) -> Budget:
    if len(text) > limit:
        raise ConfigError(
            f"the file is larger than {limit} characters", file=file, cure="split it, or see what filled it"
        )
    return Budget(limit - len(text), include)
