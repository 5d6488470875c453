"""`skulldns guest`: the guests that the sources know, and what admins assign to them."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer, change
from skulldns.cli.text import console, safe, show_json, state
from skulldns.model.assignments import FIELDS

_WIDTH = 11


@click.group()
def guest() -> None:
    """Look at guests, and assign owners and options to them."""


@guest.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the guests as JSON.")
@config_option
def list_(config: Path, *, as_json: bool) -> None:
    """List every guest: source, state, owner, MACs, addresses, names, options, and what was refused and why."""
    guests, _ = answer(config, "guests")
    if as_json:
        show_json(guests)
        return
    out = console()
    for source in dict.fromkeys(one["source"] for one in guests):
        here = [one for one in guests if one["source"] == source]
        out.print(Text(f"{safe(source)}: {len(here)} guests", style="bold cyan"))
        out.print(_table(here))
        for one in here:
            for refusal in one["refused"]:
                out.print(_refused(refusal, safe(one["name"])))
        out.print()


@guest.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the guest as JSON.")
@config_option
def show(config: Path, name: str, *, as_json: bool) -> None:
    """Show everything about the guest NAME, which is its name or its identity."""
    one, _ = answer(config, "guest", guest=name)
    if as_json:
        show_json(one)
        return
    _show(one)


@guest.command("assign")
@click.argument("name")
@click.argument("fields", nargs=-1, metavar="[FIELD]...")
@click.option("--owner", help="The member who owns it: a login.")
@click.option("--port", help="The port of its web server.")
@click.option("--names", help="Further names for it, with commas between them.")
@click.option(
    "--publish", help="Whose addresses its name gets: guest, proxy or none; or inside=guest outside=proxy."
)
@click.option("--https", help="Whether it gets a site: auto or off.")
@click.option("--clear", is_flag=True, help="Take back what was assigned: these FIELDs, or all.")
@click.option("--json", "as_json", is_flag=True, help="Print the guest as JSON.")
@config_option
def assign(
    config: Path, name: str, fields: tuple[str, ...], *, clear: bool, as_json: bool, **options: str | None
) -> None:
    """Assign an owner and options to the guest NAME, which is its name or its identity.

    What is assigned wins over the hypervisor's metadata, and the config's `guests: assign` over both.
    """
    given = {field: value for field, value in options.items() if value is not None}
    if fields and not clear:
        raise click.UsageError(f"FIELDs are for --clear; write --{fields[0]} VALUE to assign one")
    if not given and not clear:
        raise click.UsageError("there is nothing to assign; name an option, or --clear")
    cleared = list(fields or FIELDS) if clear else []
    one, live = change(
        config, "assign", guest=name, given=given, cleared=[one for one in cleared if one not in given]
    )
    if as_json:
        show_json(one)
        return
    if one["name"] is None:
        console().print(Text(f"nothing is assigned to {safe(one['id'])} any more"))
        return
    _show(one)
    if not live:
        console().print("The daemon is not running: its names follow when it runs.", style="yellow")


def _table(guests: list[dict[str, Any]]) -> Table:
    """A row for each guest of one source; what is not published is dim and struck out."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("guest", "state", "owner", "addresses", "names", "options", "macs"):
        table.add_column(column, overflow="fold", no_wrap=column in {"state", "addresses", "macs"})
    for one in guests:
        table.add_row(
            Text(safe(one["name"])),
            state(one["state"]),
            Text(safe(one["owner"] or "")),
            Text("\n").join(map(_address, one["addresses"])),
            Text("\n".join(one["names"])),
            Text(", ".join(_options(one))),
            Text("\n".join(one["macs"])),
        )
    return table


def _address(address: dict[str, Any]) -> Text:
    return Text(f"{address['ip']} ({address['origin']})", style="" if address["published"] else "dim strike")


def _options(one: dict[str, Any]) -> list[str]:
    """The options that somebody has chosen."""
    return [
        f"{field} {safe(str(one[field]))}"
        for field in ("port", "publish", "https")
        if one["told"][field] != "default"
    ]


def _refused(refusal: dict[str, str], who: str = "") -> Text:
    return Text.assemble(
        ("  ! ", "red"), (f"{who}: " if who else "", "bold"), safe(f"{refusal['what']}: {refusal['reason']}")
    )


def _show(one: dict[str, Any]) -> None:
    """One guest in full."""
    out = console()
    out.print(Text.assemble((safe(one["name"]), "bold"), " is ", state(one["state"])))
    rows: list[tuple[str, list[Text]]] = [
        ("identity", [Text(safe(one["id"]))]),
        ("source", [Text(safe(one["source"]))]),
        ("macs", [Text(mac) for mac in one["macs"]]),
        ("addresses", [_address(address) for address in one["addresses"]]),
        ("names", [Text(name) for name in one["names"]]),
        ("host names", [Text(f"{safe(name)} (asked of DHCP, never used)") for name in one["hostnames"]]),
    ]
    for field in ("owner", "port", "publish", "https"):
        who = one["told"][field]
        rows.append((field, [Text(f"{safe(str(one[field] or 'nobody'))} ({who})")]))
    for title, lines in rows:
        for number, line in enumerate(lines):
            out.print(Text.assemble((f"  {'' if number else title:<{_WIDTH}} ", "bold"), line))
    for refusal in one["refused"]:
        out.print(_refused(refusal))
