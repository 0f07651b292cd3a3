"""A run claims what is due and nobody else has, and knows what a dead run left in the middle of a call."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from infra import clock
from infra.db.engine import Database
from infra.db.records import Booking, Claim, Request
from infra.db.states import BookingState, RequestState
from infra.ledger import claims
from infra.ledger.claims import Fence
from tasks import shipments, waves
from tasks.desk import desk
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.fakes import FakeCarrier

pytestmark = pytest.mark.usefixtures("at_desk")


def _held_under(database: Database, fence: Fence) -> list[str]:
    held = [Request.fence == fence.number, Request.lease_until.is_not(None)]
    return sorted(each.number for each in scenes.rows(database, Request, *held))


def test_only_what_a_wave_advances_is_claimed(database: Database) -> None:
    """Refused, held and finished requests are left alone; the seven states a wave can advance are claimed."""
    with database.write() as session:
        makers.partner(session)
        for state in RequestState:
            makers.request(session, state, state=state)

    opened = waves.open_wave()

    assert _held_under(database, opened.fence) == [
        "approved", "backordered", "booked", "booking", "covered", "promised", "reserved"
    ]  # fmt: skip


def test_approval_in_the_future_waits(database: Database) -> None:
    """A request approved a second from now is not claimed; one approved this instant is."""
    with database.write() as session:
        makers.partner(session)
        makers.request(session, "R-1", approved_at=NOON)
        makers.request(session, "R-2", approved_at=NOON + timedelta(seconds=1))

    opened = waves.open_wave()

    assert _held_under(database, opened.fence) == ["R-1"]


def test_depots_choose_by_where_it_leaves_from(database: Database) -> None:
    """The reserving depot decides once there is one; before that, the home depot."""
    with database.write() as session:
        makers.partner(session)
        makers.request(session, "R-1", home_depot="NL-VNL")
        makers.request(session, "R-2", home_depot="DK-CPH")
        makers.request(session, "R-3", home_depot="DK-CPH", depot="NL-VNL", state=RequestState.RESERVED)
        makers.request(session, "R-4", home_depot="NL-VNL", depot="DE-FRA", state=RequestState.RESERVED)
        makers.request(session, "R-5", home_depot=None)

    opened = waves.open_wave(["NL-VNL"])

    assert _held_under(database, opened.fence) == ["R-1", "R-3"]
    assert opened.requests == 2


def test_rows_of_a_live_run_are_not_taken(database: Database) -> None:
    """A second run, minutes later, gets only what came in since."""
    scenes.approved(database, "R-1")
    first = waves.open_wave()
    with database.write() as session:
        makers.request(session, "R-2")
    with clock.held(NOON + timedelta(minutes=9)):
        second = waves.open_wave()

    assert _held_under(database, first.fence) == ["R-1"]
    assert _held_under(database, second.fence) == ["R-2"]


def test_two_runs_opening_at_once_share_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look for free rows before either claims; each row ends up with one run, and each run knows its rows.

    On PostgreSQL the second passes over the rows the first has locked; on SQLite it looks when the first is done.
    """
    scenes.approved(database, "R-1", "R-2", "R-3")
    both_have_looked = threading.Barrier(2)
    take = claims.take

    def take_after_both_looked(session: Session, **rest: object) -> Fence:
        with suppress(threading.BrokenBarrierError):  # SQLite's one writer: the other never gets here meanwhile
            both_have_looked.wait(timeout=0.5)
        return take(session, **rest)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(claims, "take", take_after_both_looked)
    opened: list[waves.OpenedWave] = []
    runs = [threading.Thread(target=lambda: opened.append(waves.open_wave())) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert sorted(each.requests for each in opened) == [0, 3]
    assert [len(_held_under(database, each.fence)) for each in opened] == [each.requests for each in opened]


def test_a_row_somebody_is_writing_is_taken_next_time(database: Database) -> None:
    """A run does not wait for a locked row: it takes the others, and the row is still free for the next run."""
    if database.dialect != "postgresql":
        pytest.skip("SQLite has one writer and no locked rows")
    scenes.approved(database, "R-1", "R-2")
    with database.write() as session:
        session.execute(select(Request).where(Request.number == "R-1").with_for_update())
        first = waves.open_wave()
    second = waves.open_wave()

    assert _held_under(database, first.fence) == ["R-2"]
    assert _held_under(database, second.fence) == ["R-1"]


class TestTakeOver:
    def _cut_off(self, database: Database) -> None:
        """A run that committed its intents and died before any answer came."""
        fence = scenes.planned(database, "R-1")
        shipments._intend(fence, shipments.due_bookings(fence, BookingState.PLANNED), desk())

    def test_a_call_cut_off_becomes_unknown(self, database: Database) -> None:
        """Its settle window (15 min at UPS) counts from the intent, not from when somebody noticed."""
        self._cut_off(database)
        with clock.held(NOON + timedelta(minutes=11)):
            opened = waves.open_wave()
        found = scenes.booking(database)

        assert opened.taken_over == 2  # both legs
        assert found.state == BookingState.UNKNOWN
        assert found.unknown_since == NOON
        assert found.due_at == NOON + timedelta(minutes=15)
        assert found.fence == opened.fence.number
        assert scenes.journal(database) == ["intent", "call_cut_off"]

    def test_it_is_not_asked_again(self, database: Database, carrier: FakeCarrier) -> None:
        """Taking over is no reason to book: the carrier hears nothing before the look-up is due."""
        self._cut_off(database)
        scenes.run_wave(NOON + timedelta(minutes=11))

        assert carrier.asked == []
        assert carrier.searched == []

    def test_a_live_runs_calls_are_left_alone(self, database: Database) -> None:
        """While the run that is calling holds its lease, its intents stay intents."""
        self._cut_off(database)
        opened = waves.open_wave()

        assert opened.taken_over == 0
        assert scenes.booking(database).state == BookingState.INTENT

    def test_planned_bookings_follow_their_request(self, database: Database) -> None:
        """What was never asked stays planned, under the new run's fence and due at once."""
        scenes.planned(database, "R-1")
        with clock.held(NOON + timedelta(minutes=11)):
            opened = waves.open_wave()
            due = shipments.due_bookings(opened.fence, BookingState.PLANNED)

        assert opened.taken_over == 0
        assert len(due) == 2


class TestClosing:
    def test_close_gives_back(self, database: Database) -> None:
        """The rows are free at once, the claim says when it ended, and the next fence is higher."""
        scenes.approved(database, "R-1")
        first = waves.open_wave()
        waves.close_wave(first.fence)
        second = waves.open_wave()
        (ended,) = scenes.rows(database, Claim, Claim.id == first.fence.number)

        assert second.requests == 1
        assert second.fence.number > first.fence.number
        assert ended.ended_at == NOON

    def test_closing_twice_is_harmless(self, database: Database) -> None:
        """A late second close does not free what another run has claimed since."""
        scenes.approved(database, "R-1")
        first = waves.open_wave()
        waves.close_wave(first.fence)
        second = waves.open_wave()
        waves.close_wave(first.fence)

        assert _held_under(database, second.fence) == ["R-1"]

    def test_an_empty_run_claims_nothing(self, database: Database) -> None:
        """With nothing due a run opens and closes all the same."""
        opened = waves.open_wave()
        waves.close_wave(opened.fence)

        assert opened.requests == 0


def test_bookings_of_others_keep_their_fence(database: Database) -> None:
    """A take-over touches the bookings of claimed requests alone."""
    scenes.planned(database, "R-1", "R-2")
    with database.write() as session:
        session.execute(update(Request).where(Request.number == "R-2").values(state=RequestState.HELD))
    before = scenes.booking(database, "R-2").fence
    with clock.held(NOON + timedelta(minutes=11)):
        waves.open_wave()

    assert scenes.booking(database, "R-2").fence == before
    assert scenes.booking(database, "R-1").fence > before
    assert len(scenes.rows(database, Booking)) == 4
