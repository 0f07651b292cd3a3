"""Does an open promise move when calendars change, and is the partner told? Asked by `tasks.drift` for each.

Nothing is reserved yet: the best lane decides, as when the promise was made. Parts are reserved, or already packed: the
depot and the service stay, because a parcel on a shelf does not change depots by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from infra.db.states import RequestState
from infra.policy.model import Commitment
from tasks.rules.sourcing import Lost, Offer, best_promise

OPEN = (
    RequestState.HELD,
    RequestState.PROMISED,
    RequestState.BACKORDERED,
    RequestState.RESERVED,
    RequestState.BOOKING,
    RequestState.BOOKED,
    RequestState.RELEASED,
    RequestState.PICKED,
)
"""With a promise, and before the parcel is handed over: afterwards tracking moves the date, not a calendar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was said last of a request."""

    commitment: Commitment
    ship_on: date
    arrive_on: date
    depot: str
    service: str
    reserved_at: str | None
    """The depot that holds the parts; None while none does."""

    @property
    def promised_on(self) -> date:
        return self.ship_on if self.commitment is Commitment.SHIP else self.arrive_on


def now_offered(standing: Standing, offers: Sequence[Offer]) -> Offer | None:
    """The offer that answers for the promise today; None where the policy has no such lane any more."""
    if not offers:
        return None
    if standing.reserved_at is None:
        return best_promise(offers, standing.commitment)
    same = (standing.depot, standing.service)
    return next((offer for offer in offers if (offer.depot, offer.lane.service) == same), None)


def moves(standing: Standing, offer: Offer) -> bool:
    """Either date changes."""
    return (standing.ship_on, standing.arrive_on) != (offer.ship_on, offer.arrive_on)


def partner_hears(standing: Standing, offer: Offer) -> bool:
    """The promised date changes, or the day of arrival: a parcel that only leaves earlier is our own business."""
    return standing.promised_on != offer.promised_on(standing.commitment) or standing.arrive_on != offer.arrive_on


def others(offer: Offer, offers: Sequence[Offer], standing: Standing) -> tuple[Lost, ...]:
    """What the other lanes could do, earliest first: evidence for whoever decides to send it from elsewhere."""
    rest = [each for each in offers if (each.depot, each.lane.service) != (offer.depot, offer.lane.service)]
    rest.sort(key=lambda each: (each.promised_on(standing.commitment), each.distance_km, each.freight))
    return tuple(Lost(depot=each.depot, service=each.lane.service, why=_why_not(each, standing)) for each in rest)


def _why_not(other: Offer, standing: Standing) -> str:
    said = f"would promise {other.promised_on(standing.commitment)}"
    if standing.reserved_at is None or standing.reserved_at == other.depot:
        return said
    return f"{said}, parts are reserved at {standing.reserved_at}"
