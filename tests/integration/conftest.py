"""Real servers for the tests: each lab is private to its test or module and leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skulldns.lab import Lab
from tests.acme_faults import FaultyCa
from tests.integration.office import Pebble
from tests.support import require

_PROGRAMS = {
    "named": "bind9",
    "rndc": "bind9",
    "libvirtd": "libvirt-daemon",
    "setpriv": "util-linux",
}


@pytest.fixture(scope="session")
def lab_programs() -> None:
    """Skip where a server is not installed."""
    for program, package in _PROGRAMS.items():
        require(program, package=package)


@pytest.fixture
def lab(tmp_path: Path, lab_programs: None) -> Iterator[Lab]:  # noqa: ARG001 - it only has to be there
    """A lab of the test's own, with the daemon."""
    with Lab.up(tmp_path / "lab") as running:
        yield running


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Lab]:  # noqa: ARG001 - same
    """A lab without the daemon, shared by the tests of one module."""
    with Lab.up(tmp_path_factory.mktemp("servers") / "lab", daemon=False) as running:
        yield running


@pytest.fixture(scope="module")
def certifying(tmp_path_factory: pytest.TempPathFactory, lab_programs: None) -> Iterator[Lab]:  # noqa: ARG001 - same
    """A lab without the daemon and with its CA, shared by the tests of one module."""
    require("pebble", package="pebble")
    with Lab.up(tmp_path_factory.mktemp("certifying") / "lab", daemon=False, extra=["pebble"]) as running:
        yield running


@pytest.fixture
def pebble(certifying: Lab) -> Iterator[Pebble]:
    """That CA, with other options until the test ends."""
    changed = Pebble(certifying)
    yield changed
    changed.heal()


@pytest.fixture
def faulty(certifying: Lab) -> Iterator[FaultyCa]:
    """A proxy with faults in front of that CA."""
    with FaultyCa(certifying.info.raw["acme"]["directory"], certifying.info.directory / "ca") as proxy:
        yield proxy
