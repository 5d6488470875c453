"""`skulldns doctor`: look at everything once; what is ill, and the cure. `skulldns metrics`: the same for machines."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer
from skulldns.cli.text import console, safe, show_json
from skulldns.daemon.control import SOCKET
from skulldns.errors import ConfigError, ConfigErrors, SkullDNSError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the pings as JSON.")
@config_option
def doctor(config: Path, *, as_json: bool) -> None:
    """Look at everything once: what is ill, and the cure. Exit code 1 if something is."""
    pings = examine(config, outside=True)["pings"]
    ill = [one for one in pings if not one["good"]]
    if as_json:
        show_json({"good": not ill, "pings": pings})
    else:
        out = console()
        out.print(_table(pings))
        if ill:
            out.print(Text(f"\n{len(ill)} of {len(pings)} need a person", style="bold red"))
        else:
            unknown = sum(not one.get("known", True) for one in pings)
            rest = f", except {unknown} that could not be looked at from here" if unknown else ""
            out.print(Text(f"\nall {len(pings)} are well{rest}", style="green"))
    if ill:
        raise SystemExit(1)


@click.command()
@config_option
def metrics(config: Path) -> None:
    """Print pings and figures in Prometheus' text format, as for node_exporter's textfile collector."""
    from skulldns.cli.exposition import exposition

    click.echo(exposition(examine(config)), nl=False)


def examine(path: Path, *, outside: bool = False) -> dict[str, Any]:
    """The pings, and the figures beside them as far as there are any; whatever happens, there is an answer.

    With ``outside``, the zones are looked at from outside now, which takes some seconds where nobody answers.
    """
    config = [_ping("config", str(path), "is read")]
    try:
        found, live = answer(path, "health", outside=outside)
    except ConfigError as error:
        errors = error.errors if isinstance(error, ConfigErrors) else [error]
        return {"pings": [_ill("config", str(path), one) for one in errors]}
    except SkullDNSError as error:
        return {"pings": [*config, _ill("daemon", "", error)]}
    if any(one["kind"] == "config" for one in found["pings"]):  # the daemon works with the last good one
        config = []
    if live:
        daemon = _ping("daemon", SOCKET, "answers")
    else:
        daemon = {
            "kind": "daemon",
            "name": SOCKET,
            "good": False,
            "text": "is not running",
            "cure": "start `skulldns run`",
        }
    return {**found, "pings": [*config, daemon, *found["pings"]]}


def _ping(kind: str, name: str, text: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "good": True, "text": text, "cure": ""}


def _ill(kind: str, name: str, error: SkullDNSError) -> dict[str, Any]:
    what = f"{error.where}: {error.what}" if error.where else error.what
    return {"kind": kind, "name": name, "good": False, "text": what, "cure": error.cure or ""}


def _table(pings: list[dict[str, Any]]) -> Table:
    """A row for each ping; the cure stands below what is wrong."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    for _ in range(3):
        table.add_column(overflow="fold")
    for one in pings:
        text = Text(safe(one["text"]))
        if one["cure"]:
            text.append(f"\n→ {safe(one['cure'])}", style="bold")
        sign = Text("✓", style="green") if one["good"] else Text("✗", style="bold red")
        if not one.get("known", True):
            sign = Text("?", style="yellow")
        table.add_row(sign, one["kind"], Text(safe(one["name"])), text)
    return table
