"""`skulldns status`: sources, servers, names, and what is wrong."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer
from skulldns.cli.text import ago, console, show_json, state
from skulldns.config import load


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--all", "show_all", is_flag=True, help="List every name, not only those that need attention.")
@config_option
def status(config: Path, *, as_json: bool, show_all: bool) -> None:
    """Show sources, servers and names, and what is wrong."""
    found, live = answer(load(config), "status")
    if as_json:
        show_json(found | {"daemon": live})
        return
    out = console()
    if not live:
        out.print("The daemon is not running; this is what one look shows.", style="yellow")
    out.print(_sources(found["sources"]))
    out.print(_servers(found["servers"]))
    counts = ", ".join(f"{number} {word}" for word, number in found["counts"].items() if number)
    out.print(Text("names: ", style="bold") + Text(counts or "none"))
    names = [name for name in found["names"] if show_all or name["state"] != "served"]
    if names:
        out.print(names_table(names))
    for problem in found["problems"]:
        out.print(Text("! ", style="bold red") + Text(problem))
    if not found["problems"]:
        out.print(Text("nothing is wrong", style="green"))


def names_table(names: list[dict[str, Any]]) -> Table:
    """Names with state, owner, records and reason."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("name", "state", "for", "records", "why"):
        table.add_column(column, overflow="fold")
    for name in names:
        table.add_row(
            Text(name["name"]),
            state(name["state"]),
            Text(name["owner"]),
            Text(", ".join(name["records"])),
            Text(name["reason"]),
        )
    return table


def _sources(sources: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("source", "state", "since", "guests", "running"):
        table.add_column(column)
    for source in sources:
        table.add_row(
            Text(source["name"]),
            state(source["state"]),
            ago(source["since"]),
            str(source["guests"]),
            str(source["running"]),
        )
    return table


def _servers(servers: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("zone", "server", "address", "state", "serial", "pending"):
        table.add_column(column)
    for server in servers:
        table.add_row(
            server["zone"],
            server["role"],
            server["address"],
            state(server["state"]),
            str(server["serial"] or ""),
            str(server["pending"]),
        )
    return table
