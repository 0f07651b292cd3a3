"""Alembic's entry: runs on the connection `infra.db.schema` hands over, so that gate and pragmas hold here too."""

from alembic import context

from infra.db.records import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter most things in place
    transaction_per_migration=False,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
