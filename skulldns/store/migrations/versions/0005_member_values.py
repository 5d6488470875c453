"""TXT values that members' ACME clients placed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member_values",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("member_values")
