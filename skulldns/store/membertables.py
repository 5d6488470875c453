"""The tables of members, claims, tokens, the audit, and of what the daemon shows to the page."""

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from skulldns.store.tables import metadata

HOLDING = text("state IN ('awaiting approval', 'active', 'suspended', 'quarantined')")
"""Which claims hold their name, in SQL; a unique index has it, whose text must not change without a migration."""

members = Table(
    "members",
    metadata,
    Column("login", String, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("quota", Integer, doc="how many names; null: as policy says"),
    Column("created", Float, nullable=False, doc="Unix time, as all times here"),
    Column("last_seen", Float),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", String, primary_key=True, doc="SHA-256 of the link's secret"),
    Column("login", String, nullable=False),
    Column("invited_by", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("email", Text, nullable=False),
)

passwords = Table(
    "passwords",
    metadata,
    Column("login", String, primary_key=True),
    Column("encoded", Text, nullable=False, doc="argon2id's own encoding"),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("member", String, nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("last_used", Float),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("member", String, primary_key=True),
    Column("hash", String, primary_key=True),
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("member", String, nullable=False, index=True),
)

failed_signins = Table(
    "failed_signins",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, doc="whose tries are counted: an account or an address"),
    Column("at", Float, nullable=False),
    Index("failed_signins_by_key", "key", "at"),
    Index("failed_signins_by_time", "at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True, doc="SHA-256 of the cookie's secret"),
    Column("member", String, nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("expires", Float, nullable=False, index=True),
    Column("address", String, nullable=False),
    Column("agent", Text, nullable=False),
    Column("sure_until", Float, nullable=False),
    Column("acting_as", String),
)

claims = Table(
    "claims",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, doc="lower case, A-labels, no final dot"),
    Column("reversed", String, nullable=False, doc="labels from the right, each with a dot, for children"),
    Column("skeleton", String, nullable=False, doc="equal for names that look alike"),
    Column("member", String, nullable=False),
    Column("state", String, nullable=False),
    Column("until", Float, doc="when the state, or an ACME challenge, ends by itself"),
    Column("looked", Float, doc="when the proof was looked for; null: never, or there is none"),
    Column("proved", Boolean, nullable=False, doc="whether there is a proof to look for"),
    Column("guest", String, doc="the guest that it leads to"),
    Column("revision", Integer, nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("body", Text, nullable=False, doc="all the rest, as JSON"),
    # PostgreSQL's is in the migration: its dialect takes long to load, and SQLite does not need it.
    Index("claims_holding", "name", unique=True, sqlite_where=HOLDING).ddl_if(dialect="sqlite"),
    Index("claims_by_name", "name", "state", "member"),  # all that a search asks for
    Index("claims_by_reversed", "reversed"),
    Index("claims_by_skeleton", "skeleton"),
    Index("claims_by_member", "member", "name"),
    Index("claims_by_state", "state", "name"),
    Index("claims_by_until", "until"),
    Index("claims_by_guest", "guest"),
    Index("claims_by_look", "proved", "looked"),
)

offers = Table(
    "offers",
    metadata,
    Column("claim", String, primary_key=True),
    Column("giver", String, nullable=False, doc="who held the claim; the offer counts while they do"),
    Column("heir", String, nullable=False, doc="a login, whether or not anybody has it"),
    Column("made", Float, nullable=False),
    Column("until", Float, nullable=False),
    Index("offers_by_heir", "heir", "until"),
    Index("offers_by_until", "until"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("member", String, nullable=False, index=True),
    Column("secret", String, nullable=False, doc="SHA-256 of the token's secret"),
    Column("label", Text, nullable=False),
    Column("scopes", String, nullable=False, doc="words with spaces between them, as `names`"),
    Column("names", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("last_used", Float),
    Column("last_address", String, nullable=False),
    Column("revoked", Float),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False, index=True),
    Column("who", String, nullable=False),
    Column("acting_as", String),
    Column("what", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("address", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("audit_by_who", "who", "number"),
    Index("audit_by_what", "what", "number"),
    Index("audit_by_subject", "subject", "number"),
)

for _act in ("UPDATE", "DELETE"):
    _keeping = DDL(  # type: ignore[no-untyped-call]
        f"CREATE TRIGGER audit_keeps_{_act.lower()} BEFORE {_act} ON audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit is only ever appended to'); END"
    )
    event.listen(audit, "after_create", _keeping.execute_if(dialect="sqlite"))

held_names = Table(
    "held_names",
    metadata,
    Column("name", String, primary_key=True),
    Column("reversed", String, nullable=False, index=True),
    Column("skeleton", String, nullable=False, index=True),
    Column("holder", Text, nullable=False),
    Column("owner", String),
    Column("guest", String),
)

guest_views = Table(
    "guest_views",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("owner", String, index=True),
    Column("body", Text, nullable=False, doc="all the rest, as JSON"),
    Index("guest_views_by_name", "name", "id"),
)

guest_addresses = Table(
    "guest_addresses",
    metadata,
    Column("address", String, primary_key=True),
    Column("guest", String, primary_key=True, index=True),
)

name_views = Table(
    "name_views",
    metadata,
    Column("name", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("owner", String, index=True),
    Column("changed", Float, nullable=False),
    Column("body", Text, nullable=False),
)

shown = Table(
    "shown",
    metadata,
    Column("key", String, primary_key=True, doc="such as `health`"),
    Column("body", Text, nullable=False),
)

reserved_names = Table(
    "reserved_names",
    metadata,
    Column("label", String, primary_key=True),
    Column("note", Text, nullable=False),
)

spent_secrets = Table(
    "spent_secrets",
    metadata,
    Column("hash", String, primary_key=True, doc="SHA-256 of what worked once"),
    Column("until", Float, nullable=False, doc="when it would have ended by itself"),
    Index("spent_secrets_by_until", "until"),
)

guest_challenges = Table(
    "guest_challenges",
    metadata,
    Column("name", String, primary_key=True, doc="the name that is proved"),
    Column("value", String, primary_key=True, doc="a TXT value that a member's ACME client placed"),
    Column("until", Float, nullable=False),
    Column("held", String, nullable=False, doc="the guest's name, at or above it"),
    Column("member", String, nullable=False),
    Index("guest_challenges_by_held", "held", "member"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, doc="what is told"),
    Column("receiver", String, nullable=False, doc="mail:ADDRESS or hook:URL"),
    Column("notice", Text, nullable=False, doc="all of it, as JSON"),
    Column("tries", Integer, nullable=False),
    Column("due", Float, doc="when it is tried next; null: never again"),
    Column("told", Float, doc="when it was told"),
    Column("seen", Float, nullable=False, doc="when there was last a reason for it"),
    UniqueConstraint("key", "receiver", name="deliveries_once"),
    Index("deliveries_by_due", "due"),
    Index("deliveries_by_told", "receiver", "told"),
    Index("deliveries_by_seen", "seen"),
)
