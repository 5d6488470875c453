"""`skulldns member`: who may claim names here."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.desk import ROOT, json_option, open_desk
from skulldns.cli.text import ago, ahead, console, safe, show_json, state
from skulldns.config import load
from skulldns.errors import ConfigError, Refused
from skulldns.model.members import Invitation, Member

_ALL = 1_000_000


@click.group()
def member() -> None:
    """Invite members, suspend them, and look at them."""


@member.command("invite")
@click.argument("login")
@click.option("--admin", is_flag=True, help="Whoever accepts is an admin.")
@click.option("--email", default="", help="Where notices for this member go.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Accept it here and now, with the password in the first line of this file.",
)
@json_option
@config_option
def invite(
    config: Path, login: str, *, admin: bool, email: str, password_file: Path | None, as_json: bool
) -> None:
    """Invite LOGIN, and print the link that makes its finder this member, once.

    For a member that exists the link sets password and passkeys anew; names stay.
    """
    from webui.desk import members

    encoded = _encoded(password_file, login) if password_file else None
    desk = open_desk(config)
    found, secret = members.invite(desk, ROOT, login, time.time(), admin=admin, email=email)
    if encoded is not None:
        accepted = members.accept(desk, secret, time.time(), "", password=encoded)
        _answer(accepted, f"{login} is a member and can sign in", as_json=as_json)
        return
    web = load(config, secrets=False).web
    link = f"{web.url.rstrip('/') if web else ''}/invitation#{secret}"
    if as_json:
        show_json(_invitation(found) | {"link": link})
        return
    click.echo(link)
    click.echo(f"It is good once, for {ahead(found.expires)}.", err=True)
    if web is None:
        click.echo("The config has no section web: the page's address is missing in the link.", err=True)


@member.command("list")
@click.option(
    "--search", "text", default="", help="Only those with this in their login, name or mail address."
)
@json_option
@config_option
def list_(config: Path, *, text: str, as_json: bool) -> None:
    """List the members, and the invitations that nobody has accepted."""
    with open_desk(config).office.reading() as books:
        found = books.members.members(text, limit=_ALL).items
        invitations = [one for one in books.members.invitations() if text in one.login]
        names = {one.login: books.claims.count(one.login) for one in found}
    if as_json:
        shown = [asdict(one) | {"names": names[one.login]} for one in found]
        show_json({"members": shown, "invitations": [_invitation(one) for one in invitations]})
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("login", "state", "names", "admin", "name", "mail", "last seen"):
        table.add_column(column)
    for one in found:
        table.add_row(
            one.login,
            state(one.state),
            str(names[one.login]),
            "admin" if one.admin else "",
            Text(safe(one.name)),
            Text(safe(one.email)),
            f"{ago(one.last_seen)} ago" if one.last_seen else "never",
        )
    for invitation in invitations:
        left = ahead(invitation.expires)
        table.add_row(
            invitation.login,
            state("waiting"),
            "",
            "",
            Text(f"invited, {f'for {left}' if left else 'too old'}"),
        )
    console().print(table)


@member.command("show")
@click.argument("login")
@json_option
@config_option
def show(config: Path, login: str, *, as_json: bool) -> None:
    """Show the member LOGIN with names, guests, passkeys and tokens."""
    from skulldns.desired.policy.alike import shown_name

    desk = open_desk(config)
    with desk.office.reading() as books:
        found = books.members.member(login)
        if found is None:
            raise Refused(f"there is no member {safe(login)}", cure="see 'skulldns member list'")
        more: dict[str, Any] = {
            "names": [
                {"name": shown_name(one.name), "state": one.state}
                for one in books.claims.search(member=login, limit=_ALL).items
            ],
            "guests": [one.name for one in books.views.guests_of(login)],
            "passkeys": [one.label for one in books.signins.passkeys(login)],
            "sessions": len(books.sessions.sessions(login, time.time())),
            "tokens": [one.label for one in books.tokens.tokens(login) if one.revoked is None],
        }
        quota = desk.rules.quota if found.quota is None else found.quota
    if as_json:
        show_json(asdict(found) | more)
        return
    out = console()
    out.print(Text.assemble((login, "bold"), " is ", state(found.state), ", an admin" if found.admin else ""))
    rows = {
        "name": safe(found.name) or "none given",
        "mail": safe(found.email) or "none given",
        "since": f"{ago(found.created)} ago",
        "last seen": f"{ago(found.last_seen)} ago" if found.last_seen else "never",
        "names": _listed([f"{one['name']} ({one['state']})" for one in more["names"]], f" of {quota}"),
        "guests": _listed(more["guests"]),
        "passkeys": _listed(more["passkeys"]),
        "sessions": str(more["sessions"]),
        "tokens": _listed(more["tokens"]),
    }
    for title, line in rows.items():
        out.print(Text.assemble((f"  {title:<10} ", "bold"), line))


@member.command("suspend")
@click.argument("login")
@click.option("--reason", default="", help="Why; it stands in the audit.")
@json_option
@config_option
def suspend(config: Path, login: str, *, reason: str, as_json: bool) -> None:
    """Sign LOGIN out and suspend all their names."""
    from webui.desk import members

    found = members.suspend_member(open_desk(config), ROOT, login, reason, time.time())
    _answer(found, f"{login} is suspended, and so are their names", as_json=as_json)


@member.command("resume")
@click.argument("login")
@json_option
@config_option
def resume(config: Path, login: str, *, as_json: bool) -> None:
    """Let LOGIN in again, with the names that were suspended with them."""
    from webui.desk import members

    found = members.resume_member(open_desk(config), ROOT, login, time.time())
    _answer(found, f"{login} is active again, and so are their names", as_json=as_json)


@member.command("admin")
@click.argument("login")
@click.option("--off", is_flag=True, help="Make LOGIN an admin no more.")
@json_option
@config_option
def admin(config: Path, login: str, *, off: bool, as_json: bool) -> None:
    """Make LOGIN an admin."""
    from webui.desk import members

    found = members.set_admin(open_desk(config), ROOT, login, time.time(), admin=not off)
    _answer(found, f"{login} is {'no admin any more' if off else 'an admin'}", as_json=as_json)


@member.command("quota")
@click.argument("login")
@click.argument("names", type=click.IntRange(min=0), required=False)
@json_option
@config_option
def quota(config: Path, login: str, names: int | None, *, as_json: bool) -> None:
    """Say how many NAMES the member LOGIN may hold; without a number, as many as policy says."""
    from webui.desk import members

    desk = open_desk(config)
    found = members.set_quota(desk, ROOT, login, names, time.time())
    _answer(found, f"{login} may hold {desk.rules.quota if names is None else names} names", as_json=as_json)


def _answer(found: Member, sentence: str, *, as_json: bool) -> None:
    if as_json:
        show_json(asdict(found))
    else:
        click.echo(sentence)


def _invitation(found: Invitation) -> dict[str, Any]:
    return asdict(found)


def _listed(items: list[str], after: str = "") -> str:
    count = f"{len(items)}{after}"
    return f"{count}: {', '.join(map(safe, items))}" if items else count


def _encoded(path: Path, login: str) -> str:
    """The password in a file, judged as on the page. Raises ``Refused`` or ``ConfigError``."""
    from webui.signin import passwords

    try:
        password = path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the password cannot be read: {error}", file=path, cure="write it as UTF-8"
        ) from error
    passwords.judge(password, login)
    return passwords.encoded(password)
