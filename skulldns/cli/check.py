"""`skulldns check`: the config and all zone files, without network."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skulldns.cli import find_config, no_collection
from skulldns.errors import ConfigError, ConfigErrors

if TYPE_CHECKING:
    from dns.name import Name

    from skulldns.config import ZoneConfig
    from skulldns.desired.zonefile import ZoneData

_SHOWN = 3
"""Files that the hint names."""

_TTL = 3600
"""Seconds for records without ``ttl`` in zones that no config has: octoDNS's own."""


@dataclass(frozen=True, slots=True)
class _Report:
    zones: tuple[dict[str, Any], ...] = ()
    warnings: tuple[ConfigError, ...] = ()
    errors: tuple[ConfigError, ...] = ()
    endless: tuple[str, ...] = ()
    """Zone files that do not say where they end."""


@dataclass(frozen=True, slots=True)
class _Zone:
    """A zone, and how its files are read."""

    name: "Name"
    file: Path | None
    views: list[str]
    read: "Callable[[], ZoneData]"


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--config", type=click.Path(path_type=Path), help="The config file.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--no-secrets", is_flag=True, help="Do not look at key files, which no repository should have.")
@click.pass_context
def check(
    ctx: click.Context, files: tuple[Path, ...], config: Path | None, *, as_json: bool, no_secrets: bool
) -> None:
    """Check the config and all zone files, without network; or only some zone FILES.

    A FILE that the config does not name, or that has no config beside it, is of the zone that it is called
    after: vmsrv.example.org.yaml.
    """
    with no_collection():
        if files:
            path = _config_if_any(ctx, config)
            report = _look_at(files, path)
        else:
            path = find_config(ctx, config)
            report = _look(path, secrets=not no_secrets)
    if as_json:
        click.echo(json.dumps(_as_json(path, report), indent=2))
    else:
        for warning in report.warnings:
            click.echo(f"warning: {warning}", err=True)
        for error in report.errors:
            click.echo(str(error), err=True)
        if not report.errors:
            for zone in report.zones:
                views = f" (views {', '.join(zone['views'])})" if zone["views"] else ""
                click.echo(f"{zone['name']}{views}: {zone['records']} static RRsets")
            if report.endless:
                click.echo(_hint(report.endless))
            click.echo("ok")
    ctx.exit(2 if report.errors else 0)


def _config_if_any(ctx: click.Context, value: Path | None) -> Path | None:
    try:
        return find_config(ctx, value)
    except ConfigError:
        return None


def _look(path: Path, *, secrets: bool) -> _Report:
    from skulldns.config import load, strays
    from skulldns.config.secretfiles import secret_errors, secret_warnings

    try:
        config = load(path, secrets=secrets)
    except ConfigError as error:
        return _Report(errors=_several(error))
    report = _read([_configured(zone) for zone in config.zones.values()])
    if secrets:
        errors, warnings = secret_errors(config), secret_warnings(config)
        report = replace(report, errors=(*errors, *report.errors), warnings=(*warnings, *report.warnings))
    cure = "add the zone, or take the file away"
    beside = [
        ConfigError("no configured zone names this file", file=one, cure=cure) for one in strays(config)
    ]
    return replace(report, warnings=(*report.warnings, *beside))


def _look_at(files: Sequence[Path], path: Path | None) -> _Report:
    from skulldns.config import load

    try:
        config = load(path, secrets=False) if path is not None else None
        zones = [] if config is None else [zone for zone in config.zones.values() if zone.file is not None]
        known = {zone.file.resolve(): zone for zone in zones if zone.file is not None}
        return _read([_chosen(file, known.get(file.resolve()), path) for file in files])
    except ConfigError as error:
        return _Report(errors=_several(error))


def _chosen(file: Path, zone: "ZoneConfig | None", config: Path | None) -> _Zone:
    if zone is not None:
        return _configured(zone)
    if config is not None and file.resolve() == config.resolve():
        raise ConfigError(
            "this is the config, and no zone file", file=file, cure="check it without naming a file"
        )
    return _called_after(file)


def _configured(zone: "ZoneConfig") -> _Zone:
    from skulldns.config import load_zone

    views = [one.view for one in zone.views if one.view is not None]
    return _Zone(zone.name, zone.file, views, partial(load_zone, zone))


def _called_after(file: Path) -> _Zone:
    """The zone that octoDNS would take the file for: ``vmsrv.example.org.yaml``, or the directory with a final dot."""
    from pydantic_core import PydanticCustomError

    from skulldns.config.values import zone_name
    from skulldns.config.zones import read_zone_files
    from skulldns.desired.zonefile import ZoneRules

    try:
        name = zone_name(file.name.removesuffix(".yaml"))
    except PydanticCustomError:
        what = "the file is not called after a zone"
        cure = "call it like vmsrv.example.org.yaml, or name it in a config"
        raise ConfigError(what, file=file, cure=cure) from None
    return _Zone(name, file, [], partial(read_zone_files, file, ZoneRules(name, _TTL)))


def _read(zones: Sequence[_Zone]) -> _Report:
    from skulldns.desired.zonefile import doubts, ends_itself

    read: list[dict[str, Any]] = []
    errors: list[ConfigError] = []
    warnings: list[ConfigError] = []
    endless: list[str] = []
    for zone in zones:
        try:
            found = zone.read()
        except ConfigError as error:
            errors += _several(error)
            continue
        file = None if zone.file is None else str(zone.file)
        name = zone.name.to_text(omit_final_dot=True)
        read.append({"name": name, "views": zone.views, "file": file, "records": len(found.records)})
        warnings += sorted((*found.warnings, *doubts(found.records, zone.name)), key=_line)
        endless += [text.file for text in found.texts if not ends_itself(text.text)]
    return _Report(tuple(read), tuple(warnings), tuple(errors), tuple(endless))


def _line(warning: ConfigError) -> tuple[str, int, int]:
    return warning.file or "", warning.line or 0, warning.column or 0


def _hint(files: Sequence[str]) -> str:
    shown = [file.removeprefix(f"{Path.cwd()}/") for file in files[:_SHOWN]]
    more = [f"{len(files) - _SHOWN} more"] if len(files) > _SHOWN else []
    what = "half a save could be taken for a whole one; end the file with a line '...'"
    return f"hint: {what}: {', '.join(shown + more)}"


def _several(error: ConfigError) -> tuple[ConfigError, ...]:
    return error.errors if isinstance(error, ConfigErrors) else (error,)


def _as_json(config: Path | None, report: _Report) -> dict[str, Any]:
    return {
        "ok": not report.errors,
        "config": None if config is None else str(config),
        "zones": report.zones,
        "endless": report.endless,
        "warnings": [_parts(warning) for warning in report.warnings],
        "errors": [_parts(error) for error in report.errors],
    }


def _parts(error: ConfigError) -> dict[str, Any]:
    return {
        "file": error.file,
        "line": error.line,
        "column": error.column,
        "what": error.what,
        "cure": error.cure,
    }
