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
from skulldns.config.sections import ConfigFile, GuardConfig, MemberPolicy
from skulldns.config.siterules import site_rules
from skulldns.config.sitesections import AcmeConfig, AuthoritySection, ProxyConfig
from skulldns.config.sourcerules import check_sources, placed
from skulldns.config.sourcesections import GuestPolicy, SourceConfig
from skulldns.config.values import zone_name
from skulldns.config.websections import NoticesConfig, WebConfig, in_directory, notices_in
from skulldns.config.zonerules import ZoneConfig, zone_configs
from skulldns.config.zonesections import KeySection, PlainServer
from skulldns.desired.yamltext import Node, parse_yaml, plain
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.policy import Publish
from skulldns.model.sites import SiteRule

MAX_CONFIG_FILE = 5_000_000
"""Bytes of a config file that are read at most."""


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
    resolver: tuple[PlainServer, ...] = ()
    guests: GuestPolicy = field(default_factory=GuestPolicy)
    proxy: ProxyConfig | None = None
    sites: tuple[SiteRule, ...] = ()
    acme: AcmeConfig | None = None
    web: WebConfig | None = None
    notices: NoticesConfig | None = None
    policy: MemberPolicy = field(default_factory=MemberPolicy)
    guard: GuardConfig = field(default_factory=GuardConfig)


def load(path: Path, *, secrets: bool = True) -> Config:
    """Read and validate the config file at ``path`` and the key files it names, but no zone file.

    Without ``secrets`` the key files are not read: where a config is checked in a repository, there are none.
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
    return _Loader(path, root, shape, secrets=secrets).config()


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

    def __init__(self, path: Path, root: Node, shape: ConfigFile, *, secrets: bool) -> None:
        self._path = path.absolute()
        self._file = str(path)
        self._root = root
        self._shape = shape
        self._secrets = secrets
        self._errors: list[ConfigError] = []

    def config(self) -> Config:
        shape = self._shape
        state = self._path.parent / shape.state
        keys = self._keys()
        zones = self._zones()
        check_sources(shape, zones, self._note)
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
            sources=tuple(placed(source, self._path.parent) for source in shape.sources),
            networks=shape.networks,
            excluded=shape.excluded,
            look_every=shape.look_every,
            resolver=shape.resolver,
            guests=shape.guests,
            proxy=self._proxy(),
            sites=sites,
            acme=self._acme(),
            web=in_directory(shape.web, self._path.parent),
            notices=notices_in(shape.notices, self._path.parent),
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
        if not self._secrets:
            return key
        try:
            key.key()
        except ConfigError as error:
            what = f"{error.where}: {error.what}" if error.where else error.what
            self._note(("keys", label, "secret_file"), what, error.cure or "correct it")
        return key

    def _zones(self) -> dict[Name, ZoneConfig]:
        named = {
            label: (self._name(("zones", label), label), one) for label, one in self._shape.zones.items()
        }
        known = {label: (name, one) for label, (name, one) in named.items() if name is not None}
        return zone_configs(known, self._shape.keys, self._path.parent, self._note)

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
        places: list[tuple[Location, bool]] = [
            (("guests", "publish"), self._shape.guests.publish is Publish.PROXY)
        ]
        for guest, assigned in self._shape.guests.assign.items():
            wanted = assigned.publish is not None and Publish.PROXY in assigned.publish.choices()
            places.append((("guests", "assign", guest, "publish"), wanted))
        for zone, section in self._shape.zones.items():
            for view, one in section.views.items():
                places.append((("zones", zone, "views", view, "publish"), one.publish is Publish.PROXY))
        for place, wanted in places:
            if wanted:
                self._note(place, "there is no proxy to publish", "add the section 'proxy:'")

    def _name(self, place: Location, label: str) -> Name | None:
        try:
            return zone_name(label)
        except PydanticCustomError as error:
            context = error.context or {}
            self._note(place, str(context["what"]), str(context["cure"]))
            return None

    def _note(self, place: Location, what: str, cure: str) -> None:
        self._errors.append(error_at(self._root, self._file, place, what, cure))


def _database(url: str, state: Path) -> str:
    """A file of SQLite's is relative to ``state``; ``sqlite:///`` and a path is SQLAlchemy's spelling."""
    scheme, slashes, rest = url.partition(":///")
    if not scheme.startswith("sqlite") or not slashes or not rest or rest.startswith(("/", ":memory:")):
        return url
    return f"{scheme}:///{state / rest}"
