"""`skulldns ns`: configure name servers."""

from collections.abc import Mapping
from pathlib import Path

import click

from skulldns.cli import config_option
from skulldns.errors import ConfigError

_SERVERS = ("bind", "knot", "nsd", "powerdns")
_ROLES = ("primary", "secondary")


@click.group()
def ns() -> None:
    """Configure name servers."""


@ns.command("config")
@click.option("--server", type=click.Choice(_SERVERS), required=True, help="The name server's make.")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What it is for the zones.")
@click.option("--address", help="Which of the config's servers, where there are several of this role.")
@click.option("--dnssec", is_flag=True, help="Let the primary sign the zones.")
@click.option(
    "--catalog", metavar="ZONE", help="A catalog zone (RFC 9432) of this name, if all servers know it."
)
@click.option(
    "--manager", "managers", multiple=True, help="Address of the host that runs SkullDNS, for PowerDNS."
)
@click.option("--data", metavar="DIR", help="Where the server keeps zones.  [default: Debian's]")
@click.option("--run", metavar="DIR", help="Where it keeps files while it runs.  [default: Debian's]")
@click.option("--keys", metavar="DIR", help="Where its configuration and keys are.  [default: Debian's]")
@click.option("--output", type=click.Path(path_type=Path), help="Write the files into this new directory.")
@config_option
def config_(  # noqa: PLR0917 - click passes one argument for each option
    config: Path,
    server: str,
    role: str,
    address: str | None,
    dnssec: bool,
    catalog: str | None,
    managers: tuple[str, ...],
    data: str | None,
    run: str | None,
    keys: str | None,
    output: Path | None,
) -> None:
    """Print the configuration of one name server for the configured zones. It has no secret in it."""
    # Imported here because they bring libvirt and SQLAlchemy, which `--help` does not need.
    from pydantic_core import PydanticCustomError

    from skulldns.config import load
    from skulldns.config.values import zone_name
    from skulldns.wiring import name_server_files

    try:
        catalog_name = zone_name(catalog) if catalog else None
    except PydanticCustomError as error:
        raise click.UsageError(error.message()) from None
    places = {key: value for key, value in (("data", data), ("run", run), ("keys", keys)) if value}
    options = {"places": places, "managers": managers, "dnssec": dnssec, "catalog": catalog_name}
    files = name_server_files(load(config), server, role, address=address, options=options)
    if output is not None:
        _write(files, output)
    elif len(files) == 1:
        click.echo("".join(files.values()), nl=False)
    else:
        click.echo("\n".join(f"==> {name} <==\n{text}" for name, text in files.items()), nl=False)


def _write(files: Mapping[str, str], directory: Path) -> None:
    try:
        directory.mkdir(parents=True)
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(str(path))
    except OSError as error:
        cure = "take it away first, or write elsewhere"
        raise ConfigError(f"it cannot be written: {error.strerror}", file=directory, cure=cure) from None
