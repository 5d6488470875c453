"""lego's provider ``httpreq``: TXT values by two requests, in its default mode and in its raw mode.

Source: lego's documentation. Default: ``fqdn`` and ``value``. Raw: ``domain``, ``token`` and ``keyAuth``.
"""

import base64
import hashlib
import math
from collections.abc import Callable

from dns.name import Name
from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skulldns.errors import Conflict, Refused, SkullDNSError, Unavailable
from webui.machines import challenges
from webui.machines.callers import Caller, basic
from webui.security import for_machines

blueprint = Blueprint("httpreq", __name__, url_prefix="/acme")


class _Value(BaseModel):
    """The default mode's body."""

    model_config = ConfigDict(strict=True)
    fqdn: str = Field(max_length=1024)
    value: str = Field(max_length=255)


class _KeyAuthorization(BaseModel):
    """The raw mode's body."""

    model_config = ConfigDict(strict=True)
    domain: str = Field(max_length=1024)
    key_authorization: str = Field(alias="keyAuth", max_length=1024)


@blueprint.post("/present")
@for_machines
def present() -> tuple[Response, int]:
    """Place the value: 200 once all name servers answer it, 202 if they do not after some seconds."""
    return _done(_present)


@blueprint.post("/cleanup")
@for_machines
def cleanup() -> tuple[Response, int]:
    """Take the value back."""
    return _done(_cleanup)


def _present(found: Caller, name: Name, value: str) -> tuple[Response, int]:
    challenges.present(found, name, value)
    if challenges.served(name, value):
        return jsonify(), 200
    return jsonify(note="the value is kept, but not all name servers answer it yet"), 202


def _cleanup(found: Caller, name: Name, value: str) -> tuple[Response, int]:
    challenges.cleanup(found, name, value)
    return jsonify(), 200


def _done(act: Callable[[Caller, Name, str], tuple[Response, int]]) -> tuple[Response, int]:
    try:
        text, value = _asked()
    except ValidationError:
        return jsonify(error="the body is not what lego's httpreq sends"), 400
    try:
        name = challenges.challenged(text)
    except Refused as refused:
        return jsonify(error=str(refused)), 422
    try:
        found = challenges.acme_caller(*basic(), name)
    except Refused as refused:
        answer = jsonify(error=str(refused))
        answer.headers["WWW-Authenticate"] = 'Basic realm="certificates"'
        return answer, 401
    if wait := challenges.too_often(found):
        answer = jsonify(error="too many values at once; wait")
        answer.headers["Retry-After"] = str(math.ceil(wait))
        return answer, 429
    try:
        return act(found, name, value)
    except SkullDNSError as error:
        return jsonify(error=str(error)), _STATUS.get(type(error), 422)


def _asked() -> tuple[str, str]:
    """The record's or the domain's name, and the value. Raises ``ValidationError``."""
    body = request.get_data()
    try:
        found = _Value.model_validate_json(body)
    except ValidationError:
        raw = _KeyAuthorization.model_validate_json(body)
        digest = hashlib.sha256(raw.key_authorization.encode()).digest()
        return raw.domain, base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return found.fqdn, found.value


_STATUS: dict[type[SkullDNSError], int] = {Conflict: 409, Unavailable: 503}
