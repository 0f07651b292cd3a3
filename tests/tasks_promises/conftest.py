"""A desk for the steps that watch promises: the shipped policy, a database of the test's own, a held clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from infra.db.engine import Database
from infra.policy.model import Pack
from infra.policy.pack import load_pack
from infra.settings import Settings
from infra.storage import FolderStore
from tasks.desk import Desk, using
from tests.conftest import NOON


@pytest.fixture(scope="session")
def pack() -> Pack:
    """The shipped policy pack, read once."""
    return load_pack(today=NOON.date())


@pytest.fixture
def at_desk(database: Database, pack: Pack, tmp_path: Path, noon: datetime) -> Iterator[Desk]:
    """This test's desk at noon; no carrier is connected, because nothing here books."""
    made = Desk(
        settings=Settings(home=tmp_path / "home"),
        database=database,
        documents=FolderStore(tmp_path / "documents"),
        pack=pack,
        actor="a-test",
    )
    with using(made) as opened:
        yield opened
