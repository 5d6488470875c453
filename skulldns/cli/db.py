"""`skulldns db`: what the database remembers."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from skulldns.cli import config_option
from skulldns.cli.desk import json_option, open_desk
from skulldns.cli.text import console, safe, show_json
from skulldns.errors import Unavailable
from skulldns.model.audit import AuditRow
from skulldns.store.audit import AuditFilter


@click.group()
def db() -> None:
    """Look into the database: who changed what."""


@db.command("audit")
@click.option("--who", help="Only what this login did, or 'the command line'.")
@click.option("--what", help="Only acts of this kind, such as claim.")
@click.option("--subject", help="Only what was done to this name, login or identity.")
@click.option("--search", "text", default="", help="Only rows with this in them.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many rows.")
@click.option("--verify", is_flag=True, help="Check that no row was changed or removed.")
@json_option
@config_option
def audit(config: Path, *, verify: bool, limit: int, as_json: bool, **wanted: Any) -> None:
    """Show who changed what, the newest first."""
    with open_desk(config).office.reading() as books:
        if verify:
            _verify(books.audit.verify(), books.audit.rows(limit=1), as_json=as_json)
            return
        rows = books.audit.rows(AuditFilter(**wanted), limit)
    if as_json:
        show_json(list(map(_values, rows)))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("row", "when (UTC)", "who", "for", "did", "to", "from"):
        table.add_column(column)
    for row in rows:
        act = row.act
        when = datetime.fromtimestamp(act.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        texts = (act.who, act.acting_as or "", act.what, act.subject, act.address)
        table.add_row(str(row.number), when, *(Text(safe(one)) for one in texts))
    console().print(table)


def _verify(broken: int | None, newest: Any, *, as_json: bool) -> None:
    count, last = (newest[0].number, newest[0].hash) if newest else (0, None)
    if as_json:
        show_json({"rows": count, "broken_at": broken, "hash": last})
    if broken is not None:
        raise Unavailable(
            f"row {broken} of the audit is not what was written", cure="compare with a backup from before"
        )
    if not as_json:
        click.echo(f"all {count} rows are what was written; the newest has the hash {last or 'of nothing'}")


def _values(row: AuditRow) -> dict[str, Any]:
    before, after = (json.loads(text) if text else None for text in (row.act.before, row.act.after))
    return {"number": row.number, **asdict(row.act), "before": before, "after": after, "hash": row.hash}
