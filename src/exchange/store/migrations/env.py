"""Where Alembic finds the connection that a store hands it; there is no other way to run a migration."""

from __future__ import annotations

from alembic import context

from exchange.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=False)
with context.begin_transaction():
    context.run_migrations()
