"""`skulldns check`: the config and all zone files, without network."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from skulldns.cli import config_option
from skulldns.errors import ConfigError, ConfigErrors


@dataclass(frozen=True, slots=True)
class _Report:
    zones: tuple[dict[str, Any], ...]
    warnings: tuple[ConfigError, ...]
    errors: tuple[ConfigError, ...]


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--no-secrets", is_flag=True, help="Do not look at key files, which no repository should have.")
@click.pass_context
def check(ctx: click.Context, config: Path, *, as_json: bool, no_secrets: bool) -> None:
    """Check the config and all zone files, without network."""
    with _no_collection():
        report = _look(config, secrets=not no_secrets)
    if as_json:
        click.echo(json.dumps(_as_json(config, report), indent=2))
    else:
        for warning in report.warnings:
            click.echo(f"warning: {warning}", err=True)
        for error in report.errors:
            click.echo(str(error), err=True)
        if not report.errors:
            for zone in report.zones:
                views = f" (views {', '.join(zone['views'])})" if zone["views"] else ""
                click.echo(f"{zone['name']}{views}: {zone['records']} static RRsets")
            click.echo("ok")
    ctx.exit(2 if report.errors else 0)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Looking for cycles while modules are loaded and records made finds none, and takes a tenth of all the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _look(path: Path, *, secrets: bool) -> _Report:
    from skulldns.config import load, load_zone, strays

    try:
        config = load(path, secrets=secrets)
    except ConfigError as error:
        return _Report((), (), _several(error))
    zones: list[dict[str, Any]] = []
    errors: list[ConfigError] = []
    warnings: list[ConfigError] = []
    for zone in config.zones.values():
        try:
            found = load_zone(zone)
        except ConfigError as error:
            errors += _several(error)
        else:
            file = None if zone.file is None else str(zone.file)
            name = zone.name.to_text(omit_final_dot=True)
            views = [one.view for one in zone.views if one.view is not None]
            zones.append({"name": name, "views": views, "file": file, "records": len(found.records)})
            warnings += found.warnings
    warnings += [
        ConfigError(
            "no configured zone names this file", file=stray, cure="add the zone, or take the file away"
        )
        for stray in strays(config)
    ]
    return _Report(tuple(zones), tuple(warnings), tuple(errors))


def _several(error: ConfigError) -> tuple[ConfigError, ...]:
    return error.errors if isinstance(error, ConfigErrors) else (error,)


def _as_json(config: Path, report: _Report) -> dict[str, Any]:
    return {
        "ok": not report.errors,
        "config": str(config),
        "zones": report.zones,
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
