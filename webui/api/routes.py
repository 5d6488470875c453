"""Where the API is: its routes, its document, and its answers to what goes wrong."""

from functools import cache

from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from skulldns.errors import SkullDNSError
from webui.api import (
    names,  # noqa: F401 - declares operations
    offers,  # noqa: F401 - the same
    problems,
    things,  # noqa: F401 - the same
)
from webui.api.document import PREFIX, document
from webui.api.operations import add_routes
from webui.security import for_machines

blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
add_routes(blueprint)
blueprint.register_error_handler(SkullDNSError, problems.of_error)
blueprint.register_error_handler(HTTPException, problems.of_http)


@blueprint.get("/openapi.json")
@for_machines
def openapi() -> Response:
    """The OpenAPI document."""
    return Response(_text(), content_type="application/json")


@cache
def _text() -> str:
    import json  # noqa: PLC0415

    return json.dumps(document())
