"""What is no YAML text at all, in an admin's words."""

import re

import yaml

from skulldns.desired.yamlnodes import shown
from skulldns.errors import ConfigError

_NOT_YAML = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

_CURES = {
    "mapping values are not allowed": "quote a value that holds ': ', and check the indentation",
    "could not find expected ':'": "write 'key: value'",
    "did not find expected key": "check the indentation, and close quotes, brackets and braces",
    "expected ',' or": "close the bracket or brace",
    "unexpected end of stream": "close the quotes",
    "found character that cannot start": "quote the value",
}


def check_characters(text: str, file: str) -> None:
    """Raise ``ConfigError`` for a byte order mark and for characters that YAML does not have."""
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


def unreadable(error: yaml.YAMLError, text: str, file: str) -> ConfigError:
    """PyYAML's ``error`` for ``text``, at its place and with a cure."""
    if isinstance(error, yaml.MarkedYAMLError):
        return _syntax_error(error, text, file)
    return ConfigError(f"not YAML: {shown(str(error))}", file=file, cure="save it as UTF-8 text")


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
    if "document start" in problem:
        what, cure = "something stands after the line '...', which ends the file", "put it above that line"
    elif line <= len(lines) and lines[line - 1].strip() == "{}":
        what, cure = "'{}' stands for nothing, but other lines say something", "take it out"
    elif rest.startswith("\t") or "\\t" in problem or "tab character" in problem:
        what, cure = "a tab cannot indent YAML", "use spaces"
    else:
        what = f"not valid YAML: {problem}"
        cures = (cure for part, cure in _CURES.items() if part in problem)
        cure = next(cures, "look at this line and the one above")
    return ConfigError(what, file=file, line=line, column=column, cure=cure)
