"""Rules for the text of the project's files that no other tool keeps."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rooms import ROOT

_DIRECTORIES = ("skulldns", "webui", "tests", "benchmarks", "docs", "packaging", "zones", "proxy_templates")
_THIS = Path(__file__)

# A wait is for an event or a deadline of the thing waited for, never for a length of time.
_SLEEP = re.compile(r"\btime\.sleep\(|\bfrom time import [^\n]*\bsleep\b")
# Nothing may depend on the machine it was written on, or name where its packages came from.
_MACHINE = re.compile(r"(?<![\w.*}-])/(?:root|work|home/\w+)/|\bpypi\.org\b|\bpythonhosted\.org\b")


def _files() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != "LICENSE")
    for directory in _DIRECTORIES:
        for path in sorted((ROOT / directory).rglob("*")):
            if (
                path.is_file()
                and "__pycache__" not in path.parts
                and path != _THIS
                and path.suffix != ".webp"
            ):
                yield path


def _lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_tests_do_not_sleep() -> None:
    tests = [path for path in _files() if path.is_relative_to(ROOT / "tests") and path.suffix == ".py"]
    assert _lines_with(_SLEEP, tests) == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    assert _lines_with(_MACHINE, list(_files())) == []


@pytest.mark.parametrize("line", ["    time.sleep(0.1)", "from time import monotonic, sleep"])
def test_a_sleep_is_found(line: str) -> None:
    assert _SLEEP.search(line)


@pytest.mark.parametrize(
    "line", ["/root/x", "see /work/main", "'/home/somebody/zones'", "https://pypi.org/simple"]
)
def test_a_path_of_a_machine_is_found(line: str) -> None:
    assert _MACHINE.search(line)


@pytest.mark.parametrize("line", ["build/root/x", "../work/x", "/var/lib/skulldns", "{{ directory }}/work/x"])
def test_another_path_passes(line: str) -> None:
    assert not _MACHINE.search(line)
