"""`skulldns cert`: certificates, their renewal, and what the CAs let us have."""

import time
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer
from skulldns.cli.text import ago, ahead, console, length, safe, show_json
from skulldns.config import load
from skulldns.daemon.control import ask

REASONS = {
    "unspecified": 0,
    "key-compromise": 1,
    "affiliation-changed": 3,
    "superseded": 4,
    "cessation-of-operation": 5,
}
"""Why a certificate is revoked, as its owner may say it (RFC 5280 section 5.3.1)."""

_BECAUSE = {
    "ARI": "suggested by the CA",
    "usual": "usual",
    "asked for": "asked for",
    "next try": "next try",
    "missing": "missing",
    "being ordered": "being ordered",
}
_PATIENCE = 180.0
_LOOK_AGAIN = 0.2


@click.group()
def cert() -> None:
    """Look at certificates, renew and revoke them, and see what the CAs let us have."""


@cert.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the certificates as JSON.")
@config_option
def list_(config: Path, *, as_json: bool) -> None:
    """List every certificate: names, CA, end, next renewal and why then, and what is wrong."""
    found, live = answer(config, "certificates")
    if as_json:
        show_json(found)
        return
    out = console()
    if not live:
        out.print("The daemon is not running; these lie on the disk.", style="yellow")
    if not found:
        out.print("there is no certificate, and none is wanted")
        return
    out.print(_certificates(found))
    for one in found:
        if one["reason"]:
            style = "bold red" if one["alarm"] else "yellow"
            out.print(Text.assemble(("\n! ", style), (f"{one['identity']}: ", "bold"), safe(one["reason"])))


@cert.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="Wait until it is renewed, or has failed.")
@click.option("--json", "as_json", is_flag=True, help="Print the certificate as JSON.")
@config_option
def renew(config: Path, name: str, *, wait: bool, as_json: bool) -> None:
    """Renew the certificate NAME now: its identity, or a host name that it serves."""
    before = ask(load(config).state, "renew", name=name)
    _told(config, before, "its renewal is ordered", wait=wait, as_json=as_json)


