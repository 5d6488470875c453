"""How a site is served, between a form's fields and a value."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

import bcrypt
from werkzeug.datastructures import MultiDict

from skulldns.desired.policy.addresses import network
from skulldns.desired.policy.options import applying
from skulldns.errors import Refused
from skulldns.model.claims import Target
from skulldns.model.guests import said
from skulldns.model.sites import BasicAuth, Header, SiteOptions
from webui.texts import _

_MIB = 1 << 20
_DAY = 86_400
_REALM = "Members"
_COST = 6
"""nginx works a password out anew at each request, picture by picture: 4 ms each, as glibc's own SHA-512 has it."""
_LONGEST_PASSWORD = 72
"""Bytes that bcrypt looks at."""
HSTS_DAYS = (1, 30, 365, 730)
"""For how many days browsers may be told to come over HTTPS only."""


def options(form: MultiDict[str, str], before: SiteOptions, target: Target) -> SiteOptions:
    """The options that a form describes; passwords, and what it does not ask of such a target, stay as ``before``.

    Raises ``Refused``.
    """
    unasked = {"websockets", "body_size"} - applying(target)
    headers = [(header, form.get(f"header-{header}", "").strip()) for header in Header]
    wanted = replace(
        before,
        http=bool(form.get("http")),
        websockets=bool(form.get("websockets")),
        hsts=_number(form.get("hsts", ""), _DAY, _("the number of days")),
        body_size=_number(form.get("body_size", ""), _MIB, _("the size of uploads")),
        allow=_networks(form.get("allow", "")),
        deny=_networks(form.get("deny", "")),
        headers=tuple((header, value) for header, value in headers if value),
        basic_auth=_basic_auth(form, before.basic_auth),
    )
    return replace(wanted, **{option: getattr(before, option) for option in unasked})


def fields(found: SiteOptions) -> dict[str, str]:
    """The fields of a form that describe ``found``, without passwords: the reverse of ``options``."""
    return {
        "http": "yes" if found.http else "",
        "websockets": "yes" if found.websockets else "",
        "hsts": "" if found.hsts is None else str(found.hsts // _DAY),
        "body_size": "" if found.body_size is None else str(max(1, found.body_size // _MIB)),
        "allow": "\n".join(map(str, found.allow)),
        "deny": "\n".join(map(str, found.deny)),
        "realm": found.basic_auth.realm if found.basic_auth else "",
        **{f"header-{header}": value for header, value in found.headers},
    }


def users(found: SiteOptions) -> Sequence[str]:
    """Who may enter the site with a password."""
    return [login for login, _word in found.basic_auth.users] if found.basic_auth else []


def _basic_auth(form: MultiDict[str, str], before: BasicAuth | None) -> BasicAuth | None:
    """Those who stay, and the new one; with nobody left, everybody may enter."""
    dropped = set(form.getlist("drop"))
    words = {login: word for login, word in before.users if login not in dropped} if before else {}
    login, password = form.get("user", "").strip(), form.get("user_password", "")
    if login:
        words[login] = _encoded(password)
    elif password:
        raise Refused(_("nobody has that password"), cure=_("say who uses it"))
    realm = form.get("realm", "").strip() or _REALM
    return BasicAuth(realm, tuple(words.items())) if words else None


def _encoded(password: str) -> str:
    """The password as crypt(3) and nginx know it."""
    plain = password.encode()
    if not 1 <= len(plain) <= _LONGEST_PASSWORD or "\0" in password:
        raise Refused(
            _("that password cannot be used"), cure=_("use 1 to %(count)d bytes", count=_LONGEST_PASSWORD)
        )
    return bcrypt.hashpw(plain, bcrypt.gensalt(_COST)).decode("ascii")


def _number(text: str, unit: int, what: str) -> int | None:
    plain = text.strip()
    if not plain:
        return None
    if not (plain.isascii() and plain.isdecimal() and len(plain) <= 9):  # noqa: PLR2004 - no quantity here is longer
        raise Refused(
            _("%(what)s cannot be %(given)s", what=what, given=said(plain[:50])),
            cure=_("write a number, or nothing"),
        )
    return int(plain) * unit


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    found = []
    for word in text.replace(",", " ").split():
        try:
            found.append(network(word))
        except ValueError as error:
            raise Refused(
                _("%(word)s is no address or network", word=said(word[:50])),
                cure=_("write them like 192.0.2.0/24 or 2001:db8::/32, one on each line"),
            ) from error
    return tuple(dict.fromkeys(found))
