"""How the record came to look as it does: Alembic revisions, run by `infra.db.schema`."""
