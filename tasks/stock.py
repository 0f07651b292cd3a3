"""The step that sources and reserves: promised or backordered -> reserved, or backordered with what is missing.

Called by `flows.dispatch_wave`. The plan is made from one reading of the shelves and taken by conditional UPDATEs in
the same transaction: what another wave took in between makes the plan fail, never the stock negative.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from infra import clock
from infra.db.records import Promise, Request, Reservation, Stock
from infra.db.rows import add_rows
from infra.db.states import RequestState
from infra.ledger.changes import Change
from infra.ledger.claims import Fence, in_portions
from infra.policy.model import Commitment
from tasks import claimed
from tasks.claimed import RequestFacts
from tasks.desk import Desk, desk
from tasks.receipts import Receipt, write_receipts
from tasks.recorded_promises import latest_promises
from tasks.rules.sourcing import Backordered, Offer, Sourced, source, weight_g

ATTEMPTS = 5
"""Plans made before giving up: each failure means another wave took units between our reading and our writing."""


class Outrun(Exception):
    """Another wave took units between our reading and our writing: plan anew."""


class StockMoved(Exception):
    """Another wave kept taking the units this one had planned with; the next run tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    request: RequestFacts
    outcome: Sourced | Backordered


def reserve(fence: Fence) -> tuple[Change, ...]:
    """Reserve for every claimed promised or backordered request. Repeating it finds nothing to do."""
    at_desk = desk()
    for _ in range(ATTEMPTS):
        try:
            return _reserve_once(fence, at_desk)
        except Outrun:
            continue
    raise StockMoved(StockMoved.__doc__)


def _reserve_once(fence: Fence, at_desk: Desk) -> tuple[Change, ...]:
    with at_desk.database.write() as session:
        requests = claimed.held_by(session, fence, RequestState.PROMISED)
        # who has waited longest is served first
        waiting = claimed.held_by(session, fence, RequestState.BACKORDERED)
        plans, stopped = _plans(session, [*waiting, *requests], at_desk)
        was_waiting = {request.id for request in waiting}
        holds = [claimed.no_lane(request, before=_before(request, was_waiting)) for request in stopped]
        _take(session, plans)
        _write_reservations(session, plans)
        _write_moved_promises(session, plans, at_desk)
        changes = _changes(plans, was_waiting)
        claimed.move(session, changes, fence=fence, at_desk=at_desk)
        claimed.hold(session, holds, fence=fence, at_desk=at_desk)
        return (*changes, *(each.change for each in holds))


def _before(request: RequestFacts, was_waiting: set[int]) -> RequestState:
    return RequestState.BACKORDERED if request.id in was_waiting else RequestState.PROMISED


def _plans(
    session: Session, requests: Sequence[RequestFacts], at_desk: Desk
) -> tuple[list[Planned], list[RequestFacts]]:
    """A plan per request, and the requests that nothing leads to any more."""
    shelves = _shelves(session)
    promised = _promised(session, requests)
    plans: list[Planned] = []
    unreachable: list[RequestFacts] = []
    for request in requests:
        weight = weight_g(request.lines, at_desk.pack)
        offers = at_desk.promiser.offers(
            request.destination, request.approved_at, planned_at=clock.now(), weight_g=weight
        )
        if not offers:
            unreachable.append(request)
            continue
        commitment = Commitment(at_desk.pack.plan_by_code[request.plan].commitment)
        outcome = source(
            request.lines, offers, promised_on=promised[request.id], commitment=commitment,
            free=lambda depot, part: shelves[depot, part], pack=at_desk.pack,
        )  # fmt: skip
        if isinstance(outcome, Sourced):
            for supply in outcome.supplies:
                shelves[outcome.offer.depot, supply.part] -= supply.quantity
        plans.append(Planned(request=request, outcome=outcome))
    return plans, unreachable


def _shelves(session: Session) -> defaultdict[tuple[str, str], int]:
    shelves: defaultdict[tuple[str, str], int] = defaultdict(int)
    for depot, part, free in session.execute(select(Stock.depot, Stock.part, Stock.on_hand - Stock.allocated)):
        shelves[depot, part] = free
    return shelves


def _promised(session: Session, requests: Sequence[RequestFacts]) -> dict[int, date]:
    """Request -> the date promised first: a later revision is what became of it, not what was said."""
    found: dict[int, date] = {}
    for part in in_portions([request.id for request in requests]):
        query = select(Promise.request_id, Promise.commitment, Promise.ship_on, Promise.arrive_on)
        for request_id, commitment, ship_on, arrive_on in session.execute(
            query.where(Promise.request_id.in_(part), Promise.revision == 1)
        ):
            found[request_id] = ship_on if commitment == Commitment.SHIP else arrive_on
    return found


