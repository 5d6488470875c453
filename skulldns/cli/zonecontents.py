"""`skulldns zone show`, `adopt` and `accept`: what zones hold and whose it is, and what a person agrees to."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer, change
from skulldns.cli.text import console, few, safe, show_json

_OWNER_STYLE = {"static": "cyan", "guest": "green", "certificate": "blue", "foreign": "magenta"}
_WORDS = 3


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the answers as JSON.")
@config_option
def show(config: Path, name: str, *, as_json: bool) -> None:
    """List what each server answers for NAME, a name or a whole zone, and whose each RRset is."""
    found, _ = answer(config, "show", name=name)
    if as_json:
        show_json(found)
        return
    out = console()
    for zone in found["zones"]:
        title = zone["zone"] if zone["view"] is None else f"{zone['zone']}, view {zone['view']}"
        addresses = "  ".join(f"{one['server']} {one['address']}" for one in zone["servers"])
        out.print(Text.assemble((title, "bold"), f"  {addresses}"))
        for server in zone["servers"]:
            if server["error"]:
                out.print(Text(f"! {server['server']}: {safe(server['error'])}", style="red"))
        if zone["rrsets"]:
            out.print(_rrsets(zone))
        else:
            out.print(f"nobody wants anything at {found['name']}, and no server has anything there")


@click.command()
@click.argument("words", nargs=-1, metavar="[ZONE] [NAME [TYPE]]")
@click.option("--dry-run", is_flag=True, help="Only list what would become ours.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what became ours as JSON.")
@config_option
def adopt(config: Path, words: tuple[str, ...], *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take over records that are in a zone already with the data that we want there.

    They are changed and deleted by us from then on. Without ZONE and NAME it is all zones; a TYPE is in capitals.
    """
    if len(words) > _WORDS:
        raise click.UsageError("write [ZONE] [NAME [TYPE]]")
    found, _ = answer(config, "adopt", words=list(words), dry=True)
    if not dry_run and found["adopted"]:
        _agreed(found["adopted"], yes=yes)
        found, _ = change(config, "adopt", words=list(words), dry=False)
    if as_json:
        show_json(found)
        return
    out = console()
    if dry_run or yes or not found["adopted"]:
        _list(found["adopted"])
    if found["adopted"] and not dry_run:
        out.print(Text(f"{_counted(found['adopted'])} ours now", style="green"))


@click.command()
@click.argument("zone")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@config_option
def accept(config: Path, zone: str, *, as_json: bool) -> None:
    """Take the file of ZONE as it is, although it looks as if its end were cut off."""
    found, _ = change(config, "accept", zone=zone)
    if as_json:
        show_json(found)
    else:
        console().print(f"{found['zone']}: its file is taken as it is, with {found['records']} static RRsets")


def _counted(entries: list[dict[str, Any]]) -> str:
    return "1 RRset is" if len(entries) == 1 else f"{len(entries)} RRsets are"


def _agreed(entries: list[dict[str, Any]], *, yes: bool) -> None:
    if yes:
        return
    if not console().is_terminal:
        what = "what is adopted is ours to change and to delete"
        raise click.UsageError(f"{what}; add --yes, or look with --dry-run")
    _list(entries)
    click.confirm(f"Take over all {len(entries)}?" if len(entries) > 1 else "Take it over?", abort=True)


def _list(entries: list[dict[str, Any]]) -> None:
    out = console()
    if not entries:
        out.print("there is nothing to adopt: no foreign record has the data that is wanted at its name")
        return
    table = _table("name", "type", "TTL", "data", "for")
    for one in entries:
        ttl = str(one["ttl"]) if one["ttl"] == one["wanted_ttl"] else f"{one['ttl']} -> {one['wanted_ttl']}"
        table.add_row(Text(safe(one["name"])), one["type"], ttl, Text(few(one["values"])), _owner(one))
    out.print(table)


def _rrsets(zone: dict[str, Any]) -> Table:
    """One row for each RRset; where servers differ, each tells its own."""
    table = _table("name", "type", "TTL", "data", *(one["server"] for one in zone["servers"]), "whose")
    for one in zone["rrsets"]:
        served = next((found for found in one["answers"] if found), None)
        shown = served or one["wanted"] or {"ttl": "", "values": []}
        marks = [
            _mark(found, shown, error=server["error"])
            for found, server in zip(one["answers"], zone["servers"], strict=True)
        ]
        table.add_row(
            Text(safe(one["name"])),
            one["type"],
            str(shown["ttl"]),
            Text("\n".join(map(safe, shown["values"])), style="" if served else "dim"),
            *marks,
            _owner(one),
        )
    return table


def _mark(found: dict[str, Any] | None, shown: dict[str, Any], *, error: str | None) -> Text:
    if error:
        return Text("?", style="red")
    if found is None:
        return Text("✗ nothing", style="red")
    if found == shown:
        return Text("✓", style="green")
    return Text("✗ " + "\n".join(map(safe, found["values"])) + f" (TTL {found['ttl']})", style="yellow")


def _owner(one: dict[str, Any]) -> Text:
    return Text.assemble((one["owner"], _OWNER_STYLE[one["owner"]]), f"  {safe(one['detail'])}".rstrip())


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
