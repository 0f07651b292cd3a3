"""A Prefect server for the tests of flows, one for the session, and an installation with a carrier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from carriers.sandbox.running import Sandbox, running
from infra import clock, orchestrator
from infra.db.engine import Database
from infra.policy.pack import load_pack
from infra.sample.writing import write_sample
from infra.settings import Settings
from tasks import intake
from tasks.desk import Desk, open_desk, using
from tasks.installation import prepare

MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """A Prefect server over a database of its own."""
    orchestrator.prepare_environment()
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - after its environment
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415 - as above

    with prefect_test_harness(server_startup_timeout=120):
        yield PREFECT_API_URL.value()


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Sandbox]:
    """The sandbox, its clock at the morning."""
    with running(tmp_path / "carrier.sqlite", "--clock", MORNING.isoformat()) as sandbox:
        yield sandbox


@pytest.fixture
def at_desk(tmp_path: Path, carrier: Sandbox) -> Iterator[Desk]:
    """Forty approved requests of the day before, the clock held at nine in the morning, UTC."""
    settings = Settings(
        home=tmp_path, carriers={"ups": {"base_url": carrier.url, "client_id": "test", "client_secret": "test"}}
    )
    with clock.held(MORNING), ExitStack() as stack:
        pack = load_pack()
        database = Database(settings.database)
        prepare(database, pack)
        database.close()
        sample = write_sample(tmp_path / "inbox", pack=pack, requests=40, seed=3, day=date(2026, 11, 19), dirty_share=0)
        opened = stack.enter_context(using(open_desk(settings)))
        for path in sample.paths:
            intake.take_in(path)
        yield opened
        opened.close()
