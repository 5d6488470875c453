"""`skulldns plan` and `skulldns apply`: see what would change, then change exactly that."""

from pathlib import Path
from typing import Any

import click

from skulldns.cli import config_option, no_collection
from skulldns.cli.access import answer, looking
from skulldns.cli.text import safe, show_json, terminal
from skulldns.config import Config, load
from skulldns.daemon.control import NotRunning, ask
from skulldns.daemon.lock import state_lock
from skulldns.errors import ConfigError, Refused

PENDING, BLOCKED = 3, 4
"""Exit codes of design.md's list: changes pending, blocked by the guard."""

_MOST = 100
"""Names of a zone that are shown on a terminal, or of what was done, without ``--all``."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print it as Markdown, for a merge request.")
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    help="The config before a merge: compare only zone files with what the servers serve, where what BASE's files "
    "have counts as ours. Needs no daemon, no state and no source.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every name, also on a terminal.")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 3 when changes are pending, 4 when the guard blocks some."
)
@config_option
def plan(
    config: Path, base: Path | None, *, as_json: bool, as_markdown: bool, show_all: bool, exit_code: bool
) -> None:
    """Show what would change on the name servers. Nothing is changed.

    The daemon that runs with this config answers; for another config its files are compared.
    """
    found = _planned(config, base)
    if as_json:
        show_json(found)
    elif as_markdown:
        from skulldns.cli.planmarkdown import markdown

        click.echo(markdown(found))
    else:
        _show(found, show_all=show_all)
    if found["failures"] or found["files"]:
        raise SystemExit(1)
    if exit_code and found["needs_agreement"]:
        raise SystemExit(BLOCKED)
    if exit_code and found["changes"]:
        raise SystemExit(PENDING)


@click.command()
@click.option(
    "--checksum", help="Do exactly the plan with this checksum, what the guard holds back included."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.option("--all", "show_all", is_flag=True, help="Show every name.")
@config_option
def apply(config: Path, checksum: str | None, *, as_json: bool, show_all: bool) -> None:
    """Make the planned changes. With --checksum, exactly those that `plan` showed, or none."""
    with no_collection():
        found, unserved = _apply(load(config), checksum)
        if as_json:
            show_json(found)
        else:
            _show(found, show_all=show_all, done=True)
    for sentence in unserved:
        click.echo(sentence, err=True)
    if found["failures"] or unserved:
        raise SystemExit(1)
    if found["needs_agreement"]:
        raise SystemExit(BLOCKED)


def _planned(path: Path, base: Path | None) -> dict[str, Any]:
    """The plan of the daemon that works with this very config file; of any other we look for ourselves."""
    if base is not None:
        # Imported here because it brings SQLAlchemy, which a running daemon makes unnecessary.
        from skulldns.daemon.proposal import proposed

        return proposed(load(path), load(base))
    found: dict[str, Any]
    try:
        config = load(path)
    except ConfigError:
        found, _ = answer(path, "plan")
        return found
    try:
        if Path(ask(config.state, "config")).resolve() == path.resolve():
            found = ask(config.state, "plan")
            return found
    except NotRunning:
        pass
    with looking(config, secondaries=False) as verbs:
        found = verbs["plan"]({})
    return found


def _apply(config: Config, checksum: str | None) -> tuple[dict[str, Any], list[str]]:
    """What was done, and which secondaries do not serve it (the daemon goes on by itself until they do)."""
    try:
        other = Path(ask(config.state, "config"))
        if other.resolve() == config.path.resolve():
            found = ask(config.state, "apply", checksum=checksum)
            return found, found.pop("unserved")
        raise Refused(f"the daemon works with {other}", cure="change the files there, or stop the daemon")
    except NotRunning:
        pass
    with state_lock(config.state), looking(config, read_only=False, secondaries=False) as verbs:
        found = verbs["apply"]({"checksum": checksum})
        return found, found.pop("unserved")


def _show(found: dict[str, Any], *, show_all: bool, done: bool = False) -> None:
    from skulldns.cli.plantext import lines

    colour = terminal()
    most = _MOST if (colour or done) and not show_all else None
    text = list(lines(found["zones"], most=most))
    text += [
        click.style(f"! {safe(sentence)}", fg="red") for sentence in (*found["files"], *found["failures"])
    ]
    if done:
        text.append(f"{found['made']} of {found['changes']} changes made")
    elif found["changes"] or found["needs_agreement"]:
        text.append(f"{found['changes']} changes, checksum {click.style(found['checksum'], bold=True)}")
    else:
        text.append("nothing to change")
    if found["needs_agreement"]:
        agree = f"agree with `skulldns apply --checksum {found['checksum']}`"
        text.append(click.style(f"the guard holds some back: {agree}", fg="yellow"))
    click.echo("\n".join(text), color=colour)
