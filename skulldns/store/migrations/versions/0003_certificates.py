"""What is remembered of certificates: renewals, what was spent at CAs, TXT values that were placed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "issuances",
        sa.Column("identity", sa.String, primary_key=True),
        sa.Column("issuance", sa.Text, nullable=False),
    )
    op.create_table(
        "expenses",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ca", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("expenses_by_ca", "expenses", ["ca", "at"])
    op.create_table(
        "placed_values",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.String, primary_key=True),
    )


def downgrade() -> None:
    for table in ("placed_values", "expenses", "issuances"):
        op.drop_table(table)
