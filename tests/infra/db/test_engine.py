"""The database refuses what would lose work, on both kinds."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from infra.clock import NaiveInstantError
from infra.db.engine import Database, UnsafeSQLite, UnsupportedDatabase, require_safe_sqlite
from infra.db.records import Booking, Request, Stock
from tests import makers


class TestSafeSqlite:
    def test_refuses_the_release_with_the_race(self) -> None:
        """Debian's 3.40.1, which every Python here links, is refused with what to do."""
        with pytest.raises(UnsafeSQLite, match="install pysqlite3"):
            require_safe_sqlite((3, 40, 1))

    def test_accepts_the_fixed_release(self) -> None:
        """3.51.3 is the first one without it."""
        require_safe_sqlite((3, 51, 3))

    def test_writes_survive_power_loss(self, tmp_path: Path) -> None:
        """WAL with synchronous=FULL: an acknowledged intent is on the disk."""
        database = Database(f"sqlite:///{tmp_path / 'x.db'}")
        with database.read() as session:
            assert session.scalar(text("PRAGMA journal_mode")) == "wal"
            assert session.scalar(text("PRAGMA synchronous")) == 2
        database.close()

    def test_memory_is_refused(self) -> None:
        """A database that only one connection sees cannot hold a wave."""
        with pytest.raises(UnsupportedDatabase):
            Database("sqlite:///:memory:")

    def test_other_databases_are_refused(self) -> None:
        """The claims and the chain are written for two databases, not for any."""
        with pytest.raises(UnsupportedDatabase, match="use sqlite"):
            Database("mysql://x/y")


class TestInstant:
    def test_refuses_a_naive_datetime(self, database: Database) -> None:
        """An approval without a zone never reaches the table."""
        with pytest.raises(StatementError) as caught, database.write() as session:
            makers.partner(session)
            makers.request(session, approved_at=datetime(2026, 11, 20, 9, 0))  # noqa: DTZ001 - that is the point

        assert isinstance(caught.value.orig, NaiveInstantError)

    def test_comes_back_as_the_same_instant(self, database: Database) -> None:
        """17:00 in Rome is 16:00 UTC on both databases, and aware."""
        rome = datetime(2026, 11, 20, 17, 0, tzinfo=timezone(timedelta(hours=1)))
        with database.write() as session:
            makers.partner(session)
            makers.request(session, approved_at=rome)

        with database.read() as session:
            found = session.scalars(select(Request.approved_at)).one()

        assert found == rome
        assert found.tzinfo is UTC

    def test_sorts_as_time(self, database: Database) -> None:
        """Earlier instants compare smaller in the database, whatever zone they were given in."""
        late = datetime(2026, 11, 20, 9, 0, tzinfo=timezone(timedelta(hours=-5)))
        early = datetime(2026, 11, 20, 13, 59, 59, 999999, tzinfo=UTC)
        with database.write() as session:
            makers.partner(session)
            makers.request(session, "LATE", approved_at=late)
            makers.request(session, "EARLY", approved_at=early)

        with database.read() as session:
            numbers = session.scalars(select(Request.number).order_by(Request.approved_at)).all()

        assert numbers == ["EARLY", "LATE"]


class TestAmount:
    def test_keeps_every_digit(self, database: Database) -> None:
        """Freight of 0.1 + 0.2 is 0.30, not 0.30000000000000004."""
        with database.write() as session:
            makers.partner(session)
            wanted = makers.request(session)
            session.add(_booking(wanted, charge=Decimal("0.1") + Decimal("0.2"), currency="EUR"))

        with database.read() as session:
            assert session.scalars(select(Booking.charge)).one() == Decimal("0.30")

    def test_refuses_floats(self, database: Database) -> None:
        """A float is refused at the door."""
        with pytest.raises(StatementError, match="must be a Decimal"), database.write() as session:
            makers.partner(session)
            session.add(_booking(makers.request(session), charge=12.5, currency="EUR"))
            session.flush()


def _booking(wanted: Request, **changes: object) -> Booking:
    facts: dict[str, object] = {
        "leg": "outbound", "reference": "A" * 16, "carrier": "ups", "service": "ups:express_saver", "depot": "CPH",
        "partner": wanted.partner, "request_id": wanted.id, "state": "planned",
        "ship_on": datetime(2026, 11, 20, tzinfo=UTC).date(),
    }  # fmt: skip
    return Booking(**{**facts, **changes})


class TestWalls:
    def test_a_row_cannot_point_across_partners(self, database: Database) -> None:
        """A booking of one partner for another's request is refused by the database itself."""
        with database.write() as session:
            makers.partner(session)
            makers.partner(session, "other")
            wanted = makers.request(session)
            session.expunge(wanted)

        with pytest.raises(IntegrityError), database.write() as session:
            session.add(_booking(wanted, partner="other"))
            session.flush()

    def test_stock_cannot_be_oversold(self, database: Database) -> None:
        """Even a careless UPDATE cannot allocate more than is on hand."""
        with database.write() as session:
            makers.stock(session, on_hand=3)

        with pytest.raises(IntegrityError), database.write() as session:
            session.execute(update(Stock).values(allocated=4))

    def test_a_failed_block_writes_nothing(self, database: Database) -> None:
        """An exception inside `write` rolls everything back."""
        with pytest.raises(RuntimeError), database.write() as session:
            makers.partner(session)
            raise RuntimeError

        with database.read() as session:
            assert session.scalar(text("SELECT count(*) FROM partner")) == 0


def _count_up(url: str, times: int) -> None:
    database = Database(url)
    for _ in range(times):
        with database.write() as session:
            held = session.scalars(select(Stock).with_for_update()).one()
            held.allocated += 1
    database.close()


class TestWriters:
    @pytest.mark.slow
    def test_no_update_of_another_process_is_lost(self, database: Database) -> None:
        """Four processes that read, add one and write lose nothing: 4 x 25 = 100."""
        with database.write() as session:
            makers.stock(session, on_hand=1000)
        url = database.url.render_as_string(hide_password=False)
        workers = [multiprocessing.get_context("spawn").Process(target=_count_up, args=(url, 25)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)

        with database.read() as session:
            assert session.scalars(select(Stock.allocated)).one() == 100

    def test_threads_take_turns(self, database: Database) -> None:
        """Eight threads of one process write without a lock error."""
        with database.write() as session:
            makers.stock(session, on_hand=1000)

        def add() -> None:
            for _ in range(10):
                with database.write() as session:
                    session.execute(update(Stock).values(allocated=Stock.allocated + 1))

        threads = [threading.Thread(target=add) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        with database.read() as session:
            assert session.scalars(select(Stock.allocated)).one() == 80
