"""Assignments of admins; what is known of a guest says which interface an address belongs to."""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_guests = sa.table("guests", sa.column("id", sa.String), sa.column("known", sa.Text))


def upgrade() -> None:
    op.create_table(
        "assignments",
        sa.Column("guest", sa.String, primary_key=True),
        sa.Column("assigned", sa.Text, nullable=False),
    )
    _convert(_newer)


def downgrade() -> None:
    op.drop_table("assignments")
    _convert(_older)


def _convert(convert: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_guests)).all():
        known = json.dumps(convert(json.loads(row.known)), sort_keys=True)
        connection.execute(sa.update(_guests).where(_guests.c.id == row.id).values(known=known))


def _newer(known: dict[str, Any]) -> dict[str, Any]:
    interfaces = [[*interface, []] for interface in known["interfaces"]]
    addresses = known.pop("addresses")
    shown = [address for _, _, found, _ in interfaces for address in found]
    seen_with = interfaces if shown == addresses else [["", None, addresses, []]]
    return known | {"interfaces": interfaces, "seen_with": seen_with, "hostnames": []}


def _older(known: dict[str, Any]) -> dict[str, Any]:
    addresses = [address for _, _, found, _ in known.pop("seen_with") for address in found]
    known.pop("hostnames")
    return known | {"interfaces": [one[:3] for one in known["interfaces"]], "addresses": addresses}
