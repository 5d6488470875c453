"""The options of a guest that count: what the config, an admin and the hypervisor say, in this order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from skulldns.desired.policy import login, port
from skulldns.desired.settings import GuestSettings
from skulldns.errors import Refused
from skulldns.model.assignments import FIELDS, Assignment
from skulldns.model.desired import Refusal
from skulldns.model.guests import Guest, said
from skulldns.model.policy import Https, Publish, Publishing, publishing

_GUEST = Publishing(Publish.GUEST)


class Told(StrEnum):
    """Who says what an option is, from the strongest to the weakest."""

    CONFIG = "config"
    ASSIGNED = "assigned"
    HYPERVISOR = "hypervisor"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Options:
    """What counts for one guest; ``told`` says of each of ``FIELDS``, in their order, who says so.

    ``names`` are as typed, not yet valid; ``refusals`` what the hypervisor's side says and cannot be.
    """

    owner: str | None = None
    port: int = 80
    names: tuple[str, ...] = ()
    publish: Publishing = _GUEST
    https: Https = Https.AUTO
    told: tuple[Told, ...] = (Told.DEFAULT,) * len(FIELDS)
    refusals: tuple[Refusal, ...] = ()


def options(guest: Guest, assigned: Assignment, settings: GuestSettings) -> Options:
    """What counts for ``guest``: the config's word, then the admin's assignment, then the hypervisor's side.

    What is invalid there counts as not said, and is refused with its reason.
    """
    _, configured = settings.assignment(guest)
    written, refusals = _written(guest, settings)
    default = Publishing(settings.publish, tuple(settings.views.items()))
    defaults = Assignment(None, settings.port, (), default, settings.https)
    sayings = (configured, assigned, written, defaults)
    found: dict[str, Any] = {}
    told = []
    for field in FIELDS:
        sayers = zip(Told, (getattr(saying, field) for saying in sayings), strict=True)
        who, found[field] = next(
            ((who, value) for who, value in sayers if value is not None), (Told.DEFAULT, None)
        )
        told.append(who)
    found["publish"] = _in_each_view([saying.publish for saying in sayings], settings)
    return Options(**found, told=tuple(told), refusals=refusals)


def _in_each_view(sayings: Sequence[Publishing | None], settings: GuestSettings) -> Publishing:
    """What counts in each view, and where there are none: the first word about it."""

    def first(view: str | None) -> Publish:
        words = (saying.within(view) for saying in sayings if saying is not None)
        return next(word for word in words if word is not None)

    return Publishing(first(None), tuple((view, first(view)) for view in settings.views))


def checked(field: str, text: str, settings: GuestSettings) -> Any:
    """One of ``FIELDS`` but ``names``, from text to its value. Raises ``Refused``."""
    makers: dict[str, Callable[[str], Any]] = {
        "owner": login,
        "port": port,
        "publish": publishing,
        "https": _https,
    }
    value = makers[field](text)
    if isinstance(value, Publishing):
        _check_publishing(value, settings)
    return value


def _check_publishing(value: Publishing, settings: GuestSettings) -> None:
    if Publish.PROXY in value.choices() and not settings.proxy_addresses:
        raise Refused("there is no proxy to publish", cure="add the section 'proxy:' to the config")
    for view, _ in value.views:
        if view not in settings.views:
            zone = settings.zone.to_text(omit_final_dot=True)
            known = f"write one of {', '.join(settings.views)}" if settings.views else "it has no views"
            raise Refused(f"{zone} has no view {said(view)}", cure=known)


def _written(guest: Guest, settings: GuestSettings) -> tuple[Assignment, tuple[Refusal, ...]]:
    """What the hypervisor's side says and may be, and what may not."""
    found: dict[str, Any] = {}
    refusals = []
    for field in FIELDS:
        value = getattr(guest.options, field)
        if value is None or field == "names":
            continue
        try:
            found[field] = checked(field, str(value), settings)
        except Refused as refused:
            refusals.append(Refusal(f"{field} {said(str(value))}", str(refused)))
    return Assignment(**found, names=guest.options.names or None), tuple(refusals)


def _https(text: str) -> Https:
    _expect(text, list(Https))
    return Https(text)


def _expect(text: str, choices: Sequence[str]) -> None:
    if text not in choices:
        raise Refused(f"{said(text)} is not known here", cure=f"write {' or '.join(choices)}")
