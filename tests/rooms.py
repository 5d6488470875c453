"""What a module of a pure room may import and call.

import-linter keeps the rooms apart from each other; this keeps the pure ones apart from the world. It is an
allow-list, so that a new library is a decision rather than an accident. It reads syntax only: it stops what
happens by mistake, not somebody who hides a call on purpose.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_STDLIB = frozenset(
    "__future__ abc base64 binascii bisect collections copy dataclasses datetime difflib enum fnmatch functools"
    " hashlib heapq hmac ipaddress itertools json math operator re string struct textwrap types typing"
    " unicodedata uuid weakref".split()
)
# dnspython's values and its readers of text and wire format; not dns.query and dns.resolver, which send.
_DNSPYTHON = frozenset(
    "dns.dnssec dns.exception dns.flags dns.message dns.name dns.node dns.opcode dns.rcode dns.rdata dns.rdataclass"
    " dns.rdataset dns.rdatatype dns.rdtypes dns.reversename dns.rrset dns.serial dns.tokenizer dns.tsig"
    " dns.tsigkeyring dns.ttl dns.update dns.wire dns.xfr dns.zone".split()
)
# Allowed modules have these doors to the clock, to randomness and to files.
_DOORS = {
    "datetime.date.today": "the clock",
    "datetime.datetime.now": "the clock",
    "datetime.datetime.today": "the clock",
    "datetime.datetime.utcnow": "the clock",
    "dns.message.from_file": "a file",
    "dns.zone.from_file": "a file",
    "uuid.getnode": "the machine",
    "uuid.uuid1": "the clock",
    "uuid.uuid4": "randomness",
}
_BUILTIN_DOORS = {
    "__import__": "any module",
    "breakpoint": "the terminal",
    "eval": "anything",
    "exec": "anything",
    "input": "the terminal",
    "open": "a file",
    "print": "the terminal",
}


@dataclass(frozen=True)
class Room:
    """A pure room: the modules below `package`, or the modules whose name starts with it."""

    package: str
    neighbours: frozenset[str] = frozenset({"skulldns.errors", "skulldns.model"})
    libraries: frozenset[str] = frozenset()

    def allows(self, module: str) -> bool:
        """Whether a module of this room may import `module`."""
        allowed = self.neighbours | self.libraries | _STDLIB | _DNSPYTHON
        parents = accumulate(module.split("."), "{}.{}".format)
        return module.startswith(self.package) or not allowed.isdisjoint(parents)

    def files(self) -> list[Path]:
        """Return the room's modules that exist."""
        base = ROOT / self.package.replace(".", "/")
        if base.is_dir():
            return sorted(base.rglob("*.py"))
        return sorted([*base.parent.glob(f"{base.name}*.py"), *base.parent.glob(f"{base.name}*/**/*.py")])


ROOMS = (
    Room("skulldns.model", neighbours=frozenset({"skulldns.errors"})),
    Room(
        "skulldns.desired",
        # yaml parses text; the others read no file but the Unicode and suffix tables that they bring
        libraries=frozenset("confusable_homoglyphs idna publicsuffixlist urllib.parse yaml".split()),
    ),
    Room("skulldns.plan"),
    Room("skulldns.targets.dnswire"),
    Room(
        "skulldns.targets.nsconfig",
        libraries=frozenset("jinja2.BaseLoader jinja2.Environment jinja2.StrictUndefined".split()),
    ),
    Room(
        "skulldns.targets.vhost",
        libraries=frozenset(
            # jinja2 without the loaders that read files
            "jinja2.BaseLoader jinja2.Environment jinja2.StrictUndefined jinja2.TemplateError"
            " pathlib.PurePosixPath urllib.parse".split()
        ),
    ),
)


@dataclass(frozen=True)
class Breach:
    """One line that breaks a room's law."""

    line: int
    what: str


def breaches(source: str, room: Room) -> list[Breach]:
    """Return what in the Python text `source` breaks the law of `room`, by line."""
    tree = ast.parse(source)
    found = [*_imports(tree, room), *_doors(tree, _origins(tree))]
    return sorted(set(found), key=lambda breach: (breach.line, breach.what))


def _imports(tree: ast.AST, room: Room) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if not room.allows(alias.name):
                    yield Breach(node.lineno, f"imports {alias.name}")
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                yield Breach(node.lineno, "imports by a relative name")
            elif not room.allows(module):
                # `from dns import name` imports a module that may be allowed though its package is not.
                for alias in node.names:
                    if not room.allows(f"{module}.{alias.name}"):
                        yield Breach(node.lineno, f"imports {module}.{alias.name}")


def _origins(tree: ast.AST) -> dict[str, str]:
    """Return for each imported name of the module what it stands for, as `dt` for `datetime.datetime`."""
    origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                origins[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return origins


def _doors(tree: ast.AST, origins: Mapping[str, str]) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _BUILTIN_DOORS and node.id not in origins:
            yield Breach(node.lineno, f"uses {node.id}: {_BUILTIN_DOORS[node.id]}")
        elif isinstance(node, ast.Attribute | ast.Name):
            name = _full_name(node, origins)
            if name in _DOORS:
                yield Breach(node.lineno, f"uses {name}: {_DOORS[name]}")
            elif name.startswith("dns.") and name.count(".") == 1 and name not in _DNSPYTHON:
                yield Breach(node.lineno, f"uses {name}")


def _full_name(node: ast.expr, origins: Mapping[str, str]) -> str:
    """Return the dotted name of an attribute of something imported, else an empty string."""
    if isinstance(node, ast.Name):
        return origins.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = _full_name(node.value, origins)
        return f"{base}.{node.attr}" if base else ""
    return ""
