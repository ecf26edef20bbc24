"""Alembic's environment: uses the connection that `dagscope.storage.migrations` passes."""

from alembic import context
from dagscope.storage import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.SQLModel.metadata,
    render_as_batch=True,  # SQLite cannot alter most parts of a table in place
)
with context.begin_transaction():
    context.run_migrations()
