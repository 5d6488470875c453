"""The config file to one frozen ``Config``: shape first, then what must fit together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import MappingProxyType

from dns.name import Name
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from skulldns.config.explain import Location, error_at, explain, unusable
from skulldns.config.keys import TsigKey
from skulldns.config.reading import read_text
from skulldns.config.sections import (
    AcmeConfig,
    AuthoritySection,
    ConfigFile,
    GuardConfig,
    GuestPolicy,
    IncusSourceConfig,
    KeySection,
    LibvirtSourceConfig,
    LxcSourceConfig,
    MemberPolicy,
    ProxyConfig,
    ServerConfig,
    SourceConfig,
    WebConfig,
    ZoneSection,
)
from skulldns.config.siterules import site_rules
from skulldns.config.values import zone_name
from skulldns.desired.yamltext import Node, parse_yaml, plain
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.policy import Mode, Publish
from skulldns.model.sites import SiteRule

MAX_CONFIG_FILE = 5_000_000
"""Bytes of a config file that are read at most."""


@dataclass(frozen=True, slots=True)
class ZoneConfig:
    """A zone to publish into: ``file`` is absolute, ``ttl`` in seconds, a server's ``key`` one of keys."""

    name: Name
    file: Path | None
    primary: ServerConfig
    secondaries: tuple[ServerConfig, ...] = ()
    guests: bool = False
    claims: bool = False
    mode: Mode = Mode.SYNC
    ttl: int = 60
    escaped_semicolons: bool = True
    reverse: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """All that an admin configured. Paths are absolute; ``database`` is an SQLAlchemy URL."""

    path: Path
    state: Path
    database: str
    keys: Mapping[str, TsigKey]
    zones: Mapping[Name, ZoneConfig]
    sources: tuple[SourceConfig, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    excluded: tuple[IPv4Network | IPv6Network, ...] = ()
    look_every: float = 60.0
    guests: GuestPolicy = field(default_factory=GuestPolicy)
    proxy: ProxyConfig | None = None
    sites: tuple[SiteRule, ...] = ()
    acme: AcmeConfig | None = None
    web: WebConfig | None = None
    policy: MemberPolicy = field(default_factory=MemberPolicy)
    guard: GuardConfig = field(default_factory=GuardConfig)


def load(path: Path) -> Config:
    """Read and validate the config file at ``path`` and the key files it names, but no zone file.

    Raises ``ConfigError``, or ``ConfigErrors`` for several, with file, line, column and cure.
    """
    file = str(path)
    root, errors = parse_yaml(read_text(path, MAX_CONFIG_FILE), file, MAX_CONFIG_FILE)
    errors += unusable(root, file)
    try:
        shape = ConfigFile.model_validate(plain(root))
    except ValidationError as error:
        _raise([*errors, *explain(error, ConfigFile, root, file)])
        raise
    _raise(errors)
    return _Loader(path, root, shape).config()


def state_directory(path: Path) -> Path | None:
    """The state directory that a config file names even if the rest of it is wrong; None if that cannot be read."""
    try:
        root, _ = parse_yaml(read_text(path, MAX_CONFIG_FILE), str(path), MAX_CONFIG_FILE)
    except ConfigError:
        return None
    values = plain(root)
    state = values.get("state", "/var/lib/skulldns") if isinstance(values, dict) else None
    return path.absolute().parent / state if isinstance(state, str) else None


def _raise(errors: list[ConfigError]) -> None:
    """Raise what there is, in the order of the file."""
    if errors:
        ordered = sorted(errors, key=lambda error: (error.line or 0, error.column or 0))
        raise ConfigErrors(ordered) if len(ordered) > 1 else ordered[0]


class _Loader:
    """Puts names and absolute paths into what pydantic read, and checks what must fit together."""

    def __init__(self, path: Path, root: Node, shape: ConfigFile) -> None:
        self._path = path.absolute()
        self._file = str(path)
        self._root = root
        self._shape = shape
        self._errors: list[ConfigError] = []

    def config(self) -> Config:
        shape = self._shape
        state = self._path.parent / shape.state
        keys = self._keys()
        zones = self._zones()
        self._check_reverse()
        self._check_sources(zones)
        self._check_proxy()
        self._check_acme()
        sites = self._sites()
        _raise(self._errors)
        return Config(
            path=self._path,
            state=state,
            database=_database(shape.database, state),
            keys=MappingProxyType(keys),
            zones=MappingProxyType(zones),
            sources=tuple(self._placed(source) for source in shape.sources),
            networks=shape.networks,
            excluded=shape.excluded,
            look_every=shape.look_every,
            guests=shape.guests,
            proxy=self._proxy(),
            sites=sites,
            acme=self._acme(),
            web=shape.web,
            policy=shape.policy,
            guard=shape.guard,
        )

    def _keys(self) -> dict[str, TsigKey]:
        keys = {}
        for label, section in self._shape.keys.items():
            name = self._name(("keys", label), label)
            if name is not None:
                keys[label] = self._key(label, name, section)
        return keys

    def _key(self, label: str, name: Name, section: KeySection) -> TsigKey:
        key = TsigKey(name, section.algorithm, self._path.parent / section.secret_file)
        try:
            key.key()
        except ConfigError as error:
            what = f"{error.where}: {error.what}" if error.where else error.what
            self._note(("keys", label, "secret_file"), what, error.cure or "correct it")
        return key

    def _zones(self) -> dict[Name, ZoneConfig]:
        zones: dict[Name, ZoneConfig] = {}
        for label, section in self._shape.zones.items():
            place: Location = ("zones", label)
            name = self._name(place, label)
            if name is None:
                continue
            if name in zones:
                self._note(place, f"the zone {label} is there twice", "take one out")
            self._check_servers(place, section)
            zones[name] = ZoneConfig(
                name=name,
                file=None if section.file is None else self._path.parent / section.file,
                primary=section.primary,
                secondaries=section.secondaries,
                guests=section.guests,
                claims=section.claims,
                mode=section.mode,
                ttl=section.ttl,
                escaped_semicolons=section.escaped_semicolons,
                reverse=section.reverse,
            )
        return zones

    def _check_servers(self, place: Location, section: ZoneSection) -> None:
        places: list[Location] = [(*place, "primary")]
        places += [(*place, "secondaries", index) for index in range(len(section.secondaries))]
        seen = set()
        for where, server in zip(places, (section.primary, *section.secondaries), strict=True):
            if server.key not in self._shape.keys:
                known = ", ".join(self._shape.keys) or "none yet"
                self._note(
                    (*where, "key"), f"there is no key '{server.key}'", f"write one of 'keys:' ({known})"
                )
            if (server.address, server.port) in seen:
                self._note(
                    where, f"the server {server.address} port {server.port} is there twice", "take one out"
                )
            seen.add((server.address, server.port))

    def _check_reverse(self) -> None:
        owners: dict[Name, str] = {}
        for label, section in self._shape.zones.items():
            for index, reverse in enumerate(section.reverse):
                if reverse in owners:
                    text = reverse.to_text(omit_final_dot=True)
                    what = f"the reverse zone {text} is already one of {owners[reverse]}"
                    self._note(("zones", label, "reverse", index), what, "list it under one zone")
                owners.setdefault(reverse, label)

    def _check_sources(self, zones: Mapping[Name, ZoneConfig]) -> None:
        shape = self._shape
        for index, source in enumerate(shape.sources):
            place = ("sources", index)
            text = source.zone.to_text(omit_final_dot=True)
            zone = zones.get(source.zone)
            if zone is None:
                self._note(
                    (*place, "zone"), f"the zone {text} is not one of 'zones:'", "add it there, or correct it"
                )
            elif not zone.guests:
                self._note((*place, "zone"), f"the zone {text} takes no guests", "add 'guests: true' to it")
            if isinstance(source, IncusSourceConfig):
                self._check_incus(place, source)
            if _identity(source) in map(_identity, shape.sources[:index]):
                self._note(place, "this source is there twice", "take one out")
        if shape.sources and not shape.networks:
            what = "there are sources but no networks, so no guest could publish an address"
            self._note(("sources",), what, "add 'networks:' with the guests' networks")

    def _check_incus(self, place: Location, source: IncusSourceConfig) -> None:
        if (source.socket is None) == (source.url is None):
            what = "an incus source has a socket or a url" + (", not both" if source.socket else "")
            self._note(place, what, "write 'socket:' for this host, or 'url:' for another")
        with_url = {"certificate": source.certificate, "key": source.key}
        given = [key for key, path in with_url.items() if path is not None]
        if source.url is not None and not given:
            cure = "add 'certificate:' and 'key:', see docs/sources.md"
            self._note((*place, "url"), "a url needs the client's certificate and key", cure)
        if len(given) == 1:
            [lacking] = with_url.keys() - set(given)
            self._note(place, f"there is a {given[0]} without its {lacking}", f"add '{lacking}:'")
        if source.url is None:
            given += ["server_certificate"] if source.server_certificate is not None else []
            for key in given:
                self._note((*place, key), f"a socket needs no {key}", "take it out, or write 'url:'")

    def _proxy(self) -> ProxyConfig | None:
        """The proxy with absolute paths."""
        proxy = self._shape.proxy
        if proxy is None or proxy.templates is None:
            return proxy
        return proxy.model_copy(update={"templates": self._path.parent / proxy.templates})

    def _acme(self) -> AcmeConfig | None:
        """The CAs with absolute paths."""
        acme = self._shape.acme
        if acme is None:
            return None
        found = {url: self._authority(one) for url, one in acme.authorities.items()}
        return acme.model_copy(update={"authorities": found})

    def _authority(self, authority: AuthoritySection) -> AuthoritySection:
        home = self._path.parent
        changed: dict[str, object] = {}
        if authority.root is not None:
            changed["root"] = home / authority.root
        if authority.eab is not None:
            changed["eab"] = authority.eab.model_copy(update={"hmac_file": home / authority.eab.hmac_file})
        return authority.model_copy(update=changed)

    def _sites(self) -> tuple[SiteRule, ...]:
        if self._shape.sites and self._shape.proxy is None:
            self._note(("sites",), "there is no proxy to serve sites", "add the section 'proxy:'")
        named = {
            label: (self._name(("sites", label), label), one) for label, one in self._shape.sites.items()
        }
        known = {label: (name, one) for label, (name, one) in named.items() if name is not None}
        return site_rules(known, self._path.parent, self._note)

    def _check_acme(self) -> None:
        acme = self._shape.acme
        if acme is None:
            return
        if self._shape.proxy is None:
            self._note(("acme",), "there is no proxy to use certificates", "add the section 'proxy:'")
        for url in acme.authorities:
            if url not in acme.directories:
                self._note(
                    ("acme", "authorities", url), f"{url} is not one of 'directories:'", "add it there"
                )

    def _check_proxy(self) -> None:
        if self._shape.proxy is not None:
            return
        places: list[tuple[Location, Publish | None]] = [(("guests", "publish"), self._shape.guests.publish)]
        for guest, assigned in self._shape.guests.assign.items():
            places.append((("guests", "assign", guest, "publish"), assigned.publish))
        for place, publish in places:
            if publish is Publish.PROXY:
                self._note(place, "there is no proxy to publish", "add the section 'proxy:'")

    def _placed(self, source: SourceConfig) -> SourceConfig:
        """The source with absolute paths."""
        if not isinstance(source, IncusSourceConfig):
            return source
        paths = {
            "certificate": source.certificate,
            "key": source.key,
            "server_certificate": source.server_certificate,
        }
        return source.model_copy(
            update={key: self._path.parent / path for key, path in paths.items() if path is not None}
        )

    def _name(self, place: Location, label: str) -> Name | None:
        try:
            return zone_name(label)
        except PydanticCustomError as error:
            context = error.context or {}
            self._note(place, str(context["what"]), str(context["cure"]))
            return None

    def _note(self, place: Location, what: str, cure: str) -> None:
        self._errors.append(error_at(self._root, self._file, place, what, cure))


def _identity(source: SourceConfig) -> tuple[str, object]:
    """What a source reads: no two may read the same."""
    if isinstance(source, LibvirtSourceConfig):
        return source.kind, source.uri
    if isinstance(source, LxcSourceConfig):
        return source.kind, source.path
    if isinstance(source, IncusSourceConfig):
        return source.kind, source.socket or source.url
    return source.kind, source.zone


def _database(url: str, state: Path) -> str:
    """A file of SQLite's is relative to ``state``; ``sqlite:///`` and a path is SQLAlchemy's spelling."""
    scheme, slashes, rest = url.partition(":///")
    if not scheme.startswith("sqlite") or not slashes or not rest or rest.startswith(("/", ":memory:")):
        return url
    return f"{scheme}:///{state / rest}"
