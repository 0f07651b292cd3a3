"""Opening and closing a run over requests: which are due, who may advance them, and what came of it.

Called by `flows.dispatch_wave`. A run claims every request that is free and can move; whatever state a killed run left
it in, the rows say what is still to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from infra import clock
from infra.db.records import Booking, BookingStep, Claim, Request
from infra.db.states import BookingState, RequestState
from infra.ledger import claims
from infra.ledger.claims import Fence
from infra.policy.model import Pack
from tasks.desk import desk
from tasks.live_calendars import live_promiser

ADVANCED_BY_A_WAVE = (
    RequestState.APPROVED,
    RequestState.COVERED,
    RequestState.PROMISED,
    RequestState.BACKORDERED,
    RequestState.RESERVED,
    RequestState.BOOKING,
    RequestState.BOOKED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedWave:
    """A run's claim, and how many requests it holds."""

    fence: Fence
    requests: int
    taken_over: int
    """Of them, bookings that an earlier run left in the middle of a call."""


def open_wave(depots: Sequence[str] = ()) -> OpenedWave:
    """Claim every free request approved by now that a wave can advance, of `depots` (all when empty).

    Bookings that a dead run left between intent and answer become unknown here: they are looked up, never repeated.
    """
    at, at_desk = clock.now(), desk()
    live_promiser(at_desk)  # a long-lived worker promises from what was published since its last run
    with at_desk.database.write() as session:
        due = [
            Request.state.in_(ADVANCED_BY_A_WAVE),
            Request.approved_at <= at,
            claims.is_free(Request, session, at=at),
        ]
        if depots:
            due.append(or_(Request.depot.in_(depots), and_(Request.depot.is_(None), Request.home_depot.in_(depots))))
        # two runs that open at once must not both find the same rows free
        free = select(Request.id).where(*due).order_by(Request.id).with_for_update(skip_locked=True)
        ids = session.scalars(free).all()
        fence = claims.take(session, purpose="dispatch-wave", at=at)
        claims.claim_rows(session, Request, ids, fence)
        taken_over = _take_over_calls(session, fence, at_desk.pack)
    return OpenedWave(fence=fence, requests=len(ids), taken_over=taken_over)


def _take_over_calls(session: Session, fence: Fence, pack: Pack) -> int:
    """The bookings follow their requests; calls cut off get their settle window, counted from the intent."""
    claimed = select(Request.id).where(Request.fence == fence.number)
    session.execute(
        update(Booking)
        .where(Booking.request_id.in_(claimed), Booking.fence != fence.number)
        .values(fence=fence.number)
        .execution_options(synchronize_session=False)
    )
    query = select(Booking).where(Booking.fence == fence.number, Booking.state == BookingState.INTENT)
    cut_off = session.scalars(query).all()
    for booking in cut_off:
        assert booking.intent_at is not None, "an intent has its instant"
        settle = timedelta(seconds=pack.terms_by_carrier[booking.carrier].settle_seconds)
        booking.state, booking.negatives, booking.look_ups = BookingState.UNKNOWN, 0, 0
        booking.unknown_since, booking.due_at = booking.intent_at, booking.intent_at + settle
        session.add(
            BookingStep(
                booking_id=booking.id, attempt=booking.attempt, fence=fence.number, at=clock.now(),
                what="call_cut_off", evidence={},
            )
        )  # fmt: skip
    session.flush()
    return len(cut_off)


def close_wave(fence: Fence) -> None:
    """Give every row back. Harmless to repeat; a run that dies before this loses its lease instead."""
    at = clock.now()
    with desk().database.write() as session:
        claims.give_back(session, Request, fence)
        session.execute(update(Claim).where(Claim.id == fence.number).values(ended_at=at))
