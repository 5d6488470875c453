"""Notices for programs: JSON by HTTP POST, signed as the Standard Webhooks specification 1.0.0 says.

``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA-256 over ``webhook-id.webhook-timestamp.body``.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable

import httpx

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import shown
from skulldns.model.notices import Delivery

_TIMEOUT = 10.0
_GONE = 410
_PREFIX = "whsec_"


class WebhookNotifier:
    """Tells the program at ``hook``; ``secret`` is read each time, so that it may be changed. Follows no redirect."""

    def __init__(self, hook: str, secret: Callable[[], str], url: str, wall: Callable[[], float]) -> None:
        self._hook = hook
        self._secret = secret
        self._url = url.rstrip("/")
        self._wall = wall

    def tell(self, delivery: Delivery) -> None:
        body = self._body(delivery)
        unique = hashlib.sha256(f"{delivery.notice.key} {delivery.to}".encode()).hexdigest()[:32]
        headers = {
            "Content-Type": "application/json",
            **signed(self._secret(), unique, int(self._wall()), body),
        }
        try:
            answer = httpx.post(
                self._hook, content=body, headers=headers, timeout=_TIMEOUT, follow_redirects=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(
                f"the program does not answer: {error}", where=self._hook, cure="see whether it runs"
            ) from error
        if answer.status_code == _GONE:
            raise Refused(
                "the program wants to hear nothing more", where=self._hook, cure="drop it from the config"
            )
        if not answer.is_success:
            raise Unavailable(
                f"the program answers {answer.status_code}", where=self._hook, cure="look at its log"
            )

    def _body(self, delivery: Delivery) -> bytes:
        notice = delivery.notice
        data = {
            "name": shown(notice.name),
            "member": notice.member,
            "what": notice.what,
            "cure": notice.cure,
            "page": f"{self._url}{notice.page}",
        }
        event = {"type": notice.kind.replace(" ", "."), "timestamp": int(notice.at), "data": data}
        return json.dumps(event, separators=(",", ":")).encode()


def signed(secret: str, unique: str, moment: int, body: bytes) -> dict[str, str]:
    """The headers that show who sent ``body``, and when (Unix time)."""
    text = f"{unique}.{moment}.".encode() + body
    signature = base64.b64encode(hmac.digest(_key(secret), text, "sha256")).decode()
    return {"webhook-id": unique, "webhook-timestamp": str(moment), "webhook-signature": f"v1,{signature}"}


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise Unavailable("the webhook's secret is no base64 after whsec_", cure="write it anew") from error
