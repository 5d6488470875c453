"""What the audit says, in words: what was done, and what was before and after."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask, g

from skulldns.model.audit import Act
from skulldns.model.views import GuestView
from webui.context import desk
from webui.texts import N_, _

_TIMES = frozenset({"confirmed", "proved", "expires", "revoked", "created", "last_seen", "changed"})
_NEVER_SHOWN = frozenset({"last_seen"})
_KNOWN_AT_FIRST = frozenset({"confirmed", "created", "login", "member"})
_LONGEST = 300

ACTS: Mapping[str, str] = {
    "accept": N_("joined"),
    "act for": N_("began to act for"),
    "act for no more": N_("ended acting for"),
    "add passkey": N_("added a passkey"),
    "approve": N_("approved"),
    "assign owner": N_("said whose guest it is"),
    "change": N_("changed it"),
    "claim": N_("claimed"),
    "cleanup": N_("took a challenge back"),
    "confirm": N_("confirmed"),
    "decline": N_("declined it"),
    "draw recovery codes": N_("drew recovery codes"),
    "drop passkey": N_("dropped a passkey"),
    "drop password": N_("went on without a password"),
    "edit member": N_("changed the member"),
    "end": N_("its time was over"),
    "end sessions": N_("ended sessions"),
    "invite": N_("invited"),
    "join": N_("joined through another service"),
    "link account": N_("linked an account elsewhere"),
    "make token": N_("made a token"),
    "offer": N_("offered it"),
    "present": N_("placed a challenge"),
    "proof missing": N_("did not find the proof"),
    "proof seen": N_("found the proof"),
    "proof seen, and taken": N_("found the proof, but the name was another's by then"),
    "refuse": N_("refused"),
    "release": N_("released"),
    "reserve": N_("reserved"),
    "resume": N_("resumed"),
    "resume member": N_("let in again"),
    "retarget": N_("led elsewhere"),
    "revoke token": N_("revoked a token"),
    "set addresses": N_("reported addresses"),
    "set admin": N_("changed who is an admin"),
    "set options": N_("changed how it is served"),
    "set password": N_("set a password"),
    "set quota": N_("changed the quota"),
    "set records": N_("changed further records"),
    "suspend": N_("suspended"),
    "suspend member": N_("suspended the member"),
    "transfer": N_("handed on"),
    "unlink account": N_("unlinked the account elsewhere"),
    "unreserve": N_("freed"),
    "withdraw offer": N_("offered it no more"),
    "withdraw invitation": N_("withdrew the invitation"),
}
"""What each act of the audit is called."""
_TITLES = {
    "admin": N_("admin"),
    "because": N_("because"),
    "challenges": N_("challenges"),
    "confirmed": N_("confirmed"),
    "created": N_("created"),
    "email": N_("mail address"),
    "expires": N_("expires"),
    "label": N_("label"),
    "login": N_("login"),
    "member": N_("member"),
    "members_only": N_("members only"),
    "name": N_("name"),
    "names": N_("names"),
    "note": N_("note"),
    "offered": N_("offered to"),
    "options": N_("options"),
    "owner": N_("owner"),
    "proved": N_("proved"),
    "quota": N_("quota"),
    "reason": N_("reason"),
    "records": N_("records"),
    "revoked": N_("revoked"),
    "scopes": N_("good for"),
    "state": N_("state"),
    "target": N_("leads to"),
}


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
    return _(ACTS[what]) if what in ACTS else what


def changes(act: Act) -> list[Change]:
    """What an act changed. Where something began, without what the row says by itself: who, and when."""
    old, new = _parts(act.before), _parts(act.after)
    hidden = _NEVER_SHOWN if act.before else _NEVER_SHOWN | _KNOWN_AT_FIRST
    found = []
    for key in sorted({*old, *new} - hidden):
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
    return _(_TITLES[key]) if key in _TITLES else key


def _value(key: str, value: Any) -> str:
    """A JSON value in words; empty for what says nothing."""
    if value in (None, "", False, [], {}):
        return ""
    if value is True:
        return _("yes")
    if key in _TIMES and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, Mapping):
        return (
            _target(value)
            if "kind" in value
            else _listed(f"{name} {_plain(one)}" for name, one in value.items())
        )
    if isinstance(value, list):
        return _listed(_record(one) if isinstance(one, Mapping) else str(one) for one in value)
    return str(value)[:_LONGEST]


def _target(parts: Mapping[str, Any]) -> str:
    match parts:
        case {"kind": "guest", "guest": guest, "direct": True}:
            return _("guest %(guest)s itself", guest=_guest(guest))
        case {"kind": "guest", "guest": guest, "port": port, "scheme": scheme}:
            return _(
                "guest %(guest)s, %(scheme)s port %(port)d", guest=_guest(guest), scheme=scheme, port=port
            )
        case {"kind": "alias", "name": name}:
            return str(name)
        case {"kind": "redirect", "url": url}:
            return str(url)[:_LONGEST]
        case _:
            found = [str(parts[family]) for family in ("ipv4", "ipv6") if parts.get(family)]
            return ", ".join(found) or _("no address yet")


def _guest(identity: str) -> str:
    """What the guest is called now; its identity when it is gone, or another's. Each is looked up once for a page."""
    names: dict[str, str] = g.setdefault("guest_names", {})
    if identity not in names:
        with desk().office.reading() as books:
            view = books.views.guest(identity)
        names[identity] = view.name if view and _is_theirs(view) else identity
    return names[identity]


def _is_theirs(guest: GuestView) -> bool:
    """Whether who reads this sees the guest elsewhere too; a name's history goes with it to another member."""
    reader = g.get("signed_in")
    return reader is not None and (reader.member.admin or reader.actor.member == guest.owner)


def _record(parts: Mapping[str, Any]) -> str:
    values = parts.get("values", [])
    return " ".join(str(one) for one in (parts.get("name"), parts.get("type"), *values))


def _plain(value: Any) -> str:
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)


def _listed(texts: Any) -> str:
    text = "; ".join(texts)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
