"""`skulldns plan` and `skulldns apply`: see what would change, then change exactly that."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer, looking
from skulldns.cli.text import console, show_json
from skulldns.config import Config, load
from skulldns.daemon.control import NotRunning, ask

PENDING, BLOCKED = 3, 4
"""Exit codes of design.md's list: changes pending, blocked by the guard."""

_SIGNS = {"add": ("+", "green"), "replace": ("~", "yellow"), "delete": ("-", "red")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 3 when changes are pending, 4 when the guard blocks some."
)
@config_option
def plan(config: Path, *, as_json: bool, exit_code: bool) -> None:
    """Show what would change on the name servers. Nothing is changed."""
    found, _ = answer(config, "plan")
    _show(found, as_json=as_json)
    if exit_code and found["needs_agreement"]:
        raise SystemExit(BLOCKED)
    if exit_code and found["changes"]:
        raise SystemExit(PENDING)
    if found["failures"]:
        raise SystemExit(1)


@click.command()
@click.option(
    "--checksum", help="Do exactly the plan with this checksum, what the guard holds back included."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@config_option
def apply(config: Path, checksum: str | None, *, as_json: bool) -> None:
    """Make the planned changes. With --checksum, exactly those that `plan` showed, or none."""
    found, unserved = _apply(load(config), checksum)
    _show(found, as_json=as_json, done=True)
    for sentence in unserved:
        click.echo(sentence, err=True)
    if found["failures"] or unserved:
        raise SystemExit(1)
    if found["needs_agreement"]:
        raise SystemExit(BLOCKED)


def _apply(config: Config, checksum: str | None) -> tuple[dict[str, Any], list[str]]:
    """What was done, and which secondaries do not serve it (the daemon goes on by itself until they do)."""
    try:
        return ask(config.state, "apply", checksum=checksum), []
    except NotRunning:
        pass
    # Imported here because it brings libvirt and SQLAlchemy, which a running daemon makes unnecessary.
    from skulldns.daemon.service import state_lock

    with state_lock(config.state), looking(config, read_only=False) as verbs:
        return verbs["apply"]({"checksum": checksum}), verbs["settle"]({})


def _show(found: dict[str, Any], *, as_json: bool, done: bool = False) -> None:
    if as_json:
        show_json(found)
        return
    out = console()
    for zone in found["zones"]:
        _show_zone(out, zone)
    for sentence in found["failures"]:
        out.print(Text(f"! {sentence}", style="red"))
    if done:
        out.print(f"{found['made']} of {found['changes']} changes made")
    elif found["changes"] or found["needs_agreement"]:
        out.print(f"{found['changes']} changes, checksum {found['checksum']}")
    else:
        out.print("nothing to change")
    if found["needs_agreement"]:
        out.print(
            f"the guard holds some back: agree with `skulldns apply --checksum {found['checksum']}`",
            style="yellow",
        )


def _show_zone(out: Console, zone: dict[str, Any]) -> None:
    if not (zone["changes"] or zone["blocked"] or zone["conflicts"]):
        return
    out.print(Text(zone["zone"], style="bold"))
    for change in zone["changes"]:
        out.print(_line(change) + Text(f"  {change['reason']}", style="dim"))
    for change in zone["blocked"]:
        out.print(_line(change) + Text(f"  {change['block']}: {change['because']}", style="yellow"))
    for conflict in zone["conflicts"]:
        out.print(Text(f"  ! {conflict['reason']}", style="magenta"))


def _line(change: dict[str, Any]) -> Text:
    sign, style = _SIGNS[change["action"]]
    before, after = (change[side] for side in ("before", "after"))
    sides = [" ".join(side["values"]) + f" ({side['ttl']})" for side in (before, after) if side]
    return Text.assemble((f"  {sign} {change['name']} {change['type']} ", style), " -> ".join(sides))
