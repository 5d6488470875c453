"""What the command line sees of guests, and what an admin assigns to one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from skulldns.desired.options import checked
from skulldns.desired.registry import Registry
from skulldns.desired.settings import GuestSettings
from skulldns.desired.wishes import MAX_FURTHER_NAMES, further_name
from skulldns.errors import Refused
from skulldns.loop.engine import Engine
from skulldns.model.assignments import FIELDS, Assignment
from skulldns.model.guests import Guest, GuestId, said
from skulldns.model.policy import Publishing
from skulldns.model.presence import Known


def shown(registry: Registry, known: Known) -> dict[str, Any]:
    """One guest for people and machines: what its source says, what it publishes, and what was refused and why."""
    verdict = registry.verdict(known.id)
    guest, options = known.guest, verdict.options
    reasons = {one.what: one.reason for one in verdict.refusals}
    addresses = dict.fromkeys((*known.addresses, *guest.heard))
    return {
        "id": known.id,
        "name": guest.name,
        "source": guest.source,
        "state": state(known),
        "owner": options.owner,
        "port": options.port,
        "publish": _published(options.publish),
        "https": options.https.value,
        "told": dict(zip(FIELDS, (who.value for who in options.told), strict=True)),
        "macs": [interface.mac for interface in guest.interfaces if interface.mac],
        "addresses": [
            {
                "ip": str(one.ip),
                "origin": one.origin.value,
                "published": one in verdict.addresses,
                "reason": reasons.get(f"address {one}", ""),
            }
            for one in addresses
        ],
        "names": [name.to_text(omit_final_dot=True) for name in verdict.names],
        "hostnames": list(guest.hostnames),
        "refused": [{"what": one.what, "reason": one.reason} for one in verdict.refusals],
    }


def _published(publishing: Publishing) -> str:
    """In a zone with views, what counts in each of them."""
    return str(replace(publishing, others=None) if publishing.views else publishing)


def state(known: Known) -> str:
    """What a guest does, or that its source does not show it."""
    if known.gone_since is not None:
        return "gone"
    return known.guest.state.value if known.present else "not shown"


def found(registry: Registry, text: str) -> Known:
    """The guest with this identity or name. Raises ``Refused`` for none and for several."""
    if (known := registry.known(GuestId(text))) is not None:
        return known
    called = [known for known in registry.all_known() if known.guest.name == text]
    here = [known for known in called if known.gone_since is None] or called
    if not here:
        raise Refused(f"there is no guest {said(text)}", cure="see `skulldns guest list`")
    if len(here) > 1:
        several = ", ".join(sorted(f"{known.id} ({known.guest.source})" for known in here))
        raise Refused(f"several guests are called {said(text)}", cure=f"name one by its identity: {several}")
    return here[0]


def assign(
    engine: Engine, config: Path, text: str, given: Mapping[str, str], cleared: Sequence[str]
) -> dict[str, Any]:
    """Assign ``given``, as typed, to a guest and take back ``cleared``; durable when it returns.

    In the engine's thread only. Raises ``Refused`` for a guest that is not known, a value that cannot be, and a field
    that the config has; ``Unavailable`` when it cannot be stored.
    """
    registry = engine.registry
    for field in {*given, *cleared} - {*FIELDS}:
        raise Refused(f"there is no {said(field)} to assign", cure=f"write one of {', '.join(FIELDS)}")
    if cleared and registry.known(GuestId(text)) is None and GuestId(text) in registry.assigned():
        engine.assign(GuestId(text), _without(registry.assignment(GuestId(text)), cleared))
        return {"id": text, "name": None}
    known = found(registry, text)
    settings = registry.settings(known)
    if settings is None:
        raise Refused(
            f"{known.guest.source} is not in the config any more", cure="name a guest of another source"
        )
    _leave_to_config(settings, known.guest, config, (*given, *cleared))
    values = {field: _value(field, value, settings) for field, value in given.items()}
    engine.assign(known.id, replace(_without(registry.assignment(known.id), cleared), **values))
    after = registry.known(known.id)
    assert after is not None, "a guest stays known while something is assigned to it"
    return shown(registry, after)


def _without(assignment: Assignment, cleared: Sequence[str]) -> Assignment:
    return replace(assignment, **dict.fromkeys(cleared))


def _leave_to_config(settings: GuestSettings, guest: Guest, config: Path, fields: Sequence[str]) -> None:
    key, configured = settings.assignment(guest)
    for field in fields:
        if getattr(configured, field) is not None:
            raise Refused(
                f"the config says guests.assign.{said(key)}.{field}, which wins",
                where=str(config),
                cure="change it there",
            )


def _value(field: str, text: str, settings: GuestSettings) -> Any:
    if field != "names":
        return checked(field, text, settings)
    names = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if len(names) > MAX_FURTHER_NAMES:
        raise Refused(f"these are {len(names)} further names", cure=f"give at most {MAX_FURTHER_NAMES}")
    for name in names:
        further_name(name, settings)
    return names
