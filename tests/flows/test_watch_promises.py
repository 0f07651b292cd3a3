"""Watching under Prefect: promises moved, said and shown on the run page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import clock
from infra.db.engine import Database
from infra.db.records import OutboxMessage
from infra.policy.pack import load_pack
from infra.settings import Settings
from infra.storage import FolderStore
from tasks.desk import Desk, using
from tasks.installation import prepare
from tasks.live_calendars import publish
from tests.conftest import NOON
from tests.tasks_promises.scenes import STRIKE, closures, promised, rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def struck(tmp_path: Path) -> Iterator[Desk]:
    """Two promised requests, a strike day published since, the clock at noon."""
    database = Database(f"sqlite:///{tmp_path / 'dispatch.db'}")
    pack = load_pack(today=NOON.date())
    prepare(database, pack)
    made = Desk(
        settings=Settings(home=tmp_path), database=database, documents=FolderStore(tmp_path / "documents"), pack=pack
    )
    with clock.held(NOON), using(made):
        promised(database, "R-1", "R-2")
        publish(made, closures(STRIKE))
        yield made
    database.close()


def test_a_run_moves_and_says_once(prefect_server: str, struck: Desk) -> None:
    """The first run moves both promises, the second finds nothing to do."""
    from flows.watch_promises import watch_promises  # noqa: PLC0415 - imports Prefect

    first, second = watch_promises(), watch_promises()

    assert (first.moved, second.moved) == (2, 0)
    assert (first.on_radar, first.getting_late) == (2, 0)
    assert len(rows(struck.database, OutboxMessage, OutboxMessage.kind == "promise_moved")) == 2


def test_the_run_page_shows_what_is_late(prefect_server: str, struck: Desk) -> None:
    """Half an hour before the cut-off both stand in the table of the run."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - after its environment

    from flows.watch_promises import watch_promises  # noqa: PLC0415 - imports Prefect

    with clock.held(NOON.replace(day=23, hour=13, minute=30)):
        watched = watch_promises()
    with get_client(sync_client=True) as client:
        artifacts = client.request("POST", "/artifacts/filter", json={"sort": "CREATED_DESC", "limit": 2}).json()

    assert watched.getting_late == 2
    assert any("nordlyd/R-1" in str(artifact["data"]) and "30" in str(artifact["data"]) for artifact in artifacts)
