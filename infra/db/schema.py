"""Bringing a database to the schema this code was written for.

Called by `dispatch init`, by `tasks.desk` for the embedded default, and by the tests.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from infra.db.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaMismatch(Exception):
    """The database's schema is not this code's: run `dispatch init` (it migrates), or start the newer release."""


def _configured(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - a third of a second that no step of a wave needs

    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration


def newest_revision() -> str:
    """The revision that no other comes after; read from the files, without Alembic."""
    sources = [path.read_text(encoding="utf-8") for path in (MIGRATIONS / "versions").glob("[0-9]*.py")]
    revisions = {found[1] for source in sources if (found := _REVISION.search(source))}
    (newest,) = revisions - {found[1] for source in sources if (found := _DOWN_REVISION.search(source))}
    return newest


_REVISION = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_DOWN_REVISION = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)


def revision_of(database: Database) -> str | None:
    """The revision the database is at; None for an empty one."""
    with database.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def migrate(database: Database, revision: str = "head") -> None:
    """Up to `revision`, in one transaction where the database can (both can)."""
    from alembic import command  # noqa: PLC0415 - a third of a second that no step of a wave needs

    with database.write() as session:
        command.upgrade(_configured(session.connection()), revision)


def migrate_down(database: Database, revision: str) -> None:
    """Down to `revision` ("base" is an empty database). Data of dropped tables and columns is gone."""
    from alembic import command  # noqa: PLC0415 - as above

    with database.write() as session:
        command.downgrade(_configured(session.connection()), revision)


def require_current(database: Database) -> None:
    """Raises `SchemaMismatch` unless the database is at this code's revision."""
    found, wanted = revision_of(database), newest_revision()
    if found != wanted:
        raise SchemaMismatch(f"database is at {found or 'nothing'}, this code at {wanted}: {SchemaMismatch.__doc__}")


def drift(database: Database) -> list[str]:
    """Differences between the migrated database and the records; empty when they agree."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - as above
    from alembic.migration import MigrationContext  # noqa: PLC0415 - as above

    from infra.db.records import Base  # noqa: PLC0415 - as above

    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": False})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]
