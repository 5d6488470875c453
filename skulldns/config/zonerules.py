"""The config's zones: names made whole, servers and views checked."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from dns.name import Name

from skulldns.config.explain import Location
from skulldns.config.siterules import Note
from skulldns.config.zonesections import PlainServer, ServerConfig, ZoneSection
from skulldns.model.policy import Mode, Publish
from skulldns.model.zones import ZoneId


@dataclass(frozen=True, slots=True)
class ViewConfig:
    """The servers of one view of a zone, or with ``view`` None of a zone without views; ``key`` is one of keys.

    ``publish`` is whose addresses guests' names get there, None where nothing is said; ``clients`` are the networks
    that are answered from it, none where everybody is; ``reverse`` are the reverse zones on the same servers.
    """

    view: str | None
    primary: ServerConfig
    secondaries: tuple[ServerConfig, ...] = ()
    publish: Publish | None = None
    clients: tuple[IPv4Network | IPv6Network, ...] = ()
    reverse: tuple[Name, ...] = ()

    @property
    def servers(self) -> tuple[ServerConfig, ...]:
        """The primary, then the secondaries."""
        return (self.primary, *self.secondaries)


@dataclass(frozen=True, slots=True)
class ZoneConfig:
    """A zone to publish into: ``file`` is absolute, ``ttl`` in seconds; ``views`` has at least one."""

    name: Name
    file: Path | None
    views: tuple[ViewConfig, ...]
    guests: bool = False
    claims: bool = False
    mode: Mode = Mode.SYNC
    ttl: int = 60
    escaped_semicolons: bool = True
    reverse: tuple[Name, ...] = ()
    parent: tuple[PlainServer, ...] | None = None

    @property
    def ids(self) -> tuple[ZoneId, ...]:
        """The zone in each of its views."""
        return tuple(ZoneId(self.name, view.view) for view in self.views)

    @property
    def servers(self) -> tuple[ServerConfig, ...]:
        """The servers of all views."""
        return tuple(dict.fromkeys(server for view in self.views for server in view.servers))

    @property
    def public(self) -> tuple[ViewConfig, ...]:
        """The views that everybody is answered from, as a CA is; all, where each is for some only."""
        return tuple(view for view in self.views if not view.clients) or self.views


def zone_configs(
    zones: Mapping[str, tuple[Name, ZoneSection]], keys: Collection[str], home: Path, note: Note
) -> dict[Name, ZoneConfig]:
    """The zones by their names, from sections by how they are written; relative paths start at ``home``."""
    found: dict[Name, ZoneConfig] = {}
    for label, (name, section) in zones.items():
        place: Location = ("zones", label)
        if name in found:
            note(place, f"the zone {label} is there twice", "take one out")
        views = tuple(_views(place, section, note))
        _check_servers(place, views, keys, note)
        found[name] = ZoneConfig(
            name=name,
            file=None if section.file is None else home / section.file,
            views=views,
            guests=section.guests,
            claims=section.claims,
            mode=section.mode,
            ttl=section.ttl,
            escaped_semicolons=section.escaped_semicolons,
            reverse=tuple(dict.fromkeys(reverse for view in views for reverse in view.reverse)),
            parent=section.parent,
        )
    _check_reverse(zones, note)
    return found


def _views(place: Location, section: ZoneSection, note: Note) -> Iterator[ViewConfig]:
    if not section.views:
        if section.primary is None:
            note(place, 'the key "primary" is missing', "add 'primary:', or 'views:'")
            return
        yield ViewConfig(None, section.primary, section.secondaries, reverse=section.reverse)
        return
    for key, given in (("primary", section.primary is not None), ("secondaries", bool(section.secondaries))):
        if given:
            note((*place, key), f"a zone with views has no {key} of its own", f"move '{key}:' into a view")
    for name, view in section.views.items():
        reverse = section.reverse if view.reverse is None else view.reverse
        yield ViewConfig(name, view.primary, view.secondaries, view.publish, view.clients, reverse)


def _check_servers(place: Location, views: Collection[ViewConfig], keys: Collection[str], note: Note) -> None:
    for view in views:
        seen = set()
        for where, server in _placed_servers(place, view):
            if server.key not in keys:
                known = ", ".join(keys) or "none yet"
                note((*where, "key"), f"there is no key '{server.key}'", f"write one of 'keys:' ({known})")
            if (server.address, server.port) in seen:
                what = f"the server {server.address} port {server.port} is there twice"
                note(where, what, "take one out")
            seen.add((server.address, server.port))
    _check_view_keys(place, views, note)


def _placed_servers(place: Location, view: ViewConfig) -> Iterator[tuple[Location, ServerConfig]]:
    """The servers of a view, each with its place in the file."""
    at: Location = place if view.view is None else (*place, "views", view.view)
    yield (*at, "primary"), view.primary
    for index, server in enumerate(view.secondaries):
        yield (*at, "secondaries", index), server


def _check_view_keys(place: Location, views: Collection[ViewConfig], note: Note) -> None:
    """A server tells views apart by keys: that of SkullDNS, and on a primary those that secondaries sign with."""
    leading: dict[tuple[str, int, str], str | None] = {}
    for view in views:
        for where, server in _placed_servers(place, view):
            for asked in dict.fromkeys((view.primary, server)):
                other = leading.setdefault((asked.address, asked.port, server.key), view.view)
                if other != view.view:
                    what = f"{asked.address} cannot tell this view from {other}: '{server.key}' is a key of both there"
                    note((*where, "key"), what, "give each view keys of its own")
                    break


def _check_reverse(zones: Mapping[str, tuple[Name, ZoneSection]], note: Note) -> None:
    owners: dict[Name, str] = {}
    for label, (_, section) in zones.items():
        lists: list[tuple[Location, tuple[Name, ...]]] = [(("zones", label, "reverse"), section.reverse)]
        for name, view in section.views.items():
            lists.append((("zones", label, "views", name, "reverse"), view.reverse or ()))
        own: set[Name] = set()
        for place, reverses in lists:
            for index, reverse in enumerate(reverses):
                twice = reverses.index(reverse) != index
                if owners.get(reverse, label) != label or twice:
                    text = reverse.to_text(omit_final_dot=True)
                    what = f"the reverse zone {text} is already one of {owners.get(reverse, label)}"
                    note((*place, index), what, "list it under one zone")
                own.add(reverse)
        owners |= {reverse: label for reverse in own if reverse not in owners}
