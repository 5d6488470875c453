"""`skulldns claim`: names that go from one member to another."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skulldns.cli import config_option
from skulldns.cli.claimtext import act_on
from skulldns.cli.desk import acting_for, claim_at, for_option, json_option, open_desk
from skulldns.cli.text import ahead, safe, show_json
from skulldns.model.claims import Claim, Offer

if TYPE_CHECKING:
    from webui.desk import Desk


@click.command("transfer")
@click.argument("name")
@click.argument("heir")
@click.option("--offer", "only_offered", is_flag=True, help="Let HEIR accept or decline it, as on the page.")
@for_option()
@json_option
@config_option
def transfer(
    config: Path, name: str, heir: str, *, only_offered: bool, login: str | None, as_json: bool
) -> None:
    """Hand NAME on to the member HEIR, at once and without asking them."""
    from webui.desk import handing

    if not only_offered:
        act_on(
            config,
            name,
            login,
            lambda desk, found: handing.transfer(desk, acting_for(found.member), found.id, heir, time.time()),
            as_json=as_json,
        )
        return
    desk = open_desk(config)
    found = claim_at(desk, name, login)
    made = handing.offer(desk, acting_for(found.member), found.id, heir, time.time())
    if as_json:
        show_json(_offer_values(made))
    else:
        click.echo(f"{name} is offered to {safe(made.heir)}, for {ahead(made.until)}")


@click.command("offers")
@for_option(required=True)
@json_option
@config_option
def offers(config: Path, *, login: str, as_json: bool) -> None:
    """List what is offered to a member."""
    from skulldns.desired.policy.alike import shown_name
    from webui.desk import handing

    found = handing.offers(open_desk(config), acting_for(login), time.time())
    if as_json:
        show_json([_offer_values(one) for one in found])
        return
    for one in found:
        click.echo(f"{shown_name(one.name)} by {one.giver}, for {ahead(one.until)}")


@click.command("accept")
@click.argument("name")
@for_option(required=True)
@json_option
@config_option
def accept(config: Path, name: str, *, login: str, as_json: bool) -> None:
    """Take NAME, which is offered to a member."""
    from webui.desk import handing

    act_on(
        config,
        name,
        None,
        lambda desk, found: handing.accept(desk, acting_for(login), found.id, time.time()),
        as_json=as_json,
    )


@click.command("decline")
@click.argument("name")
@for_option(required=True)
@json_option
@config_option
def decline(config: Path, name: str, *, login: str, as_json: bool) -> None:
    """Say no to NAME, which is offered to a member; it stays with who has it."""
    from webui.desk import handing

    def act(desk: "Desk", found: Claim) -> Claim:
        handing.decline(desk, acting_for(login), found.id, time.time())
        return found

    act_on(config, name, None, act, as_json=as_json)


@click.command("withdraw")
@click.argument("name")
@for_option()
@json_option
@config_option
def withdraw(config: Path, name: str, *, login: str | None, as_json: bool) -> None:
    """Offer NAME to nobody any more."""
    from webui.desk import handing

    act_on(
        config,
        name,
        login,
        lambda desk, found: handing.withdraw(desk, acting_for(found.member), found.id, time.time()),
        as_json=as_json,
    )


def _offer_values(made: Offer) -> dict[str, Any]:
    return {
        "name": made.name.to_text(omit_final_dot=True),
        "giver": made.giver,
        "heir": made.heir,
        "made": made.made,
        "until": made.until,
    }
