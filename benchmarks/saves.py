"""Saving a zone file while the daemon runs: until both servers serve it, and until `status` says what is wrong.

Each save takes place as editors do it, in two ways: into the file, and as a new file in its place.
"""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.rows import Row
from skulldns.daemon.control import ask
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both

_SAVES = 20
_PATIENCE = 60.0


def run() -> list[Row]:
    """Measure in a lab of its own."""
    with Lab.up() as lab:
        file = lab.info.directory / "zones" / f"{lab.info.zone}.yaml"
        ways: dict[str, Callable[[Path, str], object]] = {
            "into the file": Path.write_text,
            "in its place": _replace,
        }
        rows = []
        for title, save in ways.items():
            good, bad = zip(*(_saved(lab, file, save) for _ in range(_SAVES)), strict=True)
            rows += [
                Row(f"saved {title}: served by both, median", median(good) * 1000, "ms", "1,000 at most"),
                Row(f"saved {title}: served by both, slowest", max(good) * 1000, "ms", "1,000 at most"),
                Row(f"broken save {title}: said by status, slowest", max(bad) * 1000, "ms", "1,000 at most"),
            ]
        return rows


def _saved(lab: Lab, file: Path, save: Callable[[Path, str], object]) -> tuple[float, float]:
    """Seconds until a new record is served, and until a broken line is said; then it is taken out again."""
    before = file.read_text()
    line = before.count("\n") + 1
    name = f"saved{line}"
    good = before + f"{name}: {{type: A, value: 127.7.200.1}}\n"
    begun = perf_counter()
    save(file, good)
    until(lambda: all(both(lab, f"{name}.{lab.info.zone}")), f"{name} on both servers", patience=_PATIENCE)
    served = perf_counter() - begun
    place = f"{file}:{line + 1}:"
    begun = perf_counter()
    save(file, good + "broken: {type: A, value: 127.7.200.999}\n")
    until(lambda: place in str(_problems(lab)), f"{place} in status", patience=_PATIENCE)
    said = perf_counter() - begun
    save(file, good)
    until(lambda: not _problems(lab), "the end of the error", patience=_PATIENCE)
    return served, said


def _problems(lab: Lab) -> list[str]:
    found: list[str] = ask(lab.info.directory / "state", "status")["problems"]
    return found


def _replace(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)
