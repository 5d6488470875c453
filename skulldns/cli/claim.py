"""`skulldns claim`: members' rights to names."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.claimhanding import accept, decline, offers, transfer, withdraw
from skulldns.cli.claimtext import act_on, leads, show_claim
from skulldns.cli.desk import ROOT, acting_for, claim_at, for_option, json_option, open_desk
from skulldns.cli.text import ahead, console, safe, show_json, state
from skulldns.errors import Refused
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    ClaimState,
    GuestTarget,
    RedirectTarget,
    Target,
)
from skulldns.model.sites import Scheme

if TYPE_CHECKING:
    from webui.desk import Desk

_ALL = 1_000_000
_SHOWN = tuple(one for one in ClaimState if one not in {ClaimState.REQUESTED, ClaimState.RELEASED})


@click.group()
def claim() -> None:
    """Claim names for members, and decide about claims."""


@claim.command("list")
@for_option()
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([str(one) for one in ClaimState]),
    help="Only those.",
)
@click.option("--search", "text", default="", help="Only names with this in them.")
@json_option
@config_option
def list_(config: Path, *, login: str | None, states: tuple[str, ...], text: str, as_json: bool) -> None:
    """List claims: of all members, or of one."""
    from skulldns.desired.policy.alike import shown_name

    wanted = tuple(map(ClaimState, states)) or _SHOWN
    with open_desk(config).office.reading() as books:
        found = books.claims.search(text, member=login, states=wanted, limit=_ALL).items
        views = books.views.names([one.name for one in found])
    if as_json:
        from skulldns.cli.claimshape import claim_values

        show_json([claim_values(one, views.get(one.name)) for one in found])
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("name", "member", "claim", "published", "leads to", "ends"):
        table.add_column(column)
    for one in found:
        view = views.get(one.name)
        published = state(view.state) if view else Text("")
        row = (Text(shown_name(one.name)), one.member, state(one.state), published, Text(leads(one.target)))
        table.add_row(*row, ahead(one.until))
    console().print(table)


@claim.command("show")
@click.argument("name")
@for_option()
@json_option
@config_option
def show(config: Path, name: str, *, login: str | None, as_json: bool) -> None:
    """Show the claim at NAME: whose it is, where it leads, and each link of its chain."""
    desk = open_desk(config)
    show_claim(desk, claim_at(desk, name, login), as_json=as_json)


@claim.command("make")
@click.argument("name")
@for_option(required=True)
@click.option("--guest", help="Lead it to this guest: a name or an identity.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=80, show_default=True, help="Where the guest listens."
)
@click.option("--https", is_flag=True, help="The guest's web server speaks HTTPS itself.")
@click.option("--direct", is_flag=True, help="The name gets the guest's own addresses, and no site.")
@click.option("--alias", help="Make it another name for this one.")
@click.option("--address", is_flag=True, help="Its address is what the member's router reports.")
@click.option("--redirect", help="Send visitors to this web address.")
@json_option
@config_option
def make(config: Path, name: str, *, login: str, as_json: bool, **options: Any) -> None:
    """Claim NAME for a member, by the same rules as on the page."""
    from webui.desk import claims

    desk = open_desk(config)
    found = claims.claim(desk, acting_for(login), name, _target(desk, options), time.time())
    show_claim(desk, found, as_json=as_json)


@claim.command("release")
@click.argument("name")
@for_option()
@json_option
@config_option
def release(config: Path, name: str, *, login: str | None, as_json: bool) -> None:
    """Let NAME go; for a while only the same member can claim it again."""
    from webui.desk import claims

    act_on(
        config,
        name,
        login,
        lambda desk, found: claims.release(desk, acting_for(found.member), found.id, time.time()),
        as_json=as_json,
    )


@claim.command("approve")
@click.argument("name")
@for_option()
@json_option
@config_option
def approve(config: Path, name: str, *, login: str | None, as_json: bool) -> None:
    """Grant a claim that awaits approval."""
    from webui.desk import approval

    act_on(
        config,
        name,
        login,
        lambda desk, found: approval.approve(desk, ROOT, found.id, time.time()),
        as_json=as_json,
    )


@claim.command("refuse")
@click.argument("name")
@click.option("--reason", default="", help="Why; it stands in the audit.")
@for_option()
@json_option
@config_option
def refuse(config: Path, name: str, *, reason: str, login: str | None, as_json: bool) -> None:
    """Refuse a claim that awaits approval."""
    from webui.desk import approval

    act_on(
        config,
        name,
        login,
        lambda desk, found: approval.refuse(desk, ROOT, found.id, reason, time.time()),
        as_json=as_json,
    )


@claim.command("suspend")
@click.argument("name")
@click.option("--reason", default="", help="Why; it stands in the audit.")
@for_option()
@json_option
@config_option
def suspend(config: Path, name: str, *, reason: str, login: str | None, as_json: bool) -> None:
    """Publish NAME no more until it is resumed; its holder keeps it."""
    from webui.desk import approval

    act_on(
        config,
        name,
        login,
        lambda desk, found: approval.suspend(desk, ROOT, found.id, reason, time.time()),
        as_json=as_json,
    )


@claim.command("resume")
@click.argument("name")
@for_option()
@json_option
@config_option
def resume(config: Path, name: str, *, login: str | None, as_json: bool) -> None:
    """Publish a suspended name again."""
    from webui.desk import approval

    act_on(
        config,
        name,
        login,
        lambda desk, found: approval.resume(desk, ROOT, found.id, time.time()),
        as_json=as_json,
    )


def _target(desk: "Desk", options: dict[str, Any]) -> Target:
    """The one target that the options name. Raises ``UsageError`` and ``Refused``."""
    given = [kind for kind in ("guest", "alias", "address", "redirect") if options[kind]]
    if len(given) != 1:
        raise click.UsageError("say where it leads: one of --guest, --alias, --address and --redirect")
    match given[0]:
        case "guest":
            scheme = Scheme.HTTPS if options["https"] else Scheme.HTTP
            return _guest_target(desk, options["guest"], options["port"], scheme, direct=options["direct"])
        case "alias":
            from skulldns.desired.policy.hostnames import any_hostname, hostname

            goal = options["alias"]
            return AliasTarget(any_hostname(goal) if "." in goal else hostname(goal, desk.rules))
        case "address":
            return AddressTarget()
        case _:
            return RedirectTarget(options["redirect"])


def _guest_target(desk: "Desk", text: str, port: int, scheme: Scheme, *, direct: bool) -> GuestTarget:
    with desk.office.reading() as books:
        known = books.views.guest(text)
        found = (
            [known]
            if known
            else [one for one in books.views.guests(text, limit=_ALL).items if one.name == text]
        )
    if len(found) != 1:
        what = f"there are {len(found)} guests {safe(text)}" if found else f"there is no guest {safe(text)}"
        raise Refused(what, cure="see 'skulldns guest list' and give its identity")
    return GuestTarget(found[0].id, direct=True) if direct else GuestTarget(found[0].id, port, scheme)


for _handing in (transfer, offers, accept, decline, withdraw):
    claim.add_command(_handing)
