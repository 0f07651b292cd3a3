"""Counts that add up, and checks that find a planted fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from carriers.outcomes import Rejected
from infra.db.engine import Database
from infra.db.records import Hold, Request, Reservation, Stock, Wave
from infra.db.states import RequestState
from tasks.books import DISPATCHED, Books, books, imbalances, open_holds
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.fakes import FakeCarrier
from tests.tasks.scenes import HANDSET, reference

pytestmark = pytest.mark.usefixtures("at_desk")


def _a_mixed_wave(database: Database, carrier: FakeCarrier) -> None:
    """R-1 and R-2 go out, R-3 is rejected by the carrier, R-4 has no stock, R-5 no contract, R-6 came since."""
    scenes.approved(database, "R-1", "R-2", "R-3", on_hand=3)
    carrier.script(reference("R-3"), Rejected(code="1", reason="no"))
    with database.write() as session:
        makers.request(session, "R-4", lines={HANDSET: 1})
        makers.request(session, "R-5", lines={HANDSET: 1}, account="ACC-9")
    scenes.run_wave()
    with database.write() as session:
        makers.request(session, "R-6", lines={HANDSET: 1})
        makers.request(session, "R-7", lines={HANDSET: 1}, state=RequestState.CANCELLED)


def test_every_request_stands_somewhere(database: Database, carrier: FakeCarrier) -> None:
    """The six standings add up to all requests."""
    _a_mixed_wave(database, carrier)

    assert books() == Books(
        dispatched=2, held=1, refused=1, backordered=1, cancelled=1, under_way=1,
        bookings=5,  # two legs each of, and the return of R-3
        pick_lists=1, notices_sent=0,
        notices_due=8,  # the depot, partner and site of two, and the partner of
        promises_kept_nbd=2,
    )  # fmt: skip
    assert books().requests == 7


def test_empty_books(database: Database) -> None:
    """Nothing on record is nothing in the books, and adds up."""
    assert books().requests == 0
    assert imbalances() == []
    assert open_holds() == []


def test_each_state_is_counted_once(database: Database) -> None:
    """One request in every state there is: each stands in exactly one place."""
    with database.write() as session:
        makers.partner(session)
        for state in RequestState:
            makers.request(session, state, state=state)
    found = books()

    assert found.requests == len(RequestState)
    assert (found.held, found.refused, found.backordered, found.cancelled) == (1, 1, 1, 1)
    assert found.dispatched == len(DISPATCHED)
    assert found.under_way == 7  # received, approved, covered, promised, reserved, booking, booked


def test_a_sound_record_balances(database: Database, carrier: FakeCarrier) -> None:
    """After a wave with every kind of outcome nothing is found."""
    _a_mixed_wave(database, carrier)

    assert imbalances() == []


def _unit_gone(session: Session) -> None:
    session.execute(update(Stock).values(allocated=Stock.allocated - 1))


def _reservation_gone(session: Session) -> None:
    first = select(func.min(Reservation.request_id)).scalar_subquery()
    session.execute(delete(Reservation).where(Reservation.request_id == first))


def _hold_gone(session: Session) -> None:
    session.execute(delete(Hold))


def _hold_closed(session: Session) -> None:
    session.execute(update(Hold).values(closed_at=NOON))


def _wave_unreleased(session: Session) -> None:
    session.execute(update(Wave).values(released_at=None))


def _wave_gone(session: Session) -> None:
    session.execute(update(Request).where(Request.number == "R-2").values(wave_id=None))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        pytest.param(_unit_gone, ["DK-CPH HND-1001: 2 allocated, 3 reserved"], id="unit-gone"),
        pytest.param(_reservation_gone, ["DK-CPH HND-1001: 3 allocated, 2 reserved"], id="reservation-gone"),
        pytest.param(_hold_gone, ["request R-3 is held and nobody knows why"], id="hold-gone"),
        pytest.param(_hold_closed, ["request R-3 is held and nobody knows why"], id="hold-closed"),
        pytest.param(_wave_gone, ["request R-2 is released without a pick list"], id="wave-gone"),
        pytest.param(
            _wave_unreleased,
            ["request R-1 is released without a pick list", "request R-2 is released without a pick list"],
            id="wave-unreleased",
        ),
    ],
)
def test_a_planted_fault_is_found(
    database: Database, carrier: FakeCarrier, spoil: Callable[[Session], None], found: list[str]
) -> None:
    """Each check fails when what it watches is spoilt, and names it."""
    _a_mixed_wave(database, carrier)
    with database.write() as session:
        spoil(session)

    assert sorted(imbalances()) == found


def test_open_holds_say_what_to_do(database: Database, carrier: FakeCarrier) -> None:
    """Partner, number, reason, words, owner and next step of each; closed ones are not listed."""
    _a_mixed_wave(database, carrier)
    (held,) = open_holds()
    with database.write() as session:
        session.execute(update(Hold).values(closed_at=NOON))

    assert held[:4] == ("nordlyd", "R-3", "carrier_rejected", "ups refused the outbound shipment.")
    assert held[4] == "operations"
    assert "booking journal" in held[5]
    assert open_holds() == []
