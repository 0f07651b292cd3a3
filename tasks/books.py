"""What the record says altogether: counts for the operator's summary, and the checks that the books balance.

Called by `flows.cli` and by the stories that kill things. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from infra.db.records import Booking, Hold, OutboxMessage, Promise, Request, Reservation, Stock, Wave
from infra.db.states import BookingState, RequestState
from tasks.desk import desk

DISPATCHED = (
    RequestState.RELEASED,
    RequestState.PICKED,
    RequestState.TENDERED,
    RequestState.IN_TRANSIT,
    RequestState.DELIVERED,
    RequestState.INSTALLED,
    RequestState.RETURN_DUE,
    RequestState.RETURNED,
    RequestState.CLOSED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Every request stands in exactly one of the first six."""

    dispatched: int
    held: int
    refused: int
    backordered: int
    cancelled: int
    under_way: int
    """Neither final nor waiting for a person: the next wave advances them."""
    bookings: int
    pick_lists: int
    notices_sent: int
    notices_due: int
    promises_kept_nbd: int

    @property
    def requests(self) -> int:
        return self.dispatched + self.held + self.refused + self.backordered + self.cancelled + self.under_way


def books() -> Books:
    """The counts, in one reading."""
    with desk().database.read() as session:
        states = {state: count for state, count in session.execute(
            select(Request.state, func.count()).group_by(Request.state)
        )}  # fmt: skip
        dispatched = sum(states.get(state, 0) for state in DISPATCHED)
        final = {state: states.get(state, 0) for state in _STANDING}
        latest = select(Promise.request_id, func.max(Promise.revision)).group_by(Promise.request_id).subquery()
        kept = (
            select(func.count())
            .select_from(Promise)
            .join(latest, (latest.c[0] == Promise.request_id) & (latest.c[1] == Promise.revision))
            .join(Request, Request.id == Promise.request_id)
            .where(Promise.keeps_nbd, Request.state.in_(DISPATCHED))
        )
        told = {state: count for state, count in session.execute(
            select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state)
        )}  # fmt: skip
        return Books(
            dispatched=dispatched,
            **{str(state): count for state, count in final.items()},
            under_way=sum(states.values()) - dispatched - sum(final.values()),
            bookings=session.scalar(
                select(func.count()).select_from(Booking).where(Booking.state == BookingState.CONFIRMED)
            ) or 0,
            pick_lists=session.scalar(
                select(func.count()).select_from(Wave).where(Wave.released_at.is_not(None))
            ) or 0,
            notices_sent=told.get("sent", 0),
            notices_due=told.get("due", 0),
            promises_kept_nbd=session.scalar(kept) or 0,
        )  # fmt: skip


_STANDING = (RequestState.HELD, RequestState.REFUSED, RequestState.BACKORDERED, RequestState.CANCELLED)


def imbalances() -> list[str]:
    """What does not add up on record: empty when every unit and every booking is accounted for."""
    found = []
    with desk().database.read() as session:
        reserved = (
            select(Reservation.depot, Reservation.part, func.sum(Reservation.quantity).label("units"))
            .group_by(Reservation.depot, Reservation.part)
            .subquery()
        )
        shelves = select(Stock.depot, Stock.part, Stock.allocated, Stock.on_hand, reserved.c.units).outerjoin(
            reserved, (reserved.c.depot == Stock.depot) & (reserved.c.part == Stock.part)
        )
        for depot, part, allocated, on_hand, units in session.execute(shelves):
            if allocated != (units or 0):
                found.append(f"{depot} {part}: {allocated} allocated, {units or 0} reserved")
            if allocated > on_hand:
                found.append(f"{depot} {part}: {allocated} allocated of {on_hand}")
        unexplained = (
            select(Request.number)
            .outerjoin(Hold, (Hold.request_id == Request.id) & Hold.closed_at.is_(None))
            .where(Request.state == RequestState.HELD, Hold.id.is_(None))
        )
        found += [f"request {number} is held and nobody knows why" for number in session.scalars(unexplained)]
        paperless = (
            select(Request.number)
            .outerjoin(Wave, Wave.id == Request.wave_id)
            .where(Request.state.in_(DISPATCHED), Wave.released_at.is_(None))
        )
        found += [f"request {number} is released without a pick list" for number in session.scalars(paperless)]
    return found


def open_holds() -> list[tuple[str, str, str, str, str, str]]:
    """(partner, number, reason, words, owner, next step) of every open hold, oldest first."""
    with desk().database.read() as session:
        query = (
            select(Hold.partner, Request.number, Hold.reason, Hold.words, Hold.owner, Hold.next_step)
            .join(Request, Request.id == Hold.request_id)
            .where(Hold.closed_at.is_(None))
            .order_by(Hold.opened_at, Hold.id)
        )
        return [tuple(row) for row in session.execute(query)]  # type: ignore[misc]  # six columns, six strings
