"""`skulldns zone ds`: the DS for a zone's parent."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skulldns.cli import config_option
from skulldns.cli.text import show_json
from skulldns.errors import ConfigError, Refused, Unavailable

if TYPE_CHECKING:
    from skulldns.model.dnssec import Dnssec


@click.command("ds")
@click.argument("name", metavar="ZONE")
@click.option("--view", help="Of a zone with several views: which one.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with what the parent has.")
@config_option
def ds(config: Path, name: str, view: str | None, *, as_json: bool) -> None:
    """Print the DS records for the parent of ZONE, asked of its servers now. What is wrong with it is said too.

    They are what the zone asks for by CDS or CDNSKEY; where it does not, they are made from its keys.
    """
    title, verdict = _look(config, name, view)
    if as_json:
        found = {"zone": title, "signed": verdict.signed, "ds": verdict.ready, "parent": verdict.ds.value}
        show_json(found | {"findings": [one.sentence for one in verdict.findings]})
        return
    for one in verdict.findings:
        click.echo(one.sentence, err=True)
    if verdict.signed is None:
        raise Unavailable("none of its servers answers", where=title, cure="see `skulldns doctor`")
    if not verdict.signed:
        raise Refused("it is not signed, so there is no DS", where=title, cure="see docs/dnssec.md")
    for line in verdict.ready:
        click.echo(line)


def _look(path: Path, text: str, view: str | None) -> "tuple[str, Dnssec]":
    # Imported here because they bring libvirt and SQLAlchemy, which other verbs of `zone` do not need.
    import time

    from pydantic_core import PydanticCustomError

    from skulldns import wiring
    from skulldns.config import load
    from skulldns.config.values import zone_name
    from skulldns.plan.dnssec import judge

    config = load(path)
    try:
        name = zone_name(text)
    except PydanticCustomError as error:
        raise click.UsageError(error.message()) from None
    views = {one.zone.view: one for one in wiring.observers(config, name)}
    if not views:
        raise ConfigError(f"the zone {text} is not one of 'zones:'", file=path, cure="correct the name")
    if len(views) > 1 and view not in views:
        several = ", ".join(str(one) for one in views)
        raise click.UsageError(f"{text} has several views: name one with --view ({several})")
    observer = views.get(view) or next(iter(views.values()))
    return str(observer.zone), judge(observer.survey(), time.time())