@cert.command()
@click.argument("name")
@click.option(
    "--reason", type=click.Choice(list(REASONS)), default="unspecified", show_default=True, help="Why."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Wait until the new one is there, or has failed.")
@click.option("--json", "as_json", is_flag=True, help="Print the certificate as JSON.")
@config_option
def revoke(config: Path, name: str, *, reason: str, yes: bool, wait: bool, as_json: bool) -> None:
    """Revoke the certificate NAME at the CA that issued it, and order a new one with a new key."""
    state = load(config).state
    if not yes:
        if not console().is_terminal:
            raise click.UsageError("revoking cannot be taken back; add --yes")
        click.confirm(f"Revoke the certificate of {name}? That cannot be taken back", abort=True)
    before = ask(state, "revoke", name=name, reason=REASONS[reason])
    _told(config, before, "it is revoked, and a new one is ordered", wait=wait, as_json=as_json)


@cert.command()
@click.option("--json", "as_json", is_flag=True, help="Print the limits as JSON.")
@config_option
def budget(config: Path, *, as_json: bool) -> None:
    """Show for each limit of each CA what was spent, what is left, and when the next comes free."""
    found, _ = answer(config, "budget")
    if as_json:
        show_json(found)
        return
    out = console()
    if not found:
        out.print("no CA is configured; see `acme` in the config")
    for ca in dict.fromkeys(one["ca"] for one in found):
        out.print(Text(ca, style="bold cyan"))
        out.print(_limits([one for one in found if one["ca"] == ca]))
        out.print()


@cert.group()
def account() -> None:
    """Look at our accounts at the CAs, and change their keys."""


@account.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the accounts as JSON.")
@config_option
def accounts(config: Path, *, as_json: bool) -> None:
    """List our account at each CA: its URL, which CAA records may name, and the age of its key."""
    found, _ = answer(config, "accounts")
    if as_json:
        show_json(found)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("CA", "account", "its key's age"):
        table.add_column(column, overflow="fold")
    for one in found:
        url = Text(safe(one["url"])) if one["url"] else Text("none yet", style="dim")
        table.add_row(Text(one["ca"], style="cyan"), url, ago(one["key_since"]))
    console().print(table)


@account.command("new-key")
@click.argument("ca", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
@config_option
def new_key(config: Path, ca: str | None, *, as_json: bool) -> None:
    """Give our account at a CA a new key; the account and its certificates stay.

    CA is its directory's URL or a part of that, and can be left out where there is only one.
    """
    found = ask(load(config).state, "new account key", ca=ca)
    if as_json:
        show_json(found)
        return
    console().print(Text.assemble(("✓ ", "green"), f"our account at {found['ca']} has a new key"))


def _certificates(found: list[dict[str, Any]]) -> Table:
    """A row for each certificate; names that say no more than its identity are left out."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("certificate", no_wrap=True)
    for column in ("names", "CA"):
        table.add_column(column, overflow="fold")
    for column in ("until", "left", "next renewal", "failed"):
        table.add_column(column, no_wrap=True)
    for one in found:
        ends = one["not_after"]
        table.add_row(
            Text(one["identity"], style=_style(one)),
            Text("\n".join(one["names"]) if one["names"] != [one["identity"]] else ""),
            Text(safe(one["issuer"] or "none yet"), style="" if one["issuer"] else "dim"),
            time.strftime("%Y-%m-%d", time.localtime(ends)) if ends else "",
            Text(ahead(ends, past="expired") if ends else "", style=_style(one)),
            Text(_next(one)),
            Text(str(one["failures"] or ""), style="yellow"),
        )
    return table


def _style(one: dict[str, Any]) -> str:
    if one["alarm"] or (one["not_after"] or 0) <= time.time():
        return "red" if one["alarm"] or one["reason"] else "yellow"
    return "yellow" if one["reason"] else "green"


def _next(one: dict[str, Any]) -> str:
    because = _BECAUSE[one["because"]]
    if one["trying"] or one["because"] == "asked for":
        return because
    return f"{ahead(one['due_at'], past='now')} ({because})"


def _limits(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("limit", "at most", "for", "spent", "left", "next comes free"):
        justify = "right" if column in {"spent", "left"} else "left"
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for one in found:
        style = "red" if not one["left"] else "yellow" if one["left"] <= one["count"] // 5 else "green"
        free = ahead(one["free_at"], past="now") if one["free_at"] else ""
        table.add_row(
            one["limit"],
            f"{one['count']} in {length(one['per'])}",
            Text(safe(one["subject"])),
            str(one["spent"]),
            Text(str(one["left"]), style=style),
            f"in {free}" if free and free != "now" else free,
        )
    return table


def _told(config: Path, before: dict[str, Any], done: str, *, wait: bool, as_json: bool) -> None:
    """Say that it is ordered; with ``wait``, what came of it. Fails when no new certificate came."""
    found = _outcome(config, before) if wait else before
    renewed = found["serial"] != before["serial"]
    if as_json:
        show_json(found)
    elif not wait:
        console().print(f"{before['identity']}: {done}; see `skulldns cert list`")
    elif renewed:
        console().print(
            Text.assemble(
                ("✓ ", "green"), f"{found['identity']} has a new certificate, for ", ahead(found["not_after"])
            )
        )
    if wait and not renewed:
        click.echo(f"{found['identity']}: {found['reason'] or 'there is no answer yet'}", err=True)
        raise SystemExit(1)


def _outcome(config: Path, before: dict[str, Any]) -> dict[str, Any]:
    """The certificate when it is another one, or when the try has failed."""
    state, end = load(config).state, time.monotonic() + _PATIENCE
    found = before
    with console().status(f"{before['identity']}: waiting for the CA"):
        while time.monotonic() < end:
            found = next(one for one in ask(state, "certificates") if one["identity"] == before["identity"])
            if found["serial"] != before["serial"] or (
                found["because"] == "next try" and not found["trying"]
            ):
                break
            time.sleep(_LOOK_AGAIN)
    return found
