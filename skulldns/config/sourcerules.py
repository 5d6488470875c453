"""What must fit together in the config's sources."""

from collections.abc import Mapping
from pathlib import Path

from dns.name import Name

from skulldns.config.explain import Location
from skulldns.config.sections import ConfigFile
from skulldns.config.siterules import Note
from skulldns.config.sourcesections import (
    IncusSourceConfig,
    LibvirtSourceConfig,
    LxcSourceConfig,
    SourceConfig,
    StaticSourceConfig,
)
from skulldns.config.zonerules import ZoneConfig
from skulldns.model.policy import Publishing


def check_sources(shape: ConfigFile, zones: Mapping[Name, ZoneConfig], note: Note) -> None:
    """Whether each source leads into a zone that takes guests, and says how it is reached."""
    for index, source in enumerate(shape.sources):
        place = ("sources", index)
        text = source.zone.to_text(omit_final_dot=True)
        zone = zones.get(source.zone)
        if zone is None:
            note((*place, "zone"), f"the zone {text} is not one of 'zones:'", "add it there, or correct it")
        elif not zone.guests:
            note((*place, "zone"), f"the zone {text} takes no guests", "add 'guests: true' to it")
        if isinstance(source, IncusSourceConfig):
            _check_incus(place, source, note)
        if isinstance(source, StaticSourceConfig):
            for label, guest in source.guests.items():
                _check_views((*place, "guests", label), guest.publish, [zone] if zone else [], note)
        if _identity(source) in map(_identity, shape.sources[:index]):
            note(place, "this source is there twice", "take one out")
    for label, assigned in shape.guests.assign.items():
        taking = [zone for zone in zones.values() if zone.guests]
        _check_views(("guests", "assign", label), assigned.publish, taking, note)
    if shape.sources and not shape.networks:
        what = "there are sources but no networks, so no guest could publish an address"
        note(("sources",), what, "add 'networks:' with the guests' networks")


def placed(source: SourceConfig, home: Path) -> SourceConfig:
    """The source with absolute paths."""
    if not isinstance(source, IncusSourceConfig):
        return source
    paths = {
        "certificate": source.certificate,
        "key": source.key,
        "server_certificate": source.server_certificate,
    }
    return source.model_copy(update={key: home / path for key, path in paths.items() if path is not None})


def _check_incus(place: Location, source: IncusSourceConfig, note: Note) -> None:
    if (source.socket is None) == (source.url is None):
        what = "an incus source has a socket or a url" + (", not both" if source.socket else "")
        note(place, what, "write 'socket:' for this host, or 'url:' for another")
    with_url = {"certificate": source.certificate, "key": source.key}
    given = [key for key, path in with_url.items() if path is not None]
    if source.url is not None and not given:
        cure = "add 'certificate:' and 'key:', see docs/sources.md"
        note((*place, "url"), "a url needs the client's certificate and key", cure)
    if len(given) == 1:
        [lacking] = with_url.keys() - set(given)
        note(place, f"there is a {given[0]} without its {lacking}", f"add '{lacking}:'")
    if source.url is None:
        given += ["server_certificate"] if source.server_certificate is not None else []
        for key in given:
            note((*place, key), f"a socket needs no {key}", "take it out, or write 'url:'")


def _check_views(place: Location, publishing: Publishing | None, zones: list[ZoneConfig], note: Note) -> None:
    """Whether each view that is named is one of a zone where the guest may be."""
    known = list(dict.fromkeys(one.view for zone in zones for one in zone.views if one.view is not None))
    for view, _ in publishing.views if publishing else ():
        if view not in known:
            cure = f"write one of {', '.join(known)}" if known else "write one word for everywhere"
            note((*place, "publish"), f"no zone for guests has a view {view}", cure)


def _identity(source: SourceConfig) -> tuple[str, object]:
    """What a source reads: no two may read the same."""
    if isinstance(source, LibvirtSourceConfig):
        return source.kind, source.uri
    if isinstance(source, LxcSourceConfig):
        return source.kind, source.path
    if isinstance(source, IncusSourceConfig):
        return source.kind, source.socket or source.url
    return source.kind, source.zone
