"""`skulldns status`: sources, servers, proxy, certificates, names, and what is wrong."""

import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer
from skulldns.cli.text import ago, ahead, console, safe, show_json, state


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--all", "show_all", is_flag=True, help="List every name, not only those that need attention.")
@config_option
def status(config: Path, *, as_json: bool, show_all: bool) -> None:
    """Show sources, servers, proxy, certificates and names, and what is wrong."""
    found, live = answer(config, "status")
    if as_json:
        show_json(found | {"daemon": live})
        return
    out = console()
    if not live:
        out.print("The daemon is not running; this is what one look shows.", style="yellow")
    names = [name for name in found["names"] if show_all or name["state"] != "served"]
    counts = ", ".join(f"{number} {word}" for word, number in found["counts"].items() if number)
    out.print(_sources(found["sources"]))
    out.print()
    out.print(_servers(found["servers"]))
    out.print()
    show_dnssec(out, found["outlooks"])
    if found["servers"] and not found["outlooks"]:
        unseen = "not looked at yet; `skulldns doctor` looks at once"
        out.print(Text.assemble(("dnssec  ", "bold"), unseen), end="\n\n")
    _show_front(out, found["proxy"], found["certificates"])
    out.print(Text.assemble(("names  ", "bold"), counts or "none"))
    if names:
        out.print(names_table(names))
    _show_alarms(out, found["alarms"])
    said = {alarm["what"] for alarm in found["alarms"]}
    problems = [problem for problem in found["problems"] if problem not in said]
    _show_problems(out, problems, {name["reason"] for name in names})
    if not found["alarms"] and not found["problems"]:
        out.print(Text("\nnothing is wrong", style="green"))


def _show_alarms(out: Console, alarms: list[dict[str, Any]]) -> None:
    """What needs a person, the oldest first, and for how long it has been so."""
    if alarms:
        out.print(Text("\nalarms", style="bold red"))
    for alarm in alarms:
        out.print(Text.assemble(("! ", "bold red"), safe(alarm["what"]), (f"  {ago(alarm['since'])}", "dim")))


def show_dnssec(out: Console, outlooks: list[dict[str, Any]]) -> None:
    """A line for each zone that is signed, and one for all that are not; nothing before the first look."""
    said = {
        "matches": "the parent's DS matches",
        "none": "the parent has no DS",
        "wrong": "the parent's DS is wrong",
    }
    for one in outlooks:
        dnssec = one["dnssec"]
        if dnssec["signed"]:
            left = ahead(dnssec["expires"])
            ends = f"signatures end in {left}" if left else "its signatures have expired"
            what = f"signed, {ends}, {said.get(dnssec['ds'], 'the DS of its parent is not known')}"
            out.print(Text.assemble(("dnssec  ", "bold"), safe(one["zone"]), f": {what}"))
    unsigned = [one for one in outlooks if one["dnssec"]["signed"] is False]
    if unsigned:
        all_of = (
            "no zone is signed" if len(unsigned) == len(outlooks) else f"{len(unsigned)} zones are not signed"
        )
        out.print(Text.assemble(("dnssec  ", "bold"), all_of))
    if outlooks:
        out.print()


def _show_front(out: Console, proxy: dict[str, Any] | None, certificates: list[dict[str, Any]]) -> None:
    """A line for the proxy, with what it lacks, and one for all certificates."""
    if proxy:
        since = f" for {ago(proxy['since'])}" if proxy["since"] else ""
        parts = [f"generation {proxy['generation']}"] if proxy["generation"] else []
        parts.append(f"{proxy['sites']} sites")
        for number, what in (
            (len(proxy["quarantined"]), "quarantined"),
            (len(proxy["drift"]), "edited by hand"),
        ):
            parts += [f"{number} {what}"] if number else []
        out.print(Text.assemble(("proxy  ", "bold"), state(proxy["state"]), f"{since}: {', '.join(parts)}"))
    if certificates:
        valid = [one["not_after"] for one in certificates if (one["not_after"] or 0) > time.time()]
        parts = [f"{len(valid)} valid"]
        for number, what in (
            (len(certificates) - len(valid), "missing"),
            (sum(one["alarm"] for one in certificates), "in alarm"),
        ):
            parts += [f"{number} {what}"] if number else []
        ends = f"; the first ends in {ahead(min(valid))}" if valid else ""
        out.print(Text.assemble(("certificates  ", "bold"), ", ".join(parts) + ends))
    if proxy or certificates:
        out.print()


def _show_problems(out: Console, problems: list[str], shown: set[str]) -> None:
    """What is wrong, without what the table of names says already."""
    for problem in problems:
        if not any(reason and problem.endswith(reason) for reason in shown):
            out.print(Text.assemble(("\n! ", "bold red"), safe(problem)))


def names_table(names: list[dict[str, Any]]) -> Table:
    """Names with state, owner and records, and the reason for those that are not simply served."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_column("state", no_wrap=True)
    for column in ("for", "records", "why"):
        table.add_column(column, overflow="fold")
    for name in names:
        table.add_row(
            Text(safe(name["name"]) + (f"@{name['view']}" if name["view"] else "")),
            state(name["state"]),
            Text(safe(name["owner"])),
            Text("\n".join(map(safe, name["records"]))),
            Text("" if name["state"] == "served" else safe(name["reason"])),
        )
    return table


def _sources(sources: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("source", overflow="fold")
    for column in ("state", "since", "guests", "running"):
        table.add_column(column, no_wrap=True, min_width=len(column))
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
