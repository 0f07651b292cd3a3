"""A worker that a story can kill: runs waves, without Prefect, until nothing is left to do.

    python tests/stories/wave_worker.py HOME CARRIER_URL INSTANT [--naive]

With --naive a call that was cut off is simply made again: the control that shows what the protocol is for.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from infra import clock
from infra.db.states import BookingState
from infra.settings import Settings
from tasks import coverage, pick_lists, promises, shipments, stock, waves
from tasks.desk import open_desk, using


def run_wave() -> None:
    """The steps of `flows.dispatch_wave`, in its order."""
    fence = waves.open_wave().fence
    for step in (coverage.cover, promises.promise, stock.reserve, shipments.plan_bookings):
        step(fence)
    shipments.resolve_unknown(fence, shipments.due_bookings(fence, BookingState.UNKNOWN))
    due = shipments.due_bookings(fence, BookingState.PLANNED)
    for start in range(0, len(due), 20):
        shipments.book(fence, due[start : start + 20])
    shipments.finish_bookings(fence)
    pick_lists.release(fence)
    waves.close_wave(fence)


def be_naive() -> None:
    """What was cut off is planned again instead of looked up."""
    careful = waves._take_over_calls

    def repeat(session, fence, pack):
        count = careful(session, fence, pack)
        for booking in session.query(waves.Booking).filter_by(fence=fence.number, state=BookingState.UNKNOWN):
            booking.state, booking.due_at = BookingState.PLANNED, None
        session.flush()
        return count

    waves._take_over_calls = repeat


def main(home: str, url: str, instant: str, *options: str) -> None:
    if "--naive" in options:
        be_naive()
    settings = Settings(
        home=Path(home),
        carriers={"ups": {"base_url": url, "client_id": "story", "client_secret": "story"}},
        booking_calls_at_once=4,
    )
    with clock.held(datetime.fromisoformat(instant)), using(open_desk(settings)):
        run_wave()


if __name__ == "__main__":
    main(*sys.argv[1:])
