"""`skulldns zone`: look into zones, adopt what is there, move zones in and out."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from dns.name import Name

from skulldns.cli import config_option, find_config
from skulldns.cli.zonecontents import accept, adopt, show
from skulldns.cli.zoneds import ds
from skulldns.errors import ConfigError, ConfigErrors
from skulldns.model.statics import StaticRecord

if TYPE_CHECKING:
    from skulldns.config import ServerConfig

_FORMATS = ("yaml", "bind", "octodns")


@click.group()
def zone() -> None:
    """Look into zones, adopt what is there, and move zones in and out."""


for _verb in (show, adopt, accept, ds):
    zone.add_command(_verb)


@zone.command("import")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--zone", "name", help="The zone's name, where the source does not say it.")
@click.option("--axfr", metavar="SERVER", help="Transfer the zone from a server: address, or address#port.")
@click.option("--key", help="With --axfr: which entry of 'keys:' in the config signs the transfer.")
@click.option("--octodns", type=click.Path(path_type=Path), help="Read the zones of an octoDNS config.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Write there: a file, or a directory for several."
)
@click.option("--config", type=click.Path(path_type=Path), help="With --axfr: the config file.")
@click.pass_context
def import_(
    ctx: click.Context,
    file: Path | None,
    name: str | None,
    axfr: str | None,
    key: str | None,
    octodns: Path | None,
    output: Path | None,
    config: Path | None,
) -> None:
    """Write a zone's YAML from BIND's zone FILE, a transfer, or octoDNS. What cannot be taken over is said."""
    if sum(given is not None for given in (file, axfr, octodns)) != 1:
        raise click.UsageError("name one of FILE, --axfr and --octodns")
    if (axfr is None) != (key is None):
        raise click.UsageError("--axfr and --key go together")
    wanted = _name(name) if name else None
    if octodns is not None:
        _import_octodns(octodns, wanted, output)
    elif file is not None:
        _import_file(file, wanted, output)
    else:
        assert axfr is not None, "one of three is given"
        assert key is not None, "it goes together with --axfr"
        _import_transfer(find_config(ctx, config), axfr, key, wanted, output)


def _import_file(file: Path, wanted: Name | None, output: Path | None) -> None:
    from skulldns.config.reading import read_text
    from skulldns.desired.zonefile import MAX_ZONE_FILE
    from skulldns.desired.zonefile.bind import from_bind, zone_of

    text = read_text(file, MAX_ZONE_FILE)
    found = wanted or zone_of(text)
    if found is None:
        raise ConfigError("the file does not say its zone's name", file=file, cure="name it with --zone")
    imported = from_bind(text, found, str(file))
    _write_zone(found, imported.records, [f"imported from {file.name}"], imported.left_out, output)


def _import_octodns(config: Path, wanted: Name | None, output: Path | None) -> None:
    from skulldns.config.octodns import import_octodns

    zones = list(import_octodns(config, wanted))
    if not zones:
        raise ConfigError("there is no such zone", file=config, cure="name one of its 'zones:' with --zone")
    if len(zones) > 1 and (output is None or not output.is_dir()):
        raise click.UsageError(
            f"there are {len(zones)} zones: name a directory with --output, or one with --zone"
        )
    paths = {name: _place(name, output) for name, imported, _ in zones if imported is not None}
    _see_free(paths.values())
    for name, imported, comments in zones:
        if imported is None:
            _say([f"the zone {name}: octoDNS has no files for it; import it with --axfr"])
            continue
        first = f"imported from octoDNS ({config.name})"
        _write_zone(name, imported.records, [first, *comments], imported.left_out, paths[name])


def _place(name: Name, output: Path | None) -> Path | None:
    """Where a zone goes; one name of a classless zone has a slash (RFC 2317)."""
    if output is None or not output.is_dir():
        return output
    return output / f"{name.to_text(omit_final_dot=True).replace('/', '-')}.yaml"


def _see_free(paths: Iterable[Path | None]) -> None:
    """All or nothing: half of the files would be in the way of the next try."""
    taken = [path for path in paths if path is not None and path.exists()]
    if taken:
        cure = "take it away first, or write elsewhere"
        raise ConfigErrors([ConfigError("there is such a file", file=path, cure=cure) for path in taken])


def _import_transfer(path: Path, server: str, key: str, wanted: Name | None, output: Path | None) -> None:
    from skulldns.config import load

    config = load(path)
    if wanted is None:
        if len(config.zones) > 1:
            raise click.UsageError("the config has several zones: name one with --zone")
        [wanted] = config.zones
    if key not in config.keys:
        known = ", ".join(config.keys) or "none yet"
        raise ConfigError(f"there is no key '{key}'", file=path, cure=f"name one of its keys ({known})")
    address, _, port = server.partition("#")
    # Imported here because it brings libvirt and SQLAlchemy, which the other ways do not need.
    from skulldns import wiring
    from skulldns.desired.zonefile.bind import from_rrsets

    connection = wiring.server(config, wanted, _server(address, port, key))
    try:
        image = connection.read()
    finally:
        connection.close()
    imported = from_rrsets(image.rrsets, wanted, connection.where)
    left_out = (*imported.left_out, "the SOA, and what DNSSEC signs with: they are the name server's own")
    _write_zone(wanted, imported.records, [f"imported from {connection.where}"], left_out, output)


def _server(address: str, port: str, key: str) -> "ServerConfig":
    from pydantic import ValidationError

    from skulldns.config import ServerConfig

    try:
        return ServerConfig.model_validate({"address": address, "port": int(port or 53), "key": key})
    except (ValidationError, ValueError):
        what = f"{address}#{port}" if port else address
        raise click.UsageError(
            f"{what} is not a server: write an address, or an address and port like 192.0.2.53#53"
        ) from None


@zone.command()
@click.argument("name", metavar="ZONE")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="yaml", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Write there instead of to standard output.")
@config_option
def export(config: Path, name: str, form: str, output: Path | None) -> None:
    """Write the static records of ZONE as YAML, as BIND's zone file, or for octoDNS; of one view with ZONE@VIEW."""
    from skulldns.config import load, load_zone
    from skulldns.desired.statics import in_view
    from skulldns.desired.zonefile.bind import to_bind
    from skulldns.desired.zonefile.writing import Written, to_octodns, to_yaml

    name, at, view = name.partition("@")
    loaded, zone_name = load(config), _name(name)
    known = loaded.zones.get(zone_name)
    if known is None:
        raise ConfigError(f"the zone {name} is not one of 'zones:'", file=config, cure="correct the name")
    records = load_zone(known).records
    if at:
        if view not in [one.view for one in known.views]:
            raise ConfigError(f"the zone {name} has no view '{view}'", file=config, cure="correct the name")
        records = tuple(replace(record, view=None) for record in in_view(records, view))
    title = zone_name.to_text(omit_final_dot=True) + at + view
    comments = [f"static records of {title}"]
    if form == "yaml":
        written = Written(to_yaml(records, zone_name, comments))
    else:
        written = (to_bind if form == "bind" else to_octodns)(records, zone_name, comments)
    _say(written.left_out)
    _write(written.text, output)


def _write_zone(
    name: Name,
    records: Iterable[StaticRecord],
    comments: list[str],
    left_out: Iterable[str],
    output: Path | None,
) -> None:
    from skulldns.desired.zonefile import parse_zone
    from skulldns.desired.zonefile.writing import to_yaml

    text = to_yaml(
        records,
        name,
        [f"static records of {name.to_text(omit_final_dot=True)}, {comments[0]}", *comments[1:]],
    )
    _say(left_out)
    parse_zone(text, name, str(output or f"{name.to_text()}yaml"), 0)
    _write(text, output)


def _say(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        click.echo(sentence, err=True)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        cure = "take it away first, or write elsewhere"
        raise ConfigError(f"the file cannot be written: {error.strerror}", file=output, cure=cure) from None


def _name(text: str) -> Name:
    from pydantic_core import PydanticCustomError

    from skulldns.config.values import zone_name

    try:
        return zone_name(text)
    except PydanticCustomError as error:
        raise click.UsageError(error.message()) from None
