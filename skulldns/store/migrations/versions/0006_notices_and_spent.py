"""Notices on their way to members, admins and programs, and what was used once and works no more."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due", sa.Float(), nullable=True),
        sa.Column("told", sa.Float(), nullable=True),
        sa.Column("seen", sa.Float(), nullable=False),
        sa.UniqueConstraint("key", "receiver", name="deliveries_once"),
    )
    op.create_index("deliveries_by_due", "deliveries", ["due"])
    op.create_index("deliveries_by_told", "deliveries", ["receiver", "told"])
    op.create_index("deliveries_by_seen", "deliveries", ["seen"])
    op.create_table(
        "spent_secrets",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("until", sa.Float(), nullable=False),
    )
    op.create_index("spent_secrets_by_until", "spent_secrets", ["until"])


def downgrade() -> None:
    op.drop_table("spent_secrets")
    op.drop_table("deliveries")
