"""The API keeps to its own OpenAPI document, whatever is sent to it (schemathesis, on the WSGI application)."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.webworld import page
from webui.api.operations import OPERATIONS
from webui.settings import WebSettings

_CONFIG = {
    # The rules judge what has the right form; a refusal by them is a 422.
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422"]},
        "negative_data_rejection": {"expected-statuses": ["400", "404", "413", "415", "422"]},
    },
}
_EXAMPLES = 20
_RIGHT, _WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
# Of what is only named in the path every text has the right form.
_TRIALS = [(one.id, _RIGHT) for one in OPERATIONS] + [
    (one.id, _WRONG) for one in OPERATIONS if one.body is not None or one.query is not None
]


@pytest.fixture(scope="module")
def api() -> Iterator[OpenApiSchema]:
    """The document as the page serves it, with a token for everything and two names there."""
    with TemporaryDirectory() as directory:
        here = page(Path(directory), settings=WebSettings("http://localhost", b"k" * 32))
        here.clock.step = 1.0  # so that nobody asks too often
        here.claim("wiki")
        here.claim("bobs", login="bob")
        token = here.token()
        config = schemathesis.Config.from_dict(_CONFIG)
        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", here.app, config=config)
        schema.config.update(headers={"Authorization": f"Bearer {token}"})
        yield schema


@pytest.mark.parametrize(("name", "mode"), _TRIALS)
def test_the_api_is_what_its_document_says(api: OpenApiSchema, name: str, mode: GenerationMode) -> None:
    operation = api.find_operation_by_id(name)

    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    @hypothesis.settings(max_examples=_EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck))
    def check(case: Case[Any]) -> None:
        case.call_and_validate()

    check()
