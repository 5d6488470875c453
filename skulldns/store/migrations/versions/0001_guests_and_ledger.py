"""Guests, ledger and journal."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "guests",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("known", sa.Text, nullable=False),
    )
    op.create_table("zones", sa.Column("zone", sa.String, primary_key=True))
    op.create_table(
        "ledger",
        sa.Column("zone", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("type", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("published", sa.Text),
        sa.Column("intended", sa.Text),
        sa.Column("unfinished", sa.Boolean, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("zone", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("evidence", sa.String, nullable=False),
    )
    op.create_index("journal_by_name", "journal", ["name", "at"])
    op.create_index("journal_by_zone", "journal", ["zone", "at"])


def downgrade() -> None:
    for table in ("journal", "ledger", "zones", "guests"):
        op.drop_table(table)
