"""Alembic's environment: runs the migrations on the connection that ``skulldns.store.database`` hands over."""

from alembic import context

from skulldns.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
