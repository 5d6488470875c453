"""`skulldns guest`: the guests that the sources know."""

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer
from skulldns.cli.text import console, safe, show_json, state


@click.group()
def guest() -> None:
    """Look at guests."""


@guest.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the guests as JSON.")
@config_option
def list_(config: Path, *, as_json: bool) -> None:
    """List every guest: source, state, owner, MACs, addresses, names, and what was refused."""
    guests, _ = answer(config, "guests")
    if as_json:
        show_json(guests)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("guest", "state", "source", "owner", "macs", "addresses", "names", "refused"):
        table.add_column(column, overflow="fold")
    for one in guests:
        table.add_row(
            Text(safe(one["name"])),
            state(one["state"]),
            one["source"],
            Text(safe(one["owner"] or "")),
            "\n".join(one["macs"]),
            "\n".join(f"{address['ip']} ({address['origin']})" for address in one["addresses"]),
            Text("\n".join(one["names"])),
            Text("\n".join(safe(f"{refused['what']}: {refused['reason']}") for refused in one["refused"])),
        )
    console().print(table)
