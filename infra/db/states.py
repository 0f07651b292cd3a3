"""Which states there are, and which may follow which. The database checks the names, the ledger the steps.

The table stands here and not in `tasks.rules`, because the ledger, which lies below the rules, enforces it.

A request's life:
received -> approved -> covered -> promised -> reserved -> booking -> booked -> released -> picked -> tendered
         -> in_transit -> delivered -> (installed) -> return_due -> returned -> closed
with refused from approved, backordered from promised, and held or cancelled from every state before tendered.
"""

from __future__ import annotations

from enum import StrEnum


class RequestState(StrEnum):
    RECEIVED = "received"
    APPROVED = "approved"
    COVERED = "covered"
    REFUSED = "refused"
    HELD = "held"
    PROMISED = "promised"
    RESERVED = "reserved"
    BACKORDERED = "backordered"
    BOOKING = "booking"
    BOOKED = "booked"
    RELEASED = "released"
    PICKED = "picked"
    TENDERED = "tendered"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    INSTALLED = "installed"
    RETURN_DUE = "return_due"
    RETURNED = "returned"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class BookingState(StrEnum):
    """A booking's life; see `tasks.shipments` for who moves it.

    planned -> intent -> confirmed | rejected | planned (surely not done) | unknown
    unknown -> confirmed (found) | planned (k look-ups found nothing) | quarantined (a person decides)
    confirmed -> void_intent -> voided
    """

    PLANNED = "planned"
    INTENT = "intent"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    VOID_INTENT = "void_intent"
    VOIDED = "voided"
    CANCELLED = "cancelled"


_R = RequestState
_BEFORE_TENDER = (
    _R.RECEIVED, _R.APPROVED, _R.COVERED, _R.PROMISED, _R.RESERVED, _R.BACKORDERED,
    _R.BOOKING, _R.BOOKED, _R.RELEASED, _R.PICKED,
)  # fmt: skip

REQUEST_STEPS: dict[RequestState, frozenset[RequestState]] = {
    _R.RECEIVED: frozenset({_R.APPROVED, _R.REFUSED}),
    _R.APPROVED: frozenset({_R.COVERED, _R.REFUSED}),
    _R.COVERED: frozenset({_R.PROMISED, _R.REFUSED}),
    _R.PROMISED: frozenset({_R.RESERVED, _R.BACKORDERED, _R.PROMISED}),
    _R.BACKORDERED: frozenset({_R.PROMISED, _R.RESERVED}),
    _R.RESERVED: frozenset({_R.BOOKING, _R.PROMISED, _R.BACKORDERED}),
    _R.BOOKING: frozenset({_R.BOOKED}),
    _R.BOOKED: frozenset({_R.RELEASED}),
    _R.RELEASED: frozenset({_R.PICKED, _R.PROMISED}),
    _R.PICKED: frozenset({_R.TENDERED}),
    _R.TENDERED: frozenset({_R.IN_TRANSIT, _R.DELIVERED}),
    _R.IN_TRANSIT: frozenset({_R.DELIVERED}),
    _R.DELIVERED: frozenset({_R.INSTALLED, _R.RETURN_DUE, _R.CLOSED, _R.IN_TRANSIT}),
    _R.INSTALLED: frozenset({_R.RETURN_DUE, _R.CLOSED}),
    _R.RETURN_DUE: frozenset({_R.RETURNED, _R.CLOSED}),
    _R.RETURNED: frozenset({_R.CLOSED}),
    _R.HELD: frozenset({*_BEFORE_TENDER, _R.REFUSED, _R.CANCELLED}),
    _R.REFUSED: frozenset({_R.APPROVED}),
    _R.CLOSED: frozenset(),
    _R.CANCELLED: frozenset(),
}
for _state in _BEFORE_TENDER:
    REQUEST_STEPS[_state] |= {_R.HELD, _R.CANCELLED}


class ForbiddenStep(Exception):
    """A state that may not follow another was asked for: a fault in the caller, nothing was written."""


def require_step(before: RequestState, after: RequestState) -> None:
    """Raises `ForbiddenStep` unless `after` may follow `before`."""
    if after not in REQUEST_STEPS[before]:
        allowed = ", ".join(sorted(REQUEST_STEPS[before])) or "nothing"
        raise ForbiddenStep(f"{before} may be followed by {allowed}, not by {after}")
