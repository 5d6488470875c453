"""octoDNS's own config: where the records of a zone are, and which servers it writes them to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from skulldns.desired.yamltext import Plain, parse_yaml, plain
from skulldns.errors import ConfigError

MAX_CONFIG = 5_000_000
"""Characters of octoDNS's config that are read at most."""

_DEFAULT_TTL = 3600
_Fields = dict[str, Plain]


@dataclass(frozen=True, slots=True)
class YamlFiles:
    """octoDNS's YamlProvider: ``directory`` has ``zone.yaml``, or ``zone`` + ``split`` as a directory, or both."""

    directory: str
    default_ttl: int = _DEFAULT_TTL
    escaped_semicolons: bool = True
    split: str | None = None
    flat: bool = True
    shared: str | None = None


@dataclass(frozen=True, slots=True)
class BindFiles:
    """octodns-bind's ZoneFileProvider: ``directory`` has zone files named for the zone, with ``extension``."""

    directory: str
    extension: str = "."


Files = YamlFiles | BindFiles


@dataclass(frozen=True, slots=True)
class OctoZone:
    """A zone of the config: where its records are, sentences for what could not be taken from it.

    ``records_of`` is the zone whose records these are (another one for an alias). ``comments`` say which
    servers octoDNS writes to, in the words of our config; secrets stay where they are. ``glob`` and ``regex``
    say which names a dynamic zone takes; the first counts.
    """

    name: str
    records_of: str
    files: tuple[Files, ...]
    comments: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    glob: str | None = None
    regex: str | None = None


def read_config(text: str, file: str) -> tuple[OctoZone, ...]:
    """The zones of octoDNS's config file; ``*`` stands for a dynamic one. Raises ``ConfigError``."""
    root, errors = parse_yaml(text, file, MAX_CONFIG)
    if errors:
        raise errors[0]
    config = _mapping(plain(root))
    zones, providers = _mapping(config.get("zones")), _mapping(config.get("providers"))
    if not zones or not providers:
        raise ConfigError(
            "this is no config of octoDNS", file=file, cure="name the file that has 'providers:' and 'zones:'"
        )
    return tuple(_zone(name, zones, providers, file) for name in zones)


def _zone(name: str, zones: _Fields, providers: _Fields, file: str) -> OctoZone:
    section = _mapping(zones[name])
    alias = section.get("alias")
    if isinstance(alias, str):
        section = _mapping(zones.get(alias))
    files: list[Files] = []
    left_out = []
    for source in _names(section.get("sources")):
        found = _files(_mapping(providers.get(source)))
        if found is None:
            left_out.append(f"source {source}: neither YAML files nor zone files of BIND's")
        else:
            files.append(found)
    comments = [
        line
        for target in _names(section.get("targets"))
        for line in _server(target, _mapping(providers.get(target)))
    ]
    if section.get("processors"):
        left_out.append("processors: what they would change is not changed here")
    return OctoZone(
        name,
        alias if isinstance(alias, str) else name,
        tuple(files),
        tuple(comments),
        tuple(left_out),
        *_choice(name, section, file),
    )


def _choice(name: str, section: _Fields, file: str) -> tuple[str | None, str | None]:
    """Which names a dynamic zone takes: its ``glob``, and its ``regex``."""
    glob, regex = section.get("glob"), section.get("regex")
    try:
        re.compile(regex if isinstance(regex, str) else "")
    except re.error as error:
        raise ConfigError(
            f"the regex of the zone {name} is wrong: {error}", file=file, cure="correct it"
        ) from None
    return glob if isinstance(glob, str) else None, regex if isinstance(regex, str) else None


def _files(provider: _Fields) -> Files | None:
    kind, directory = _class(provider), provider.get("directory")
    if not isinstance(directory, str):
        return None
    if kind in ("YamlProvider", "SplitYamlProvider"):
        split = provider.get("split_extension") or None
        if kind == "SplitYamlProvider":
            split = provider.get("extension", ".")
        shared, ttl = provider.get("shared_filename"), provider.get("default_ttl", _DEFAULT_TTL)
        return YamlFiles(
            directory,
            ttl if isinstance(ttl, int) else _DEFAULT_TTL,
            escaped_semicolons=provider.get("escaped_semicolons") is not False,
            split=split if isinstance(split, str) else None,
            flat=kind == "YamlProvider" and provider.get("disable_zonefile") is not True,
            shared=shared if isinstance(shared, str) else None,
        )
    if kind in ("ZoneFileProvider", "ZoneFileSource"):
        return BindFiles(directory, str(provider.get("file_extension", ".")))
    return None


def _server(name: str, provider: _Fields) -> Iterator[str]:
    if _class(provider) not in ("Rfc2136Provider", "BindProvider", "AxfrSource") or "host" not in provider:
        return
    key = provider.get("key_name")
    yield f"octoDNS's target {name} as the zone's server in skulldns.yaml:"
    yield (
        f"  primary: {{address: {provider['host']}, port: {provider.get('port', 53)},"
        f" key: {key if isinstance(key, str) else 'NAME'}}}"
    )


def _class(provider: _Fields) -> str:
    return str(provider.get("class", "")).rpartition(".")[2]


def _mapping(value: Plain) -> _Fields:
    return value if isinstance(value, dict) else {}


def _names(value: Plain) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
