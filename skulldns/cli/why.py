"""`skulldns why NAME`: the chain of one name, and the first link that does not hold."""

import time
from pathlib import Path

import click
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.access import answer
from skulldns.cli.text import STATE_STYLE, WORDS, console, safe, short, show_json

_MOST, _END = 600, 300
"""Characters that are shown of a link, and of its end, which has the reason; ``--json`` has all."""


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the chain as JSON.")
@config_option
def why(config: Path, name: str, *, as_json: bool) -> None:
    """Explain NAME: who wants it, what policy says, what each server and its site answer."""
    chain, _ = answer(config, "why", name=name)
    if as_json:
        show_json(chain)
        return
    out = console()
    report = chain["report"]
    out.print(
        Text(report["name"], style="bold")
        + Text(" is ")
        + Text(report["state"], style=STATE_STYLE.get(report["state"], ""))
    )
    width = max(len(link["link"]) for link in chain["links"])
    for link in chain["links"]:
        style = STATE_STYLE[link["state"]]
        out.print(
            Text.assemble(
                (f"  {WORDS[link['state']]} ", style),
                (f"{link['link']:<{width}}  ", "bold"),
                short(link["text"], _MOST, _END),
            )
        )
    broken = next((link for link in chain["links"] if link["state"] in {"broken", "waiting"}), None)
    if broken is not None:
        told = (
            report["reason"] if report["state"] != "served" else ""
        )  # why it is served is no cause of anything
        out.print(Text.assemble(("cause: ", "bold"), short(safe(told or broken["text"]), _MOST, _END)))
    for at, sentence in chain["history"]:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        out.print(Text(f"  {stamp}  {short(sentence, _MOST, _END)}", style="dim"))