def _take(session: Session, plans: Sequence[Planned]) -> None:
    """Take all planned units, in the order of the key, so that no two waves deadlock. Raises `Outrun`."""
    wanted: Counter[tuple[str, str]] = Counter()
    for plan in plans:
        if isinstance(plan.outcome, Sourced):
            for supply in plan.outcome.supplies:
                wanted[plan.outcome.offer.depot, supply.part] += supply.quantity
    for (depot, part), units in sorted(wanted.items()):
        taken = session.execute(
            update(Stock)
            .where(Stock.depot == depot, Stock.part == part, Stock.allocated + units <= Stock.on_hand)
            .values(allocated=Stock.allocated + units)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE always gives a CursorResult
            raise Outrun


def _write_reservations(session: Session, plans: Sequence[Planned]) -> None:
    at = clock.now()
    rows = [
        {
            "request_id": plan.request.id, "line": supply.line, "partner": plan.request.partner,
            "depot": plan.outcome.offer.depot, "part": supply.part, "quantity": supply.quantity, "reserved_at": at,
            "instead_of": supply.asked if supply.asked != supply.part else None,
        }
        for plan in plans
        if isinstance(plan.outcome, Sourced)
        for supply in plan.outcome.supplies
    ]  # fmt: skip
    add_rows(session, Reservation, rows)
    by_depot: dict[str, list[int]] = defaultdict(list)
    for plan in plans:
        if isinstance(plan.outcome, Sourced):
            by_depot[plan.outcome.offer.depot].append(plan.request.id)
    for depot, ids in sorted(by_depot.items()):
        for part in in_portions(ids):
            session.execute(
                update(Request)
                .where(Request.id.in_(part))
                .values(depot=depot)
                .execution_options(synchronize_session=False)
            )


def _write_moved_promises(session: Session, plans: Sequence[Planned], at_desk: Desk) -> None:
    """A new receipt where the parts come from elsewhere than the promise was made from; the first one stays."""
    taken = {plan.request.id: plan for plan in plans if isinstance(plan.outcome, Sourced)}
    receipts = []
    for part in in_portions(sorted(taken)):
        latest = latest_promises(Request.id.in_(part))
        query = select(Promise).join(latest, latest.c.promise_id == Promise.id)
        for promised in session.scalars(query):
            plan = taken[promised.request_id]
            assert isinstance(plan.outcome, Sourced)
            if _differs(promised, plan.outcome.offer):
                receipts.append(_receipt(plan, plan.outcome, promised.revision + 1))
    write_receipts(session, receipts, at_desk=at_desk)


def _differs(promised: Promise, offer: Offer) -> bool:
    said = promised.depot, promised.service, promised.ship_on, promised.arrive_on
    return said != (offer.depot, offer.lane.service, offer.ship_on, offer.arrive_on)


def _receipt(plan: Planned, outcome: Sourced, revision: int) -> Receipt:
    return Receipt(
        request=plan.request, offer=outcome.offer, revision=revision, keeps_promise=outcome.keeps_promise,
        lost=outcome.lost, planned_at=clock.now(),
    )  # fmt: skip


def _changes(plans: Sequence[Planned], was_waiting: set[int]) -> tuple[Change, ...]:
    changes = []
    for plan in plans:
        before = _before(plan.request, was_waiting)
        if isinstance(plan.outcome, Backordered):
            if before is RequestState.BACKORDERED:
                continue  # said already; saying it every quarter of an hour helps nobody
            after, reason = RequestState.BACKORDERED, "out_of_stock"
            asked = {line.part: line.quantity for line in plan.request.lines}
            detail: dict[str, object] = {"missing": [[part, asked[part]] for part in plan.outcome.missing]}
        else:
            after, reason = RequestState.RESERVED, "" if plan.outcome.keeps_promise else "promise_moved"
            detail = _sourcing_detail(plan.outcome)
        changes.append(_change(plan.request, before, after, reason, detail))
    return tuple(changes)


def _change(
    request: RequestFacts, before: RequestState, after: RequestState, reason: str, detail: dict[str, object]
) -> Change:
    return Change(
        request_id=request.id, partner=request.partner, number=request.number,
        before=before, after=after, reason=reason, detail=detail,
    )  # fmt: skip


def _sourcing_detail(outcome: Sourced) -> dict[str, object]:
    detail: dict[str, object] = {"depot": outcome.offer.depot, "service": outcome.offer.lane.service}
    substitutes = {supply.asked: supply.part for supply in outcome.supplies if supply.asked != supply.part}
    if substitutes:
        detail["substitutes"] = substitutes
    return detail
