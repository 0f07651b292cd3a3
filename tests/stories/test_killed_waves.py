"""A wave is killed again and again, and in the end everything has happened once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from carriers.sandbox.running import Sandbox, running
from infra import clock
from infra.db.engine import Database
from infra.db.records import Booking, OutboxMessage, Request
from infra.policy.pack import load_pack
from infra.sample.writing import write_sample
from infra.settings import Settings
from tasks import books, intake
from tasks.desk import open_desk, using
from tasks.installation import prepare

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WORKER = Path(__file__).with_name("wave_worker.py")
MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
REQUESTS = 60


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An installation with sixty approved requests."""
    with clock.held(MORNING):
        pack = load_pack()
        database = Database(Settings(home=tmp_path).database)
        prepare(database, pack)
        database.close()
        sample = write_sample(
            tmp_path / "inbox", pack=pack, requests=REQUESTS, seed=3, day=date(2026, 11, 19), dirty_share=0
        )
        at_desk = open_desk(Settings(home=tmp_path))
        with using(at_desk):
            for path in sample.paths:
                intake.take_in(path)
        at_desk.close()
    return tmp_path


def _kill_and_finish(home: Path, carrier: Sandbox, *options: str, kills: int) -> int:
    """Start a wave, kill it, and again; then let it run until the day is done. Returns how many were killed alive."""
    chance = random.Random(17)
    at, killed = MORNING, 0
    for number in range(60):
        carrier.move_clock(at)
        worker = subprocess.Popen([sys.executable, str(WORKER), str(home), carrier.url, at.isoformat(), *options])
        if number < kills:
            _wait_for_work(home, worker, chance)
            worker.kill()
            killed += worker.wait() == -9
        elif worker.wait(120) != 0:
            raise AssertionError("a wave that nobody killed failed")
        elif _done(home):
            return killed
        at += timedelta(minutes=20)
    raise AssertionError("the waves never came to an end")


def _wait_for_work(home: Path, worker: subprocess.Popen[bytes], chance: random.Random) -> None:
    """Until the worker has had time to load, and then some of its work; some kills come early, some late."""
    before = _marks(home)
    deadline = time.monotonic() + 20
    while worker.poll() is None and _marks(home) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(chance.random() * 0.5)


def _marks(home: Path) -> tuple[int, ...]:
    with _record(home).read() as session:
        states = Counter(session.scalars(select(Booking.state)))
        return (len(session.scalars(select(Request.id).where(Request.fence > 0)).all()), *sorted(states.values()))


def _record(home: Path) -> Database:
    return Database(Settings(home=home).database)


def _done(home: Path) -> bool:
    at_desk = open_desk(Settings(home=home))
    with using(at_desk):
        return books.books().under_way == 0


def _doubled(carrier: Sandbox) -> dict[str, int]:
    """References under which the carrier bills more than one parcel."""
    return carrier.ledger()["references_with_several_live"]


def test_nothing_is_doubled_and_nothing_is_lost(home: Path) -> None:
    """Twelve kill -9 in the middle of waves, with a carrier that fails too: the books of both sides agree."""
    options = ("--clock", MORNING.isoformat(), "--faults", "0.15", "--seed", "5", "--hang-seconds", "0.3")
    with running(home / "carrier.sqlite", *options, "--latency-ms", "20") as carrier:
        killed = _kill_and_finish(home, carrier, kills=12)
        ledger = carrier.ledger()
        doubled = _doubled(carrier)
    at_desk = open_desk(Settings(home=home))
    with using(at_desk), at_desk.database.read() as session:
        closed = books.books()
        wrong = books.imbalances()
        references = session.scalars(select(Booking.reference).where(Booking.state == "confirmed")).all()
        told = session.scalars(select(OutboxMessage.occasion)).all()

    assert killed >= 8
    assert doubled == {}
    assert closed.requests == REQUESTS
    assert closed.under_way == 0
    assert wrong == []
    assert len(references) == ledger["billed"]
    assert len(told) == len(set(told))


def test_repeating_what_was_cut_off_doubles_parcels(home: Path) -> None:
    """The control: the same kills without the look-up, and the same check finds parcels that are billed twice."""
    options = ("--clock", MORNING.isoformat(), "--latency-ms", "60")
    with running(home / "carrier.sqlite", *options) as carrier:
        _kill_and_finish(home, carrier, "--naive", kills=12)
        doubled = _doubled(carrier)

    assert doubled != {}
