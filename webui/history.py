"""What the audit says, in words: what was done, and what was before and after."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from skulldns.model.audit import Act
from webui.texts import _

_TIMES = frozenset({"confirmed", "proved", "expires", "revoked", "created", "last_seen", "changed"})
_NEVER_SHOWN = frozenset({"last_seen"})
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as before: ``old`` is empty where there was nothing, ``new`` where there is nothing."""

    what: str
    old: str
    new: str


def register_filters(app: Flask) -> None:
    """Give templates the filters of this module."""
    app.jinja_env.filters["done"] = done
    app.jinja_env.filters["changes"] = changes


def done(what: str) -> str:
    """An act of the audit, as a sentence about its subject has it."""
    words = {
        "accept": _("joined"),
        "act for": _("began to act for"),
        "act for no more": _("ended acting for"),
        "add passkey": _("added a passkey"),
        "approve": _("approved"),
        "assign owner": _("said whose guest it is"),
        "claim": _("claimed"),
        "cleanup": _("took a challenge back"),
        "confirm": _("confirmed"),
        "draw recovery codes": _("drew recovery codes"),
        "drop passkey": _("dropped a passkey"),
        "edit member": _("changed the member"),
        "end sessions": _("ended sessions"),
        "invite": _("invited"),
        "make token": _("made a token"),
        "present": _("placed a challenge"),
        "proof": _("looked for the proof"),
        "refuse": _("refused"),
        "release": _("released"),
        "reserve": _("reserved"),
        "resume": _("resumed"),
        "resume member": _("let in again"),
        "retarget": _("led elsewhere"),
        "revoke token": _("revoked a token"),
        "set addresses": _("reported addresses"),
        "set admin": _("changed who is an admin"),
        "set options": _("changed how it is served"),
        "set password": _("set a password"),
        "set quota": _("changed the quota"),
        "set records": _("changed further records"),
        "suspend": _("suspended"),
        "suspend member": _("suspended the member"),
        "transfer": _("handed on"),
        "unreserve": _("freed"),
        "withdraw invitation": _("withdrew the invitation"),
    }
    return words.get(what, what)


def changes(act: Act) -> list[Change]:
    """What an act changed. Where something began or ended, only what says something by itself."""
    old, new = _parts(act.before), _parts(act.after)
    found = []
    for key in sorted({*old, *new} - _NEVER_SHOWN):
        before, after = _value(key, old.get(key)), _value(key, new.get(key))
        if before != after:
            found.append(Change(_title(key), before, after))
    return found


def _parts(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _title(key: str) -> str:
    titles = {
        "admin": _("admin"),
        "because": _("because"),
        "challenges": _("challenges"),
        "confirmed": _("confirmed"),
        "created": _("created"),
        "email": _("mail address"),
        "expires": _("expires"),
        "label": _("label"),
        "login": _("login"),
        "member": _("member"),
        "members_only": _("members only"),
        "name": _("name"),
        "names": _("names"),
        "note": _("note"),
        "options": _("options"),
        "owner": _("owner"),
        "proved": _("proved"),
        "quota": _("quota"),
        "reason": _("reason"),
        "records": _("records"),
        "revoked": _("revoked"),
        "scopes": _("good for"),
        "state": _("state"),
        "target": _("leads to"),
    }
    return titles.get(key, key)


def _value(key: str, value: Any) -> str:
    """A JSON value in words; empty for what says nothing."""
    if value in (None, "", False, [], {}):
        return ""
    if value is True:
        return _("yes")
    if key in _TIMES and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, Mapping):
        return _target(value) if "kind" in value else _listed(f"{name} {_plain(one)}" for name, one in value.items())
    if isinstance(value, list):
        return _listed(_record(one) if isinstance(one, Mapping) else str(one) for one in value)
    return str(value)[:_LONGEST]


def _target(parts: Mapping[str, Any]) -> str:
    match parts:
        case {"kind": "guest", "guest": guest, "direct": True}:
            return _("guest %(guest)s itself", guest=guest)
        case {"kind": "guest", "guest": guest, "port": port, "scheme": scheme}:
            return _("guest %(guest)s, %(scheme)s port %(port)d", guest=guest, scheme=scheme, port=port)
        case {"kind": "alias", "name": name}:
            return str(name)
        case {"kind": "redirect", "url": url}:
            return str(url)[:_LONGEST]
        case _:
            found = [str(parts[family]) for family in ("ipv4", "ipv6") if parts.get(family)]
            return ", ".join(found) or _("no address yet")


def _record(parts: Mapping[str, Any]) -> str:
    values = parts.get("values", [])
    return " ".join(str(one) for one in (parts.get("name"), parts.get("type"), *values))


def _plain(value: Any) -> str:
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def _listed(texts: Any) -> str:
    text = "; ".join(texts)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
