"""Errors of the API: ``application/problem+json`` (RFC 9457), with the sentences of the page."""

import math
from http import HTTPStatus

from flask import Response
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from skulldns.errors import Conflict, SkullDNSError, Unavailable

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong (RFC 9457 section 3); ``detail`` is the sentence that the page shows."""

    model_config = ConfigDict(extra="forbid")
    type: str = "about:blank"
    title: str = Field(description="The words of the status")
    status: int
    detail: str = Field(description="What is wrong")
    cure: str | None = Field(None, description="What helps")


def problem(
    status: int, detail: str, cure: str | None = None, *, headers: dict[str, str] | None = None
) -> Response:
    """The answer for an error."""
    found = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, cure=cure)
    return Response(found.model_dump_json(), status, headers, content_type=MEDIA_TYPE)


def of_error(error: SkullDNSError) -> Response:
    """The answer for one of our errors: 409 or 503 where another try may help, otherwise 422."""
    headers = {}
    status = 409 if isinstance(error, Conflict) else 422
    if isinstance(error, Unavailable):
        status, headers = 503, {"Retry-After": str(math.ceil(error.retry_after or 5))}
    return problem(status, error.what, error.cure, headers=headers)


def of_http(error: HTTPException) -> Response:
    """The answer for what the server refuses before a view is asked."""
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    sentences = {
        404: ("there is nothing at this address", "look at /api/v1/openapi.json"),
        405: ("this address does not know the method", "look at /api/v1/openapi.json"),
        413: ("the body is too large", "send less"),
        414: ("the address is too long", "send less in it"),
        421: ("another server is meant", "use the address of the page"),
    }
    status = error.code or 500
    detail, cure = sentences.get(status, (HTTPStatus(status).description.lower() or "it failed", None))
    return problem(status, detail, cure, headers=headers)


def not_found(detail: str) -> Response:
    """The answer for a name, a token or an address that is not there, or another's."""
    return problem(404, detail, "look at the list")
