"""An index of claims' names that has all that a search asks for."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("claims_by_name", "claims")
    op.create_index("claims_by_name", "claims", ["name", "state", "member"])


def downgrade() -> None:
    op.drop_index("claims_by_name", "claims")
    op.create_index("claims_by_name", "claims", ["name"])
