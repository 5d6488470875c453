"""The API keeps to its own OpenAPI document, whatever is sent to it (schemathesis, on the WSGI application)."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

from skulldns.model.members import Actor
from skulldns.model.tokens import Scope
from tests.unit.deskworld import RULES
from tests.webworld import Page, page
from webui.api.operations import OPERATIONS
from webui.desk import handing, tokens
from webui.settings import WebSettings

_CONFIG = {
    # The rules judge what has the right form; a refusal by them is a 422.
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422"]},
        "negative_data_rejection": {"expected-statuses": ["400", "404", "413", "414", "415", "422"]},
    },
}
_EXAMPLES = 20
_RIGHT, _WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
# Of what is only named in the path every text has the right form.
_TRIALS = [(one.id, _RIGHT) for one in OPERATIONS] + [
    (one.id, _WRONG) for one in OPERATIONS if one.body is not None or one.query is not None
]
_TO_GUEST = {"kind": "guest", "guest": "guest-alice", "port": 8080}
_GOOD: dict[str, dict[str, Any]] = {
    "look": {"query": {"name": "free"}},
    "put_name": {"body": {"target": _TO_GUEST}},
    "put_target": {"body": {"kind": "redirect", "url": "https://example.org/"}},
    "put_options": {"body": {"hsts": 3600}},
    "put_records": {"body": {"records": []}},
    "put_holder": {"body": {"login": "bob"}},
}
"""What each operation that needs more than a path does something good with."""


@dataclass
class Api:
    """The document as the page serves it; every request has a living token and meets living things."""

    page: Page
    schema: OpenApiSchema
    token: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def living(self, operation: str, parameter: str) -> str:
        """A new name, offered where it is about offers, or a new token that nobody uses, of the member who asks."""
        label = f"living{next(self._numbers)}"
        if operation in {"accept_offer", "decline_offer"}:
            offered = self.page.claim(label, login="bob")
            handing.offer(self.page.desk, Actor("bob"), offered.id, "alice", self.page.clock.time)
            return label
        if parameter == "name":
            self.page.claim(label)
            return label
        return tokens.make(self.page.desk, Actor("alice"), label, [Scope.READ], [], self.page.clock.time)[
            0
        ].id

    def call(self, case: Case[Any]) -> int:
        """Send it and have schemathesis judge the answer; gives the status."""
        status = case.call_and_validate(headers=_authorized(self.token)).status_code
        assert status not in {401, 429}, "the token is good all the while"
        self.answers[case.operation.definition.raw["operationId"], status] += 1
        return status


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with TemporaryDirectory() as directory:
        rules = replace(RULES, quota=100_000)
        here = page(Path(directory), rules, WebSettings("http://localhost", b"k" * 32))
        here.clock.step = 1.0  # so that nobody asks too often
        here.claim("wiki")
        here.claim("bobs", login="bob")
        token = here.token()
        config = schemathesis.Config.from_dict(_CONFIG)
        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", here.app, config=config)
        schema.config.update(headers=_authorized(token))
        found = Api(here, schema, token)
        yield found
        asked = here.client().get("/api/v1/tokens", base_url="http://localhost", headers=_authorized(token))
        assert asked.status_code == 200, "no call has revoked the token that all came with"


@pytest.mark.parametrize("name", [one.id for one in OPERATIONS])
def test_each_operation_does_what_it_is_for(api: Api, name: str) -> None:
    operation = api.schema.find_operation_by_id(name)
    declared = next(one for one in OPERATIONS if one.id == name)
    path = {parameter: api.living(name, parameter) for parameter in declared.parameters}
    case = operation.Case(
        path_parameters=path,
        media_type=None if declared.body is None else "application/json",
        **_GOOD.get(name, {}),
    )
    assert api.call(case) in declared.answers


@pytest.mark.parametrize(("name", "mode"), _TRIALS)
def test_the_api_is_what_its_document_says(api: Api, name: str, mode: GenerationMode) -> None:
    operation = api.schema.find_operation_by_id(name)
    cases = operation.as_strategy(generation_mode=mode)

    @hypothesis.given(case=cases, living=st.booleans())
    @hypothesis.settings(max_examples=_EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck))
    def check(case: Case[Any], *, living: bool) -> None:
        if living:
            case.path_parameters = {one: api.living(name, one) for one in case.path_parameters or {}}
            if mode is _RIGHT:  # in a wrong one the guest may be what is wrong
                _lead_to_own_guest(case.body)
        api.call(case)

    check()


def _authorized(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _lead_to_own_guest(body: object) -> None:
    """Let a target that is well formed lead to the member's guest: of others the rules refuse all."""
    if isinstance(body, dict):
        target = body.get("target", body)
        if (
            isinstance(target, dict)
            and target.get("kind") == "guest"
            and isinstance(target.get("guest"), str)
        ):
            target["guest"] = "guest-alice"
