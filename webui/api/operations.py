"""Operations of the API: what each is called, takes and answers, and how a request becomes a call.

A view is declared once (``operation``); from that come its route, the check of its token and body, and its part of the
OpenAPI document. It gets the caller, then what stands in its path, and ``body`` and ``query`` if it takes them; it
returns a body, a body with its status, or an answer of its own. ``body`` is a model or a union of models.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from flask import Blueprint, Response, request
from pydantic import BaseModel, TypeAdapter, ValidationError

from skulldns.errors import Refused, SkullDNSError
from skulldns.model.tokens import Scope
from webui.api import problems
from webui.context import now
from webui.limits import Rate, limiter
from webui.machines.callers import Caller, bearer, caller
from webui.security import for_machines

RATE = Rate(burst=60, per_second=2.0)
"""Requests of one token."""

_JSON = "application/json"

Answer = BaseModel | tuple[BaseModel, int] | Response
View = Callable[..., Answer]
Answers = Mapping[int, type[BaseModel]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; ``path`` has its parameters in braces, as OpenAPI writes them."""

    method: str
    path: str
    scope: Scope
    view: View
    body: Any
    query: type[BaseModel] | None
    answers: Answers

    @property
    def id(self) -> str:
        return self.view.__name__

    @property
    def parameters(self) -> list[str]:
        """The names in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


OPERATIONS: list[Operation] = []
"""All operations, in the order in which their modules declare them."""


def operation(method: str, path: str, scope: Scope, answers: Answers) -> Callable[[View], View]:
    """Declare a view; its hints for ``body`` and ``query`` say what these are."""

    def declare(view: View) -> View:
        hints = get_type_hints(view, include_extras=True)
        found = Operation(method, path, scope, view, hints.get("body"), hints.get("query"), answers)
        OPERATIONS.append(found)
        return view

    return declare


def add_routes(blueprint: Blueprint) -> None:
    """Route requests to all operations that were declared."""
    for one in OPERATIONS:
        rule = one.path.replace("{", "<").replace("}", ">")
        blueprint.add_url_rule(rule, one.id, _handler(one), methods=[one.method])


def _handler(one: Operation) -> Callable[..., Response]:
    body = None if one.body is None else TypeAdapter(one.body)

    @for_machines
    def handle(**path: str) -> Response:
        try:
            found = caller(bearer(), one.scope)
        except Refused as refused:
            headers = {"WWW-Authenticate": 'Bearer realm="SkullDNS"'}
            return problems.problem(401, refused.what, refused.cure, headers=headers)
        if wait := limiter().wait(f"api {found.token.id}", RATE, now()):
            headers = {"Retry-After": str(math.ceil(wait))}
            return problems.problem(429, "this token asks too often", "wait, then go on", headers=headers)
        return _answered(one, body, found, path)

    return handle


def _answered(one: Operation, body: TypeAdapter[Any] | None, found: Caller, path: dict[str, str]) -> Response:
    arguments: dict[str, object] = dict(path)
    try:
        if one.query is not None:
            arguments["query"] = one.query.model_validate(_once())
        if body is not None:
            if request.mimetype != _JSON:
                return problems.problem(415, "the body is not JSON", f"send it as {_JSON}")
            arguments["body"] = body.validate_json(request.get_data())
    except ValidationError as error:
        return problems.problem(400, _first(error), "look at /api/v1/openapi.json")
    try:
        answer = one.view(found, **arguments)
    except SkullDNSError as error:
        return problems.of_error(error)
    if isinstance(answer, Response):
        return answer
    found_body, status = answer if isinstance(answer, tuple) else (answer, 200)
    return Response(found_body.model_dump_json(), status, content_type=_JSON)


def _once() -> dict[str, Any]:
    """The query; what is there several times stays a list, which nothing takes."""
    lists = request.args.to_dict(flat=False)
    return {key: values[0] if len(values) == 1 else values for key, values in lists.items()}


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg']}" if place else str(found["msg"])
