"""Members, claims, tokens, the audit, and what the daemon shows to the page."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_HOLDING = sa.text("state IN ('awaiting approval', 'active', 'suspended', 'quarantined')")
_TABLES = (
    "members invitations passwords passkeys recovery_codes identities failed_signins sessions claims counters tokens"
    " audit held_names guest_views guest_addresses name_views shown reserved_names"
)


def upgrade() -> None:
    op.create_table(
        "members",
        sa.Column("login", sa.String, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("admin", sa.Boolean, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("quota", sa.Integer),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("last_seen", sa.Float),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("login", sa.String, nullable=False),
        sa.Column("invited_by", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("admin", sa.Boolean, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
    )
    op.create_table(
        "passwords",
        sa.Column("login", sa.String, primary_key=True),
        sa.Column("encoded", sa.Text, nullable=False),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("member", sa.String, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.Integer, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("last_used", sa.Float),
    )
    op.create_index("ix_passkeys_member", "passkeys", ["member"])
    op.create_table(
        "recovery_codes",
        sa.Column("member", sa.String, primary_key=True),
        sa.Column("hash", sa.String, primary_key=True),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String, primary_key=True),
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("member", sa.String, nullable=False),
    )
    op.create_index("ix_identities_member", "identities", ["member"])
    op.create_table(
        "failed_signins",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("failed_signins_by_key", "failed_signins", ["key", "at"])
    op.create_index("failed_signins_by_time", "failed_signins", ["at"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("member", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("last_seen", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("sure_until", sa.Float, nullable=False),
        sa.Column("acting_as", sa.String),
    )
    op.create_index("ix_sessions_expires", "sessions", ["expires"])
    op.create_index("ix_sessions_member", "sessions", ["member"])
    op.create_table(
        "claims",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("reversed", sa.String, nullable=False),
        sa.Column("skeleton", sa.String, nullable=False),
        sa.Column("member", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("until", sa.Float),
        sa.Column("looked", sa.Float),
        sa.Column("proved", sa.Boolean, nullable=False),
        sa.Column("guest", sa.String),
        sa.Column("revision", sa.Integer, nullable=False, unique=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("claims_by_guest", "claims", ["guest"])
    op.create_index("claims_by_look", "claims", ["proved", "looked"])
    op.create_index("claims_by_member", "claims", ["member", "name"])
    op.create_index("claims_by_name", "claims", ["name"])
    op.create_index("claims_by_reversed", "claims", ["reversed"])
    op.create_index("claims_by_skeleton", "claims", ["skeleton"])
    op.create_index("claims_by_state", "claims", ["state", "name"])
    op.create_index("claims_by_until", "claims", ["until"])
    op.create_index("claims_holding", "claims", ["name"], unique=True, sqlite_where=_HOLDING, postgresql_where=_HOLDING)
    op.create_table(
        "counters",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("member", sa.String, nullable=False),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("names", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float),
        sa.Column("last_used", sa.Float),
        sa.Column("last_address", sa.String, nullable=False),
        sa.Column("revoked", sa.Float),
    )
    op.create_index("ix_tokens_member", "tokens", ["member"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("acting_as", sa.String),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
    )
    op.create_index("audit_by_subject", "audit", ["subject", "number"])
    op.create_index("audit_by_what", "audit", ["what", "number"])
    op.create_index("audit_by_who", "audit", ["who", "number"])
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "held_names",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("reversed", sa.String, nullable=False),
        sa.Column("skeleton", sa.String, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("guest", sa.String),
    )
    op.create_index("ix_held_names_reversed", "held_names", ["reversed"])
    op.create_index("ix_held_names_skeleton", "held_names", ["skeleton"])
    op.create_table(
        "guest_views",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("guest_views_by_name", "guest_views", ["name", "id"])
    op.create_index("ix_guest_views_owner", "guest_views", ["owner"])
    op.create_table(
        "guest_addresses",
        sa.Column("address", sa.String, primary_key=True),
        sa.Column("guest", sa.String, primary_key=True),
    )
    op.create_index("ix_guest_addresses_guest", "guest_addresses", ["guest"])
    op.create_table(
        "name_views",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("owner", sa.String),
        sa.Column("changed", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_name_views_owner", "name_views", ["owner"])
    op.create_table(
        "shown",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "reserved_names",
        sa.Column("label", sa.String, primary_key=True),
        sa.Column("note", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_keeps_{act.lower()} BEFORE {act} ON audit"
                " BEGIN SELECT RAISE(ABORT, 'the audit is only ever appended to'); END"
            )


def downgrade() -> None:
    for table in _TABLES.split():
        op.drop_table(table)
