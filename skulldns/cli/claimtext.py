"""What `skulldns claim` says of a claim, and how its verbs find one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from skulldns.cli.desk import claim_at, open_desk
from skulldns.cli.text import WORDS, ago, ahead, console, safe, show_json
from skulldns.model.claims import (
    AddressTarget,
    AliasTarget,
    Claim,
    ClaimState,
    GuestTarget,
    RedirectTarget,
    Target,
)

if TYPE_CHECKING:
    from webui.desk import Desk

_SIGNS = {"good": WORDS["good"], "wait": WORDS["waiting"], "bad": WORDS["broken"], "none": WORDS["none"]}
_COLOURS = {"good": "green", "wait": "yellow", "bad": "red", "none": "dim"}


def act_on(
    config: Path, name: str, login: str | None, act: Callable[["Desk", Claim], Claim], *, as_json: bool
) -> None:
    """Do something with the claim at ``name``, and say how it is then."""
    desk = open_desk(config)
    found = act(desk, claim_at(desk, name, login))
    if as_json:
        show_claim(desk, found, as_json=True)
    else:
        click.echo(sentence(found))


def show_claim(desk: "Desk", found: Claim, *, as_json: bool) -> None:
    """Say all that there is of a claim."""
    from skulldns.cli.claimshape import claim_values

    with desk.office.reading() as books:
        view = books.views.name(found.name)
    values = claim_values(found, view)
    if as_json:
        show_json(values)
        return
    out = console()
    out.print(Text(sentence(found), style="bold"))
    out.print(Text.assemble(("  leads to   ", "bold"), leads(found.target)))
    out.print(Text.assemble(("  claimed    ", "bold"), f"{ago(found.created)} ago"))
    if wanted := values["proof_wanted"]:
        record = f'{wanted["name"]}. 300 IN TXT "{wanted["text"]}"'
        out.print(Text.assemble(("  proof      ", "bold"), "put this into the domain's zone: ", record))
    for link in values["links"]:
        sign = Text(f"  {_SIGNS.get(link['state'], '?')} ", style=_COLOURS.get(link["state"], ""))
        out.print(sign + Text(f"{link['title']:<13} {safe(link['text'])}"))


def sentence(found: Claim) -> str:
    """How a claim stands."""
    from skulldns.desired.policy.alike import shown_name

    because = f", because {found.because}" if found.because else ""
    until = f", for {ahead(found.until)}" if found.until and found.state is not ClaimState.ACTIVE else ""
    return f"{shown_name(found.name)} of {found.member} is {found.state}{because}{until}"


def leads(target: Target) -> str:
    """Where a claim leads."""
    match target:
        case GuestTarget(guest, _, _, direct=True):
            return f"the guest {safe(guest)} itself"
        case GuestTarget(guest, port, scheme):
            return f"the guest {safe(guest)}, {scheme} port {port}"
        case AliasTarget(name):
            return name.to_text(omit_final_dot=True)
        case AddressTarget(ipv4, ipv6):
            found = [str(one) for one in (ipv4, ipv6) if one]
            return ", ".join(found) or "an address that the router has not reported yet"
        case RedirectTarget(url):
            return safe(url)
