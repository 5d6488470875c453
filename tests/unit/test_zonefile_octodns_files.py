"""The files of octoDNS's own tests, as they are in its source distribution; `make install` lays it into .venv."""

import logging
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from skulldns.errors import ConfigError
from tests.support import on_ci
from tests.unit.test_zonefile_octodns import Records, octodns_records, our_records

_FILES = Path(sys.prefix) / f"octodns-{version('octodns')}" / "tests" / "config"

_BOGUS_HEALTHCHECK = {
    "zone-disable-validators/zone-disable-validators-a.tests.yaml",
    "zone-disable-validators/zone-disable-validators-b.tests.yaml",
}
"""Files that octoDNS refuses for an option that is left out here, since it is no DNS data."""

_SPLIT = ("split/*.tst", "hybrid/*.")
_RECORDS = 71
"""How many RRsets the files of octoDNS 1.22 have in all."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """octoDNS 1.22 warns of what its next version will do otherwise."""
    logging.getLogger("octodns").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def files() -> Path:
    if not _FILES.is_dir():
        reason = f"{_FILES} is missing; `make install` fetches it"
        if on_ci():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return _FILES


def _places(files: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Each zone file, and each directory of a split zone with octoDNS's options for it."""
    split = [directory for pattern in _SPLIT for directory in sorted(files.glob(pattern))]
    inside = {file for directory in split for file in directory.iterdir()}
    options = {"disable_zonefile": True}
    whole: list[tuple[Path, dict[str, Any]]] = [
        (file, {}) for file in sorted(files.rglob("*.yaml")) if file not in inside
    ]
    return whole + [(one, {**options, "split_extension": one.suffix or "."}) for one in split]


def _both(path: Path, options: dict[str, Any]) -> tuple[Records | Exception, Records | ConfigError]:
    name = path.name.removesuffix(".yaml").removesuffix(".tst").rstrip(".") + "."
    theirs: Records | Exception
    ours: Records | ConfigError
    try:
        theirs = octodns_records(path.parent, name, **options)
    except Exception as error:  # noqa: BLE001 - octoDNS raises what comes up
        theirs = error
    try:
        ours = our_records(path, name)
    except ConfigError as error:
        ours = error
    return theirs, ours


def test_they_are_read_as_octodns_reads_them_and_the_broken_ones_are_refused(files: Path) -> None:
    read, refused, different = 0, 0, set()
    for path, options in _places(files):
        theirs, ours = _both(path, options)
        if isinstance(ours, ConfigError):
            refused += 1
            assert all(line.startswith(f"{files}/") and "; " in line for line in str(ours).splitlines())
        if isinstance(theirs, Exception) and isinstance(ours, ConfigError):
            continue
        if theirs == ours:
            read += len(ours) if isinstance(ours, dict) else 0
        else:
            different.add(str(path.relative_to(files)))
    assert different == _BOGUS_HEALTHCHECK
    assert read >= _RECORDS
    assert refused
