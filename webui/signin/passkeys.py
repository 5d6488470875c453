"""Passkeys: registration and sign-in (Web Authentication Level 3), with the library ``webauthn``.

The challenge waits in the browser's signed cookie; the store sees to it that it is used once.
"""

import hashlib
import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any

from flask import session as browser
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from skulldns.errors import Refused
from skulldns.model.members import Member, Passkey
from webui.context import desk, now, settings
from webui.texts import _

_WAITING = "passkey challenge"
_LONGEST_LABEL = 64
_LASTS = 600.0
"""Seconds that a challenge waits for its answer."""


def registration_options(member: Member) -> dict[str, Any]:
    """What the browser hands to the authenticator to make a passkey for ``member``."""
    with desk().office.reading() as books:
        known = books.signins.passkeys(member.login)
    options = generate_registration_options(
        rp_id=settings().domain,
        rp_name=settings().installation,
        user_name=member.login,
        user_id=member.login.encode(),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return _waiting(options.challenge, json.loads(options_to_json(options)))


def registered(member: Member, answer: dict[str, Any], label: str) -> Passkey:
    """The passkey that the browser made. Raises ``Refused``."""
    try:
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=_challenge(),
            expected_rp_id=settings().domain,
            expected_origin=settings().origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refusal() from error
    return Passkey(
        id=verified.credential_id,
        member=member.login,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        label=label.strip()[:_LONGEST_LABEL] or _("passkey"),
        created=now(),
    )


def sign_in_options() -> dict[str, Any]:
    """What the browser hands to the authenticator to sign in; it offers the members it knows."""
    options = generate_authentication_options(
        rp_id=settings().domain, user_verification=UserVerificationRequirement.REQUIRED
    )
    return _waiting(options.challenge, json.loads(options_to_json(options)))


def signed_in(answer: dict[str, Any]) -> tuple[str, bytes]:
    """The login of the member whose passkey signed, and its identity. Raises ``Refused``."""
    challenge = _challenge()
    try:
        identity = base64url_to_bytes(str(answer["rawId"]))
        with desk().office.reading() as books:
            passkey = books.signins.passkey(identity)
        if passkey is None:
            raise _refusal()
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=settings().domain,
            expected_origin=settings().origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refusal() from error
    with desk().office.writing() as books:
        if books.signins.passkey(identity) is None:  # dropped meanwhile
            raise _refusal()
        books.signins.put_passkey(replace(passkey, sign_count=verified.new_sign_count, last_used=now()))
    return passkey.member, identity


def _waiting(challenge: bytes, options: dict[str, Any]) -> dict[str, Any]:
    browser[_WAITING] = {"challenge": bytes_to_base64url(challenge), "at": now()}
    return options


def _challenge() -> bytes:
    waiting = browser.pop(_WAITING, None)
    if not isinstance(waiting, dict):
        raise _refusal()
    text, begun = str(waiting["challenge"]), float(waiting["at"])
    spent = hashlib.sha256(f"passkey {text}".encode()).hexdigest()
    if not 0 <= now() - begun <= _LASTS:
        raise _refusal()
    with desk().office.writing() as books:
        if not books.signins.spend(spent, begun + _LASTS, now()):
            raise _refusal()
    return urlsafe_b64decode(text + "==")


def _refusal() -> Refused:
    return Refused(_("that passkey is not known here"), cure=_("try again, or sign in with your password"))


def read(text: str) -> dict[str, Any]:
    """An authenticator's answer, as the page's script sent it. Raises ``Refused``."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter for one that is nested too deeply
        raise _refusal() from error
    if not isinstance(answer, dict):
        raise _refusal()
    return answer
