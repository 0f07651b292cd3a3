"""What the tests of this room ask for: a desk with a fake carrier, the shipped policy pack, a held clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from calendars import snapshot
from infra.db.engine import Database
from infra.db.records import Base
from infra.policy.model import Pack
from infra.policy.pack import load_pack
from infra.storage import FolderStore
from tasks.desk import Desk, using
from tasks.rules.promising import Promiser
from tests.conftest import NOON, _create_postgresql, _next_name
from tests.tasks.fakes import FakeCarrier, MoodyStore
from tests.tasks.scenes import desk_at


@pytest.fixture(scope="session")
def pack() -> Pack:
    """The shipped policy pack, read once."""
    return load_pack(today=NOON.date())


@pytest.fixture(scope="session")
def promiser(pack: Pack) -> Promiser:
    """The shipped pack meeting the shipped calendars, compiled once."""
    return Promiser(pack, snapshot.load())


@pytest.fixture(scope="session")
def reused(database_kind: str, migrated: str, request: pytest.FixtureRequest) -> Iterator[Database | None]:
    """One PostgreSQL database for all tests of this room; None on SQLite, where a file of one's own costs nothing."""
    if database_kind == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgresql_server")
    opened = Database(_create_postgresql(server.get_uri(), name := _next_name(), template="template_dispatch"))
    with opened.write() as session:
        # the server never dies here: what a crash would lose is the business of tests/chaos
        session.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    opened.engine.dispose()
    yield opened
    opened.close()


@pytest.fixture
def database(database_kind: str, reused: Database | None, request: pytest.FixtureRequest) -> Database:
    """As in the whole suite, an empty, migrated database; on PostgreSQL it is emptied instead of created anew.

    Hundreds of databases would take the server half a minute to write out when it stops.
    """
    if reused is None:
        own: Database = request.getfixturevalue("database")
        return own
    with reused.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    return reused


@pytest.fixture
def carrier() -> FakeCarrier:
    return FakeCarrier()


@pytest.fixture
def documents(tmp_path: Path) -> MoodyStore:
    return MoodyStore(FolderStore(tmp_path / "documents"))


@pytest.fixture
def at_desk(
    database: Database, tmp_path: Path, *, documents: MoodyStore, pack: Pack, promiser: Promiser, carrier: FakeCarrier,
    noon: datetime,
) -> Iterator[Desk]:  # fmt: skip
    """This test's desk, with the clock held at noon; every step works at it."""
    made = desk_at(tmp_path / "home", database, documents=documents, pack=pack, promiser=promiser, carrier=carrier)
    with using(made) as opened:
        yield opened
    opened.callers.shutdown()
