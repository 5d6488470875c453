"""The OpenAPI 3.1 document, made from the operations and the models of their bodies."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from webui.api.operations import OPERATIONS, Operation
from webui.api.problems import MEDIA_TYPE, Problem

PREFIX = "/api/v1"
_TEMPLATE = "#/components/schemas/{model}"
_PROBLEMS = {
    400: "The request has not the form that this document describes",
    401: "The token is not good for this",
    403: "The token is for other names",
    404: "There is nothing of this name for the member",
    409: "Somebody else was faster",
    413: "The body is too large",
    414: "Path and query are too long",
    415: "The body is not JSON",
    422: "The rules do not allow it; `detail` says why, `cure` what helps",
    429: "The token asks too often; `Retry-After` has the seconds to wait",
    503: "It does not work just now; `Retry-After` has the seconds to wait",
}

Schema = dict[str, Any]


def document(version: str = "1") -> Schema:
    """The document, as JSON values."""
    schemas, definitions = _schemas()
    paths: dict[str, Schema] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "SkullDNS",
            "version": version,
            "description": "Names for machines: what members do on the page, with a token.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token that the page made"}
            },
        },
    }


def _operation(one: Operation, schemas: Mapping[Any, Schema]) -> Schema:
    summary, _, rest = (one.view.__doc__ or "").strip().partition("\n")
    found: Schema = {
        "operationId": one.id,
        "summary": summary,
        "description": f"{rest.strip()} Needs a token for *{one.scope}*.".strip(),
        "parameters": [_in_path(name) for name in one.parameters] + _in_query(one),
        "responses": {
            str(status): {
                "description": (model.__doc__ or "").strip(),
                "content": {"application/json": {"schema": schemas[model, "serialization"]}},
            }
            for status, model in one.answers.items()
        }
        | {str(status): _problem(status, schemas) for status in _statuses(one)},
    }
    if one.body is not None:
        schema = schemas[one.body, "validation"]
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _statuses(one: Operation) -> list[int]:
    """The problems that an operation may answer with."""
    found = {401, 414, 422, 429, 503}
    found |= {400} if one.query is not None or one.body is not None else set()
    found |= {413, 415} if one.body is not None else set()
    found |= {403, 404} if one.parameters else set()
    found |= {409} if one.method != "GET" else set()
    return sorted(found)


def _problem(status: int, schemas: Mapping[Any, Schema]) -> Schema:
    found: Schema = {
        "description": _PROBLEMS[status],
        "content": {MEDIA_TYPE: {"schema": schemas[Problem, "serialization"]}},
    }
    if status in {429, 503}:
        found["headers"] = {"Retry-After": {"required": True, "schema": {"type": "string"}}}
    return found


def _in_path(name: str) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    }


def _in_query(one: Operation) -> list[Schema]:
    if one.query is None:
        return []
    whole = one.query.model_json_schema()
    needed = whole.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in needed,
            "description": schema.pop("description", ""),
            "schema": schema,
        }
        for name, schema in whole["properties"].items()
    ]


def _schemas() -> tuple[Mapping[Any, Schema], Schema]:
    """The schema of each body by model and direction, and what they refer to."""
    wanted: dict[tuple[Any, Any], TypeAdapter[Any]] = {(Problem, "serialization"): TypeAdapter(Problem)}
    for one in OPERATIONS:
        if one.body is not None:
            wanted[one.body, "validation"] = TypeAdapter(one.body)
        for model in one.answers.values():
            wanted[model, "serialization"] = TypeAdapter(model)
    inputs = [(key, key[1], adapter) for key, adapter in wanted.items()]
    found, shared = TypeAdapter.json_schemas(
        inputs, ref_template=_TEMPLATE, schema_generator=GenerateJsonSchema
    )
    by_key = {key: found[key, key[1]] for key in wanted}
    return by_key, dict(shared.get("$defs", {}))
