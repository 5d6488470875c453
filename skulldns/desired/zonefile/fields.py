"""The fields of structured values: from YAML to presentation format, back, and as JSON Schema."""

import re
from dataclasses import dataclass
from typing import Protocol

from skulldns.desired.yamltext import Kind, Mapping, Node, Plain, Scalar, Sequence, shown
from skulldns.desired.zonefile.where import Where, text_of

_DIGITS = re.compile(r"[0-9]{1,10}")
_DECIMAL = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_WORD = re.compile(r"[^\s\"();\\]+")
_ESCAPE_OR_QUOTE = re.compile(r'\\.|"')
_ESCAPE = re.compile(r"\\([0-9]{3}|.)")
_LISTS = frozenset({"alpn", "ipv4hint", "ipv6hint", "mandatory"})


class Form(Protocol):
    """How one field is written."""

    def render(self, node: Node, name: str, where: Where) -> str:
        """The field in presentation format; raises ``ConfigError`` at ``node``."""
        ...

    def plain(self, text: str) -> Plain:
        """The value for YAML of the field's ``text`` in presentation format."""
        ...

    def schema(self) -> dict[str, Plain]:
        """The field's JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from 0 to ``limit``; octoDNS takes it in quotes too."""

    limit: int

    def render(self, node: Node, name: str, where: Where) -> str:
        if (
            isinstance(node, Scalar)
            and node.kind in (Kind.INTEGER, Kind.TEXT)
            and _DIGITS.fullmatch(node.text)
            and int(node.text) <= self.limit
        ):
            return node.text
        said = f" {shown(node.text)}" if isinstance(node, Scalar) else ""
        cure = f"write a whole number from 0 to {self.limit}"
        raise where.error(node, f"{name}{said} is out of range", cure)

    def plain(self, text: str) -> Plain:
        return int(text)

    def schema(self) -> dict[str, Plain]:
        return {"type": "integer", "minimum": 0, "maximum": self.limit}


@dataclass(frozen=True, slots=True)
class Decimal:
    """A number with an optional fraction; ``unit`` follows it in presentation format."""

    unit: str = ""

    def render(self, node: Node, name: str, where: Where) -> str:
        if isinstance(node, Scalar) and _DECIMAL.fullmatch(node.text):
            return node.text + self.unit
        raise where.error(node, f"{name} must be a number", "write it like 12.5")

    def plain(self, text: str) -> Plain:
        number = float(text.removesuffix(self.unit) if self.unit else text)
        return int(number) if number.is_integer() else number

    def schema(self) -> dict[str, Plain]:
        return {"type": "number"}


@dataclass(frozen=True, slots=True)
class Word:
    """Text without blanks and quotes; ``upper`` for octoDNS's fields that may be in either case."""

    upper: bool = False

    def render(self, node: Node, name: str, where: Where) -> str:
        text = text_of(node, name, where)
        if not _WORD.fullmatch(text):
            raise where.error(
                node, f"{name} {shown(text)} is not one word", "write it without blanks and quotes"
            )
        return text.upper() if self.upper else text

    def plain(self, text: str) -> Plain:
        return text.replace(" ", "")

    def schema(self) -> dict[str, Plain]:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class String:
    """A character-string. Escapes stay, since octoDNS passes them on; bare quotes get one."""

    empty: bool = False
    upper: bool = False

    def render(self, node: Node, name: str, where: Where) -> str:
        if self.empty and isinstance(node, Scalar) and node.kind is Kind.EMPTY:
            return '""'
        text = text_of(node, name, where)
        return quoted(text.upper() if self.upper else text)

    def plain(self, text: str) -> Plain:
        return text[1:-1] if text.startswith('"') else text

    def schema(self) -> dict[str, Plain]:
        return {"type": ["string", "null"] if self.empty else "string"}


@dataclass(frozen=True, slots=True)
class Target:
    """A full domain name."""

    def render(self, node: Node, name: str, where: Where) -> str:
        text = text_of(node, name, where)
        if not text.endswith("."):
            raise where.relative(node, text)
        return text

    def plain(self, text: str) -> Plain:
        return text

    def schema(self) -> dict[str, Plain]:
        return {"type": "string", "pattern": r"\.$"}


@dataclass(frozen=True, slots=True)
class Params:
    """SvcParams (RFC 9460 section 2.1): ``{alpn: [h2, h3], port: 8443, no-default-alpn: }``."""

    def render(self, node: Node, name: str, where: Where) -> str:
        if isinstance(node, Scalar) and node.kind is Kind.EMPTY:
            return ""
        if not isinstance(node, Mapping):
            raise where.error(node, f"{name} must be a mapping", "write {alpn: [h2], port: 443}")
        rendered = []
        for key, value in node.entries.values():
            word = Word().render(key._replace(kind=Kind.TEXT), "parameter", where)
            if isinstance(value, Scalar) and value.kind is Kind.EMPTY:
                rendered.append(word)
            else:
                items = value.items if isinstance(value, Sequence) else (value,)
                texts = [_param(item, word, where) for item in items]
                rendered.append(f"{word}={quoted(','.join(texts))}")
        return " ".join(rendered)

    def plain(self, text: str) -> Plain:
        params: dict[str, Plain] = {}
        for token in tokens(text):
            key, equals, value = token.partition("=")
            value = value.strip('"')
            if not equals:
                params[key] = None
            elif key in _LISTS:
                params[key] = list(value.split(","))
            else:
                params[key] = int(value) if key == "port" else value
        return params

    def schema(self) -> dict[str, Plain]:
        return {"type": ["object", "null"]}


def _param(node: Node, name: str, where: Where) -> str:
    if isinstance(node, Scalar) and node.kind is Kind.INTEGER:
        return node.text
    return text_of(node, name, where)


def quoted(text: str) -> str:
    """``text``, which may have escapes, as a quoted character-string."""
    escaped = _ESCAPE_OR_QUOTE.sub(lambda match: '\\"' if match[0] == '"' else match[0], text)
    return f'"{escaped}"'


_TOKEN = re.compile(r'(?:"(?:\\.|[^"\\])*"|\\.|[^\s"\\])+')


def tokens(text: str) -> list[str]:
    """The tokens of presentation format, quotes and escapes kept."""
    return _TOKEN.findall(text)
