"""What a record says beside its data: octoDNS's options, ours, and what is not DNS."""

import difflib
import re
from collections.abc import Iterator
from typing import NamedTuple

from skulldns.desired.yamltext import Kind, Mapping, Node, Plain, Scalar, Sequence, error_at
from skulldns.errors import ConfigError

TARGET = "skulldns"
"""Our name as a target in octoDNS's ``included`` and ``excluded``."""

KEYS = ("type", "ttl", "value", "values", "octodns", "skulldns")
NOT_DATA = {
    "geo": "answers by place are not DNS data",
    "dynamic": "answers by rules are not DNS data",
}
OURS: dict[str, Plain] = {
    "reserved": {"type": "boolean", "description": "Whether no guest and no member may take this name."},
    "view": {"type": "string", "description": "The only view of the zone that has this record."},
}
"""Our options of a record, with the JSON Schema of each."""

_VIEW = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class Options(NamedTuple):
    """``published`` is False for what octoDNS leaves to other targets; ``reserved`` and ``view`` are ours."""

    published: bool = True
    reserved: bool = False
    view: str | None = None


DEFAULT = Options()


def read_options(node: Mapping, errors: list[ConfigError], warnings: list[ConfigError]) -> Options:
    """The options of a record; what is wrong with them goes to ``errors``, what has no effect to ``warnings``."""
    published, reserved, view = True, False, None
    for name, (key, value) in node.entries.items():
        if name in NOT_DATA:
            what = f"'{name}' is left out: {NOT_DATA[name]}"
            warnings.append(error_at(key, what, "the record's own values are published"))
        elif name == "octodns":
            published = _octodns(value, errors, warnings)
        elif name == "skulldns":
            reserved, view = _ours(value, errors)
        elif name not in KEYS:
            near = difflib.get_close_matches(name, KEYS, 1)
            cure = f"did you mean '{near[0]}'?" if near else f"a record has {', '.join(KEYS)}"
            errors.append(error_at(key, f'unknown key "{name}"', cure))
    return Options(published, reserved, view)


def _octodns(node: Node, errors: list[ConfigError], warnings: list[ConfigError]) -> bool:
    if not isinstance(node, Mapping):
        errors.append(error_at(node, "'octodns' must be a mapping", "write {lenient: true}"))
        return True
    published = True
    for name, (key, value) in node.entries.items():
        if name in ("ignored", "lenient"):
            flag = _flag(value, name, errors)
            published = published and not (flag and name == "ignored")
        elif name in ("included", "excluded"):
            targets = set(_targets(value, name, errors))
            if (TARGET in targets) == (name == "excluded"):
                published = False
                if name == "included":
                    cure = f"add '{TARGET}' to the list to publish it from here"
                    warnings.append(error_at(key, "the record is left out: it is for other targets", cure))
        else:
            what = f"'octodns: {name}' is left out: it is not DNS data"
            warnings.append(error_at(key, what, "the record's own values are published"))
    return published


def _ours(node: Node, errors: list[ConfigError]) -> tuple[bool, str | None]:
    reserved, view = False, None
    if not isinstance(node, Mapping):
        errors.append(error_at(node, "'skulldns' must be a mapping", "write {reserved: true}"))
        return reserved, view
    for name, (key, value) in node.entries.items():
        if name == "reserved":
            reserved = _flag(value, name, errors)
        elif name == "view":
            if isinstance(value, Scalar) and value.kind is Kind.TEXT and _VIEW.fullmatch(value.text):
                view = value.text
            else:
                errors.append(
                    error_at(value, "the view has no name", "write the name of one of the zone's views")
                )
        else:
            near = difflib.get_close_matches(name, OURS, 1)
            cure = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(OURS)}"
            errors.append(error_at(key, f"'skulldns' has no option \"{name}\"", cure))
    return reserved, view


def _flag(node: Node, name: str, errors: list[ConfigError]) -> bool:
    if isinstance(node, Scalar) and node.kind is Kind.BOOLEAN:
        return node.value is True
    errors.append(error_at(node, f"'{name}' must be true or false", "write it without quotes"))
    return False


def _targets(node: Node, name: str, errors: list[ConfigError]) -> Iterator[str]:
    items = node.items if isinstance(node, Sequence) else (node,)
    for item in items:
        if isinstance(item, Scalar) and item.kind is Kind.TEXT:
            yield item.text
        else:
            errors.append(error_at(item, f"'{name}' lists names of targets", f"write [{TARGET}]"))
