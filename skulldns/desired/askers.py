"""Who asks for a name, also in words that make no name, and whose place another guest took."""

from dns.name import Name

from skulldns.desired.registry import Registry
from skulldns.model.guests import GuestId
from skulldns.model.presence import Known


def askers(registry: Registry, name: Name) -> list[GuestId]:
    """The guests that ask for ``name``, those included that asked in words that make no name."""
    if found := registry.rivals(name):
        return found
    return sorted(
        known.id
        for known in registry.all_known()
        if known.gone_since is None
        and (settings := registry.settings(known))
        and name.is_subdomain(settings.zone)
        for text in (known.guest.name, *registry.wishes(known.id).options.names)
        if text.lower() == _as_typed(name, settings.zone)
    )


def replaced(registry: Registry, known: Known) -> bool:
    """Whether the source shows another guest under the very name that ``known`` had there.

    A source has each name once, so this is as good as an announcement that the former guest is gone.
    """
    here = registry.wishes(known.id).names
    rivals = {rival for name in here for rival in registry.asking.by_name.get(name, ())} - {known.id}
    others = filter(None, map(registry.known, rivals))
    return any(
        one.present and (one.guest.source, one.guest.name) == (known.guest.source, known.guest.name)
        for one in others
    )


def _as_typed(name: Name, zone: Name) -> str:
    """The part of ``name`` below ``zone`` as a person would write it."""
    return ".".join(label.decode(errors="replace") for label in name.relativize(zone).labels)
