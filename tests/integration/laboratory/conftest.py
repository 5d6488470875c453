"""One laboratory for the tests of a module: it boots in seconds, but two cores are few for many of them."""

from collections.abc import Iterator

import pytest

from tests.laboratory.laboratory import Laboratory
from tests.laboratory.needs import require_laboratory


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    """An empty laboratory; its hypervisors start at their first use."""
    require_laboratory()
    with Laboratory.up() as running:
        yield running
