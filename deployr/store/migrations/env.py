"""Runs migrations on the connection that ``deployr.store.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from deployr.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters tables by copying them
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
