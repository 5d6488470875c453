"""TXT values that members' ACME clients placed at the names of their guests."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "guest_challenges",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), primary_key=True),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("held", sa.String(), nullable=False),
        sa.Column("member", sa.String(), nullable=False),
    )
    op.create_index("guest_challenges_by_held", "guest_challenges", ["held", "member"])


def downgrade() -> None:
    op.drop_table("guest_challenges")
