"""Migrations lead where the records are, and back, with data in place."""

from __future__ import annotations

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select

from infra.db.engine import Database
from infra.db.records import AuditEntry, Base, Request
from infra.db.schema import (
    SchemaMismatch,
    _configured,
    drift,
    migrate,
    migrate_down,
    newest_revision,
    require_current,
    revision_of,
)
from tests import makers


def test_migrations_and_records_agree(database: Database) -> None:
    """Nothing is in a record that no migration brings, on either database."""
    assert drift(database) == []


def test_data_survives_migrating_again(database: Database) -> None:
    """Running the migrations on a database in use changes nothing."""
    with database.write() as session:
        makers.partner(session)
        makers.request(session, "R-7")
    migrate(database)

    with database.read() as session:
        assert session.scalars(select(Request.number)).all() == ["R-7"]


def test_down_and_up_with_data_in_place(database: Database) -> None:
    """Every step down runs with rows in every table, and the way up leads to the same schema."""
    with database.write() as session:
        makers.partner(session)
        makers.contract(session)
        makers.stock(session)
        makers.request(session)
    migrate_down(database, "base")
    left = set(inspect(database.engine).get_table_names()) & set(Base.metadata.tables)
    migrate(database)

    assert left == set()
    assert revision_of(database) == newest_revision()
    assert drift(database) == []


def test_the_newest_revision_is_alembics_head(database: Database) -> None:
    """Reading the files finds what Alembic finds."""
    with database.read() as session:
        scripts = ScriptDirectory.from_config(_configured(session.connection()))

    assert newest_revision() == scripts.get_current_head()


def test_an_older_schema_is_refused(database: Database) -> None:
    """Code and database of different releases do not meet silently."""
    migrate_down(database, "base")

    with pytest.raises(SchemaMismatch, match="dispatch init"):
        require_current(database)


def test_the_drift_check_can_fail(database: Database) -> None:
    """A column that no record knows is found."""
    with database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE audit_head ADD COLUMN surprise INTEGER")

    assert any("surprise" in difference for difference in drift(database))
    assert AuditEntry.__tablename__ in Base.metadata.tables
