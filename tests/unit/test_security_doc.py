"""docs/security.md names every requirement of ASVS 5.0.0, levels 1 and 2, once, and only tests that exist."""

import ast
import re
from collections import Counter

import pytest

from tests.rooms import ROOT

_DOCUMENT = (ROOT / "docs/security.md").read_text()
_WEB = "tests/web/"

# How many requirements of levels 1 and 2 each section has; those that are left out are of level 3 (OWASP ASVS 5.0.0).
_SECTIONS = """
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4 5.1:1 5.2:3
5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3
9.2:4 10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4
13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4
17.3:2
"""


def _wanted() -> set[str]:
    found = (one.split(":") for one in _SECTIONS.split())
    return {f"{section}.{number}" for section, count in found for number in range(1, int(count) + 1)}


def _rows() -> list[list[str]]:
    lines = re.findall(r"^\| (\d+\.\d+\.\d+.*) \|$", _DOCUMENT, re.MULTILINE)
    return [line.split(" | ") for line in lines]


def _named() -> list[str]:
    return sorted(set(re.findall(r"[\w/]+\.py::\w*", _DOCUMENT)))


def test_every_requirement_stands_there_once() -> None:
    numbers = Counter(number for row in _rows() for number in row[0].split(", "))
    assert numbers.keys() == _wanted()
    assert [number for number, count in numbers.items() if count > 1] == []


def test_every_row_is_whole() -> None:
    assert [row[0] for row in _rows() if len(row) not in {2, 4} or not all(map(str.strip, row))] == []


def test_what_is_not_about_documents_has_a_test_or_a_reason() -> None:
    body = _DOCUMENT.partition("## Deviations")[0]
    bare = re.findall(r"^\| (\d+\.\d+\.\d+[^|]*) \|(?! says the docs)[^\n]*\| - \|$", body, re.MULTILINE)
    assert bare == []


@pytest.mark.parametrize("name", _named())
def test_every_named_test_exists(name: str) -> None:
    path, _, function = name.partition("::")
    file = ROOT / (path if "/" in path else f"{_WEB}{path}")
    assert file.is_file(), file
    functions = {one.name for one in ast.parse(file.read_text()).body if isinstance(one, ast.FunctionDef)}
    assert function in functions
