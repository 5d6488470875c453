"""The type that a value belongs to, for its errors."""

from typing import NamedTuple

import dns.rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from skulldns.desired.yamltext import Kind, Node, Scalar, error_at, misread
from skulldns.errors import ConfigError


class Where(NamedTuple):
    r"""What the values belong to. ``semicolons`` says whether TXT writes ``;`` as ``\;``, as octoDNS does."""

    zone: Name
    type: RdataType
    semicolons: bool = True

    def error(self, node: Node, what: str, cure: str) -> ConfigError:
        """An error at ``node``; ``what`` follows the type's name."""
        return error_at(node, f"{dns.rdatatype.to_text(self.type)} {what}", cure)

    def relative(self, node: Node, text: str) -> ConfigError:
        """The error for a name that lacks its final dot: octoDNS and servers would each make another name of it."""
        zone = self.zone.to_text()
        if text in ("@", ""):
            return self.error(node, f'value "{text}" is not a full name', f"write '{zone}'")
        return self.error(node, f'value "{text}" has no trailing dot', f"write '{text}.' or '{text}.{zone}'")


def text_of(node: Node, name: str, where: Where) -> str:
    """The text of a scalar; ``ConfigError`` for what YAML takes for something else."""
    if not isinstance(node, Scalar):
        raise where.error(node, f"{name} must be text", "write one value")
    if node.kind is not Kind.TEXT:
        raise misread(node, name, node.file)
    return node.text
