"""Why records that were published are not wanted any more, and what speaks for their deletion."""

from dataclasses import replace

from skulldns.desired.claimed import is_claim, title
from skulldns.desired.registry import Registry
from skulldns.model.claims import GuestTarget
from skulldns.model.desired import ZONE_FILE, Evidence, Farewell
from skulldns.model.guests import GuestId


def farewell(registry: Registry, owner: str) -> Farewell:
    """Why records of ``owner`` are not wanted any more."""
    if owner == ZONE_FILE:
        return Farewell("the zone file has it no more", Evidence.UNSEEN)
    return _of_claim(registry, owner) if is_claim(owner) else _of_guest(registry, GuestId(owner))


def _of_guest(registry: Registry, identity: GuestId) -> Farewell:
    known = registry.known(identity)
    if known is None:
        return Farewell("nobody asks for it any more", Evidence.UNSEEN)
    guest = known.guest.title
    if registry.settings(known) is None:
        return Farewell(f"{known.guest.source} is not in the config any more", Evidence.UNSEEN)
    if known.gone_since is not None:
        if known.witnessed:
            return Farewell(f"guest {guest} was undefined", Evidence.ANNOUNCED)
        return Farewell(f"guest {guest} is not there any more", Evidence.UNSEEN)
    if not known.present:
        return Farewell(f"guest {guest} was not seen", Evidence.UNSEEN)
    if registry.wishes(identity).names:
        return Farewell(f"guest {guest} asks for something else now", Evidence.MOVED)
    return Farewell(f"guest {guest} has been stopped for long", Evidence.ANNOUNCED)


def _of_claim(registry: Registry, owner: str) -> Farewell:
    claim = registry.claims.claim_of(owner)
    if claim is None:
        # One that left no trace in the database may have been lost with it.
        unknown = Farewell("no member claims it any more", Evidence.UNSEEN)
        return registry.claims.ended(owner) or unknown
    if isinstance(claim.target, GuestTarget) and claim.target.direct:
        # A hypervisor that suddenly shows nothing takes no claims along either.
        found = _of_guest(registry, claim.target.guest)
        return replace(found, reason=f"{title(claim)}: {found.reason}")
    return Farewell(f"{title(claim)} asks for something else now", Evidence.MOVED)
