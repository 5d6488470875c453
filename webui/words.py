"""How values are shown on the pages: times, browsers, states."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from flask import Flask
from markupsafe import Markup, escape

from skulldns.desired.policy.alike import shown_name
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Claim,
    ClaimState,
    GuestTarget,
    RedirectTarget,
    Target,
)
from skulldns.model.guests import GuestId
from webui.context import desk, now
from webui.texts import N_, _, ago
from webui.wording import word

_SOON = 5.0
_ENDS = {
    ClaimState.ACTIVE: N_("Confirm before"),
    ClaimState.SUSPENDED: N_("Released"),
    ClaimState.QUARANTINED: N_("Free for all"),
}
_NONE: Mapping[GuestId, str] = MappingProxyType({})


def register_filters(app: Flask) -> None:
    """Give templates the filters of this module."""
    app.jinja_env.filters["when"] = when
    app.jinja_env.filters["browser"] = browser
    app.jinja_env.filters["name"] = shown_name
    app.jinja_env.filters["leads_to"] = leads_to
    app.jinja_env.filters["stands"] = stands
    app.jinja_env.filters["ends_how"] = ends_how
    app.jinja_env.filters["quoted"] = quoted


def when(moment: float | None) -> Markup | None:
    """A Unix time as people say it, such as "3 minutes ago", with the exact one in the element's title."""
    if moment is None:
        return None
    exact = datetime.fromtimestamp(moment, UTC)
    away = moment - now()
    text = _("just now") if abs(away) < _SOON else ago(away)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="seconds"), exact.strftime("%Y-%m-%d %H:%M:%S UTC"), text
    )


def quoted(text: str) -> Markup:
    """A sentence of the daemon's, in which what stands between backticks is what one types."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one is alone
        return escape(text)
    shapes = (Markup("{}"), Markup("<code>{}</code>"))
    return Markup("").join(shapes[place % 2].format(part) for place, part in enumerate(parts))


def browser(agent: str) -> str:
    """What a browser calls itself, as its people call it."""
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
    programs = {"Firefox/": "Firefox", "Edg/": "Edge", "Chrome/": "Chromium", "Safari/": "Safari"}
    program = next(
        (name for mark, name in programs.items() if mark in agent), agent.split("/", maxsplit=1)[0][:30]
    )
    system = next((name for name in systems if name in agent), "")
    if not program:
        return _("unknown")
    return _("%(program)s on %(system)s", program=program, system=system) if system else program


def leads_to(target: Target, names: Mapping[GuestId, str] = _NONE) -> str:
    """A target as a sentence has it. ``names`` has those of guests, where a page shows many targets."""
    match target:
        case GuestTarget(guest, port, scheme, direct):
            name = names.get(guest) or _guest_name(guest)
            if direct:
                return _("guest %(guest)s itself", guest=name)
            return _("guest %(guest)s, %(scheme)s port %(port)d", guest=name, scheme=scheme.value, port=port)
        case AliasTarget(name):
            return shown_name(name)
        case AddressTarget(ipv4, ipv6):
            found = [str(address) for address in (ipv4, ipv6) if address is not None]
            return ", ".join(found) or _("an address that your router has not reported yet")
        case RedirectTarget(url):
            return url


def _guest_name(guest: GuestId) -> str:
    with desk().office.reading() as books:
        view = books.views.guest(guest)
    return view.name if view else _("a guest that is gone")


def stands(claim: Claim) -> str:
    """What a claim that is not active waits for."""
    sentences = {
        ClaimState.AWAITING_APPROVAL: _("An admin looks at it first."),
        ClaimState.AWAITING_PROOF: _("It is served as soon as you have shown that the domain is yours."),
        ClaimState.SUSPENDED: _(
            "It is not served: %(reason)s.",
            reason=word(claim.because) if claim.because else _("it is suspended"),
        ),
        ClaimState.QUARANTINED: _("You released it. For now only you can claim it again."),
    }
    return sentences.get(claim.state, "")


def ends_how(claim: Claim) -> str:
    """What the moment ``until`` of a claim means."""
    return _(_ENDS.get(claim.state, N_("Waits until")))
