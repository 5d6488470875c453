"""The tables, for SQLAlchemy Core."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

guests = Table(
    "guests",
    metadata,
    Column("id", String, primary_key=True, doc="the guest's identity"),
    Column("known", Text, nullable=False, doc="what is known of it, as JSON"),
)

assignments = Table(
    "assignments",
    metadata,
    Column("guest", String, primary_key=True, doc="the guest's identity"),
    Column("assigned", Text, nullable=False, doc="what an admin assigned to it, as JSON"),
)

zones = Table(
    "zones",
    metadata,
    Column("zone", String, primary_key=True, doc="a zone whose ledger has been begun"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("zone", String, primary_key=True),
    Column("name", String, primary_key=True, doc="absolute owner name in lower case"),
    Column("type", String, primary_key=True),
    Column("owner", String, nullable=False, doc="a guest's identity, or `zone file`"),
    Column("source", String, nullable=False, doc="the guest's source, or `zone file`"),
    Column("reason", Text, nullable=False),
    Column("published", Text, doc="the RRset known to be served, as JSON"),
    Column("intended", Text, doc="the RRset an unfinished change leads to, as JSON"),
    Column("unfinished", Boolean, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, doc="Unix time"),
    Column("zone", String, nullable=False),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("owner", String, nullable=False),
    Column("source", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", String, nullable=False, doc="what spoke for a deletion"),
    Index("journal_by_name", "name", "at"),
    Index("journal_by_zone", "zone", "at"),
)

issuances = Table(
    "issuances",
    metadata,
    Column("identity", String, primary_key=True, doc="what sites call the certificate"),
    Column("issuance", Text, nullable=False, doc="what is remembered of it, as JSON"),
)

expenses = Table(
    "expenses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ca", String, nullable=False, doc="the URL of its directory"),
    Column("kind", String, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", Float, nullable=False, doc="Unix time"),
    Index("expenses_by_ca", "ca", "at"),
)

placed_values = Table(
    "placed_values",
    metadata,
    Column("name", String, primary_key=True, doc="absolute owner name in lower case"),
    Column("value", String, primary_key=True, doc="a TXT value that a CA was to find there"),
)

member_values = Table(
    "member_values",
    metadata,
    Column("name", String, primary_key=True, doc="absolute owner name in lower case"),
    Column("value", String, primary_key=True, doc="a TXT value that a member's ACME client placed there"),
)
