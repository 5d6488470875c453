"""`skulldns token`: what machines show instead of a password."""

import time
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.desk import acting_for, for_option, json_option, open_desk
from skulldns.cli.text import ago, ahead, console, safe, show_json
from skulldns.errors import Refused
from skulldns.model.certificates import shown
from skulldns.model.tokens import Scope, Token

_DAY = 86_400.0


@click.group()
def token() -> None:
    """Make and revoke tokens for machines."""


@token.command("make")
@click.argument("label")
@for_option(required=True)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([str(one) for one in Scope]),
    help="What it is good for; may be repeated.",
)
@click.option(
    "--name", "names", multiple=True, help="A name that it is good for; may be repeated.  [default: all]"
)
@click.option(
    "--days", type=click.IntRange(min=1), help="How long it is good.  [default: until it is revoked]"
)
@json_option
@config_option
def make(
    config: Path,
    label: str,
    *,
    login: str,
    scopes: tuple[str, ...],
    names: tuple[str, ...],
    days: int | None,
    as_json: bool,
) -> None:
    """Make a token for a member and print it; LABEL says what it is for. It is shown this once only."""
    from skulldns.desired.policy.hostnames import hostname
    from webui.desk import tokens

    desk, now = open_desk(config), time.time()
    wanted = [hostname(name, desk.rules) for name in names]
    expires = now + days * _DAY if days else None
    found, text = tokens.make(
        desk, acting_for(login), label, list(map(Scope, scopes)), wanted, now, expires=expires
    )
    if as_json:
        show_json(_values(found) | {"token": text})
        return
    click.echo(text)
    click.echo("It is shown this once only.", err=True)


@token.command("list")
@for_option(required=True)
@json_option
@config_option
def list_(config: Path, *, login: str, as_json: bool) -> None:
    """List a member's tokens."""
    with open_desk(config).office.reading() as books:
        found = books.tokens.tokens(login)
    if as_json:
        show_json(list(map(_values, found)))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("token", "label", "good for", "names", "ends", "last used"):
        table.add_column(column)
    for one in found:
        table.add_row(
            one.id,
            Text(safe(one.label)),
            ", ".join(sorted(one.scopes)),
            ", ".join(map(shown, one.names)) or "all",
            Text("revoked", style="red")
            if one.revoked
            else ahead(one.expires, past="" if one.expires is None else "over"),
            f"{ago(one.last_used)} ago from {one.last_address}" if one.last_used else "never",
        )
    console().print(table)


@token.command("revoke")
@click.argument("identity", metavar="TOKEN")
@json_option
@config_option
def revoke(config: Path, identity: str, *, as_json: bool) -> None:
    """Make TOKEN worthless; `token list` shows which there are."""
    from webui.desk import tokens

    desk = open_desk(config)
    with desk.office.reading() as books:
        known = books.tokens.token(identity)
    if known is None:
        raise Refused(f"there is no token {safe(identity)}", cure="see 'skulldns token list --for LOGIN'")
    found = tokens.revoke(desk, acting_for(known.member), identity, time.time())
    if as_json:
        show_json(_values(found))
    else:
        click.echo(f"the token {found.id} of {found.member} is revoked")


def _values(found: Token) -> dict[str, Any]:
    return {
        "id": found.id,
        "member": found.member,
        "label": found.label,
        "scopes": sorted(found.scopes),
        "names": [shown(name) for name in found.names],
        "created": found.created,
        "expires": found.expires,
        "last_used": found.last_used,
        "last_address": found.last_address,
        "revoked": found.revoked,
    }
