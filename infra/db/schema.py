"""Bringing a database to the schema this code was written for.

Called by `dispatch init`, by `tasks.desk` for the embedded default, and by the tests.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from infra.db.engine import Database
from infra.db.records import Base

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaMismatch(Exception):
    """The database's schema is not this code's: run `dispatch init` (it migrates), or start the newer release."""


def _configured(connection: Connection | None = None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    configuration.set_main_option("path_separator", "os")
    if connection is not None:
        configuration.attributes["connection"] = connection
    return configuration


def newest_revision() -> str:
    head = ScriptDirectory.from_config(_configured()).get_current_head()
    assert head is not None
    return head


def revision_of(database: Database) -> str | None:
    """The revision the database is at; None for an empty one."""
    with database.read() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def migrate(database: Database, revision: str = "head") -> None:
    """Up to `revision`, in one transaction where the database can (both can)."""
    with database.write() as session:
        command.upgrade(_configured(session.connection()), revision)


def migrate_down(database: Database, revision: str) -> None:
    """Down to `revision` ("base" is an empty database). Data of dropped tables and columns is gone."""
    with database.write() as session:
        command.downgrade(_configured(session.connection()), revision)


def require_current(database: Database) -> None:
    """Raises `SchemaMismatch` unless the database is at this code's revision."""
    found, wanted = revision_of(database), newest_revision()
    if found != wanted:
        raise SchemaMismatch(f"database is at {found or 'nothing'}, this code at {wanted}: {SchemaMismatch.__doc__}")


def drift(database: Database) -> list[str]:
    """Differences between the migrated database and the records; empty when they agree."""
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": False})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]
