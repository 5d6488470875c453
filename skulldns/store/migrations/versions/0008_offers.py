"""Names that members offer to others."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offers",
        sa.Column("claim", sa.String(), primary_key=True),
        sa.Column("giver", sa.String(), nullable=False),
        sa.Column("heir", sa.String(), nullable=False),
        sa.Column("made", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
    )
    op.create_index("offers_by_heir", "offers", ["heir", "until"])
    op.create_index("offers_by_until", "offers", ["until"])


def downgrade() -> None:
    op.drop_table("offers")
