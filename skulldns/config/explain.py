"""pydantic's errors, in an admin's words and at their place in the file."""

import difflib
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from skulldns.desired.yamltext import Kind, Mapping, Node, Scalar, Sequence, misread, shown, walk
from skulldns.errors import ConfigError

_KEY = "[key]"
"""How pydantic calls the key of a mapping in a location."""

Location = tuple[int | str, ...]
_NOT_USED = frozenset({Kind.DECIMAL, Kind.NOTATION, Kind.DATE, Kind.EMPTY})
_DUE = {
    "string_type": ("text", "write one value"),
    "int_type": ("a whole number", "write it without quotes and unit"),
    "bool_type": ("true or false", "write it without quotes"),
    "tuple_type": ("a list", "write it like [a, b]"),
    "dict_type": ("a mapping", "write it like {key: value}, and check the indentation"),
    "model_type": ("a mapping", "write it like {key: value}, and check the indentation"),
    "model_attributes_type": ("a mapping", "write it like {key: value}, and check the indentation"),
}


def find(root: Node, location: Location) -> tuple[Node, Scalar | None]:
    """The node at ``location`` and its key. Parts not in the file (a union's tag) are passed over."""
    node, key = root, None
    for part in location:
        if isinstance(node, Mapping) and str(part) in node.entries:
            key, node = node.entries[str(part)]
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node, key


def error_at(root: Node, file: str, location: Location, what: str, cure: str) -> ConfigError:
    """A ``ConfigError`` at the value of ``location``."""
    node, _ = find(root, location)
    return ConfigError(what, file=file, line=node.line, column=node.column, cure=cure)


def unusable(root: Node, file: str) -> list[ConfigError]:
    """Errors for values that no key of the config takes: decimal numbers, dates, nothing at all."""
    return [
        misread(scalar, "the value", file)
        if scalar.kind is not Kind.EMPTY
        else ConfigError(
            "the value is missing",
            file=file,
            line=scalar.line,
            column=scalar.column,
            cure="write it, or take the key out",
        )
        for scalar in walk(root)
        if scalar.kind in _NOT_USED
    ]


def explain(error: ValidationError, model: type[BaseModel], root: Node, file: str) -> list[ConfigError]:
    """Each of pydantic's errors at its place; values that ``unusable`` reports are left out."""
    explained = []
    for detail in error.errors(include_url=False, include_input=False):
        node, key = find(root, detail["loc"])
        if isinstance(node, Scalar) and node.kind in _NOT_USED:
            continue
        name = str(detail["loc"][-1]) if detail["loc"] else "the file"
        if detail["type"] == "extra_forbidden" and key is not None:
            line, column = key.line, key.column
            what, cure = f"unknown key {shown(name)}", _nearest(name, _keys(model, detail["loc"][:-1]))
        else:
            at = key if key is not None and detail["loc"][-1] == _KEY else node
            line, column = at.line, at.column
            what, cure = _sentence(detail, name, node)
        explained.append(ConfigError(what, file=file, line=line, column=column, cure=cure))
    return explained


def _sentence(detail: ErrorDetails, name: str, node: Node) -> tuple[str, str]:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "admin":
            said = str(context["what"]), str(context["cure"])
        case "missing":
            said = f"the key {shown(name)} is missing", f"add '{name}:'"
        case "union_tag_not_found":
            said = 'the key "kind" is missing', "add 'kind:'"
        case "union_tag_invalid":
            said = "the kind is unknown", f"write one of {_listed(context['expected_tags'])}"
        case "enum" | "literal_error":
            given = f" {shown(node.text)}" if isinstance(node, Scalar) else " this"
            said = f"{shown(name)} cannot be{given}", f"write {_listed(context['expected'])}"
        case "string_type" if isinstance(node, Scalar):
            said = f"{shown(name)} must be text, but YAML reads {node.kind}", f"quote it: '{node.text}'"
        case kind if kind in _DUE:
            due, cure = _DUE[kind]
            said = f"{shown(name)} must be {due}", cure
        case "greater_than_equal" | "less_than_equal":
            limit = f"{context['ge']} or more" if "ge" in context else f"{context['le']} or less"
            said = f"{shown(name)} is out of range", f"write {limit}"
        case "too_short":
            said = f"{shown(name)} is empty", "write at least one"
        case _:
            said = f"{shown(name)} is not right: {detail['msg']}", "correct it"
    return said


def _listed(expected: object) -> str:
    return str(expected).replace("'", "")


def _nearest(name: str, keys: list[str]) -> str:
    near = difflib.get_close_matches(name.lower(), keys, 1)
    return f"did you mean '{near[0]}'?" if near else f"the keys here are {', '.join(keys)}"


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that the section at ``location`` knows."""
    models = [model]
    for part in location:
        inner = [found for each in models for found in _inside(each, part)]
        models = inner or models
    return list(dict.fromkeys(key for each in models for key in each.model_fields))


def _inside(model: type[BaseModel], part: int | str) -> list[type[BaseModel]]:
    """The sections one step below; for a union's tag, the one section of that kind."""
    field = model.model_fields.get(str(part))
    if field is not None:
        return list(sections(field.annotation))
    kind = model.model_fields.get("kind")
    tags = get_args(kind.annotation) if kind is not None and get_origin(kind.annotation) is Literal else ()
    return [model] if part in tags else []


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """All sections that a field's type speaks of, in unions, lists and mappings too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from sections(inner)
