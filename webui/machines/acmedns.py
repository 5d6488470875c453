"""The API of acme-dns (joohoi/acme-dns), for the clients that speak it.

Here it needs no CNAME: an account's ``subdomain`` is the name itself, and its value is placed at that name's
``_acme-challenge``. ``X-Api-User`` is the member's login and ``X-Api-Key`` a token that the member made on the page, so
that an account can do what the token can, and ends with it. Registering makes no secret: it returns the token's own
account, where the token is good for just one name.
"""

import math

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skulldns.errors import Conflict, Refused, SkullDNSError, Unavailable
from skulldns.model.certificates import shown
from webui.machines import challenges
from webui.machines.callers import basic
from webui.security import for_machines

_KEPT = 2
"""Values that stand at one name: a name and its wildcard have one each, and nobody takes them back."""
_SERVED_SOON = 10.0  # seconds until a client looks again whether its value is served

blueprint = Blueprint("acmedns", __name__, url_prefix="/acme-dns")


class _Update(BaseModel):
    model_config = ConfigDict(strict=True)
    subdomain: str = Field(max_length=1024)
    txt: str = Field(max_length=255)


@blueprint.get("/health")
@for_machines
def health() -> Response:
    """Whether this answers."""
    return Response(status=200)


@blueprint.post("/register")
@for_machines
def register() -> tuple[Response, int]:
    """The account of a token for one name, which comes as ``Authorization: Basic`` or as in ``update``."""
    login, text = _account()
    try:
        found = challenges.acme_caller(login, text, None)
    except Refused:
        return _error("forbidden", 401)
    if len(found.token.names) != 1:
        return _error("token_is_not_for_one_name", 422)
    name = shown(found.token.names[0])
    account = {
        "username": found.token.member,
        "password": text,
        "fulldomain": f"{challenges.LABEL}.{name}",
        "subdomain": name,
        "allowfrom": [],
    }
    return jsonify(account), 201


@blueprint.post("/update")
@for_machines
def update() -> tuple[Response, int]:
    """Place a value, and answer once all name servers have it; only the newest two of a name stay."""
    try:
        asked = _Update.model_validate_json(request.get_data())
    except ValidationError:
        return _error("malformed_json_payload", 400)
    try:
        name = challenges.challenged(asked.subdomain)
    except Refused:
        return _error("bad_subdomain", 400)
    try:
        found = challenges.acme_caller(*_account(), name)
    except Refused:
        return _error("forbidden", 401)
    if wait := challenges.too_often(found):
        return _error("too_many_requests", 429, retry_after=wait)
    try:
        challenges.replace_oldest(found, name, asked.txt, _KEPT)
        served = challenges.served(name, asked.txt)
    except SkullDNSError as error:
        return _error(_ERRORS.get(type(error), "bad_txt"), _STATUS.get(type(error), 400))
    if not served:  # its clients would go on to the CA, which counts what it does not find
        return _error("not_served_yet", 503, retry_after=_SERVED_SOON)
    return jsonify(txt=asked.txt), 200


def _account() -> tuple[str, str]:
    user, key = request.headers.get("X-Api-User", ""), request.headers.get("X-Api-Key", "")
    return (user, key) if key else basic()


def _error(word: str, status: int, *, retry_after: float = 0.0) -> tuple[Response, int]:
    """An error as acme-dns has it: one word."""
    answer = jsonify(error=word)
    if retry_after:
        answer.headers["Retry-After"] = str(math.ceil(retry_after))
    return answer, status


_ERRORS: dict[type[SkullDNSError], str] = {Conflict: "conflict", Unavailable: "db_error"}
_STATUS: dict[type[SkullDNSError], int] = {Conflict: 409, Unavailable: 503}
