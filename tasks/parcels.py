"""What goes into a parcel and onto its way: from reservations and addresses to what a carrier is asked.

Read by `tasks.shipments` only; kept apart because building the question and keeping the journal are two ideas.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from carriers.model import Book, Customs, CustomsItem, Leg, Money, Parcel, Party
from infra import clock
from infra.db.records import Booking, Consignee, Promise, Request, Reservation
from infra.db.states import BookingState, RequestState
from infra.ledger.claims import Fence, in_portions
from infra.policy.model import Depot, Lane, Pack
from infra.policy.questions import lanes_to
from tasks import claimed
from tasks.claimed import RequestFacts, StoppedRequest
from tasks.desk import Desk
from tasks.recorded_promises import latest_promises

PACKAGING_G = 150
"""Box and filling, added to the weight of the parts; carriers weigh again and correct the charge upward only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcelled:
    """One booking row and the question it puts to its carrier."""

    booking_id: int
    request_id: int
    partner: str
    leg: str
    carrier: str
    attempt: int
    look_ups: int
    negatives: int
    unknown_since: datetime | None
    shipment_id: str | None
    tracking_number: str | None
    wanted: Book


def wanted_bookings(
    session: Session, requests: Sequence[RequestFacts], at_desk: Desk
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Request number and booking row of each leg: outbound always, return where its label goes into the box (M7)."""
    chosen = _latest_promises(session, [request.id for request in requests])
    for request in requests:
        depot, service, ship_on = chosen[request.id]
        to = request.destination
        lane = _lane_of(at_desk.pack, to.country, to.postal_code, depot, service)
        row = {
            "partner": request.partner, "request_id": request.id, "generation": 1, "service": service, "depot": depot,
            "carrier": at_desk.pack.service_by_id[service].carrier, "ship_on": ship_on, "attempt": 0,
            "negatives": 0, "look_ups": 0,
        }  # fmt: skip
        yield request.number, {**row, "leg": "outbound"}
        if ((lane and lane.return_label) or at_desk.pack.plan_by_code[request.plan].return_label) == "prepaid":
            back = at_desk.pack.service_by_id[service].return_service or service
            yield request.number, {**row, "leg": "return", "service": back}


def _latest_promises(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, str, Any]]:
    found: dict[int, tuple[str, str, Any]] = {}
    for part in in_portions(ids):
        latest = latest_promises(Request.id.in_(part))
        query = select(Promise.request_id, Promise.depot, Promise.service, Promise.ship_on).join(
            latest, latest.c.promise_id == Promise.id
        )
        for request_id, depot, service, ship_on in session.execute(query):
            found[request_id] = depot, service, ship_on
    return found


def with_and_without_lane(
    session: Session, requests: Sequence[RequestFacts], at_desk: Desk
) -> tuple[list[RequestFacts], list[StoppedRequest]]:
    """Reserved requests that can be booked, and those whose lane the policy pack has lost since they were promised."""
    chosen = _latest_promises(session, [request.id for request in requests])
    can: list[RequestFacts] = []
    stopped: list[StoppedRequest] = []
    for request in requests:
        depot, to = chosen[request.id][0], request.destination
        if lane_is_gone(at_desk.pack, to.country, to.postal_code, depot):
            stopped.append(claimed.no_lane(request, before=RequestState.RESERVED, depot=depot))
        else:
            can.append(request)
    return can, stopped


def lane_is_gone(pack: Pack, country: str, postal_code: str, depot: str) -> bool:
    """No lane of the pack leads from the depot to the address."""
    return all(lane.depot != depot for lane in lanes_to(pack, country, postal_code))


def _lane_of(pack: Pack, country: str, postal_code: str, depot: str, service: str) -> Lane | None:
    """The lane of a booking; for a return by a service without a lane of its own, any lane of its depot.

    None where the pack has lost them all.
    """
    from_depot = [lane for lane in lanes_to(pack, country, postal_code) if lane.depot == depot]
    for lane in from_depot:
        if lane.service == service:
            return lane
    if from_depot:
        return from_depot[0]
    return None


def parcels_to_book(
    session: Session,
    booking_ids: Sequence[int] | None,
    fence: Fence,
    state: BookingState,
    at_desk: Desk,
    *,
    without_label: bool = False,
) -> list[Parcelled]:
    """The run's bookings in `state` (of `booking_ids`, or all), each with its full question: always two queries."""
    query = (
        select(Booking, Request.number, Consignee)
        .join(Request, Request.id == Booking.request_id)
        .join(Consignee, Consignee.request_id == Booking.request_id)
        .where(Booking.fence == fence.number, Booking.state == state, Request.state == RequestState.BOOKING)
        .where(or_(Booking.due_at.is_(None), Booking.due_at <= clock.now()))
        .order_by(Booking.id)
    )
    if booking_ids is not None:
        query = query.where(Booking.id.in_(booking_ids))
    if without_label:
        query = query.where(Booking.label_id.is_(None))
    rows = session.execute(query).all()
    if state is BookingState.PLANNED:
        # what was never asked for waits for a person; what may exist is looked up and labelled all the same
        rows = [row for row in rows if not lane_is_gone(at_desk.pack, row[2].country, row[2].postal_code, row[0].depot)]
    contents = _contents(session, [booking.request_id for booking, _, _ in rows])
    return [_parcelled(booking, to, contents[booking.request_id], at_desk) for booking, _, to in rows]


def _contents(session: Session, request_ids: Sequence[int]) -> dict[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for part in in_portions(sorted(set(request_ids))):
        query = select(Reservation.request_id, Reservation.part, Reservation.quantity)
        for request_id, number, quantity in session.execute(
            query.where(Reservation.request_id.in_(part)).order_by(Reservation.request_id, Reservation.line)
        ):
            found[request_id].append((number, quantity))
    return found


def _parcelled(booking: Booking, to: Consignee, contents: Sequence[tuple[str, int]], at_desk: Desk) -> Parcelled:
    return Parcelled(
        booking_id=booking.id,
        request_id=booking.request_id,
        partner=booking.partner,
        leg=booking.leg,
        carrier=booking.carrier,
        attempt=booking.attempt,
        look_ups=booking.look_ups,
        negatives=booking.negatives,
        unknown_since=booking.unknown_since,
        shipment_id=booking.shipment_id,
        tracking_number=booking.tracking_number,
        wanted=_question(booking, to, contents, at_desk),
    )


def _question(booking: Booking, to: Consignee, contents: Sequence[tuple[str, int]], at_desk: Desk) -> Book:
    pack, leg = at_desk.pack, Leg(booking.leg)
    depot, site = _depot_party(pack.depot_by_code[booking.depot]), _site_party(to)
    lane = _lane_of(pack, to.country, to.postal_code, booking.depot, booking.service)
    return Book(
        reference=booking.reference,
        leg=leg,
        service=pack.service_by_id[booking.service].code,
        account=at_desk.account(booking.carrier),
        ship_on=booking.ship_on,
        ship_from=depot if leg is Leg.OUTBOUND else site,
        ship_to=site if leg is Leg.OUTBOUND else depot,
        parcel=_parcel(pack, contents),
        customs=_customs(pack, lane, contents) if lane and lane.customs_documents else None,
    )


def _depot_party(depot: Depot) -> Party:
    address = depot.address
    return Party(
        company=address.company, contact=depot.name, phone=depot.phone, email=depot.email, street=address.street,
        city=address.city, postal_code=address.postal_code, subdivision=address.subdivision, country=address.country,
    )  # fmt: skip


def _site_party(to: Consignee) -> Party:
    return Party(
        company=to.company, contact=to.contact, phone=to.phone, email=to.email, street=to.street, street2=to.street2,
        city=to.city, postal_code=to.postal_code, subdivision=to.subdivision, country=to.country,
    )  # fmt: skip


def _parcel(pack: Pack, contents: Sequence[tuple[str, int]]) -> Parcel:
    """One box: parts side by side in length and width as the largest needs, stacked in height."""
    parts = [(pack.part_by_number[number], quantity) for number, quantity in contents]
    return Parcel(
        weight_g=PACKAGING_G + sum(part.weight_g * quantity for part, quantity in parts),
        size_mm=(
            max(part.size_mm[0] for part, _ in parts),
            max(part.size_mm[1] for part, _ in parts),
            sum(part.size_mm[2] * quantity for part, quantity in parts),
        ),
        description=", ".join(part.description for part, _ in parts)[:60],
    )


def _customs(pack: Pack, lane: Lane, contents: Sequence[tuple[str, int]]) -> Customs:
    items = []
    for number, quantity in contents:
        part = pack.part_by_number[number]
        value = Money(amount=part.value.amount, currency=part.value.currency)
        items.append(
            CustomsItem(
                description=part.description, hs_code=part.hs_code, origin=part.origin, quantity=quantity, value=value
            )
        )
    return Customs(
        incoterm=lane.incoterm or "DAP",
        duty_payer=lane.duty_payer or "consignee",
        documents=lane.customs_documents,
        items=tuple(items),
    )
