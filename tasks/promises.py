"""The step that promises: covered -> promised, with a receipt; held where no lane leads to the site.

Called by `flows.dispatch_wave`. The promise is what the best lane can do whatever the stock: what we then fail to keep
for want of a part shows as a moved promise and is not talked away.
"""

from __future__ import annotations

from infra.db.states import RequestState
from infra.ledger.changes import Change
from infra.ledger.claims import Fence
from infra.policy.model import Commitment
from tasks import claimed
from tasks.claimed import RequestFacts, StoppedRequest
from tasks.desk import Desk, desk
from tasks.receipts import Receipt, write_receipts
from tasks.rules.sourcing import best_promise, losing, weight_g


def promise(fence: Fence) -> tuple[Change, ...]:
    """Promise every claimed covered request. Repeating it finds nothing to do."""
    at_desk = desk()
    receipts: list[Receipt] = []
    moved: list[Change] = []
    stopped: list[StoppedRequest] = []
    with at_desk.database.write() as session:
        for request in claimed.held_by(session, fence, RequestState.COVERED):
            receipt = _receipt(request, at_desk)
            if receipt is None:
                stopped.append(claimed.no_lane(request, before=RequestState.COVERED))
            else:
                receipts.append(receipt)
                moved.append(_promised(receipt))
        write_receipts(session, receipts, at_desk=at_desk)
        claimed.move(session, moved, fence=fence, at_desk=at_desk)
        claimed.hold(session, stopped, fence=fence, at_desk=at_desk)
    return (*moved, *(each.change for each in stopped))


def _receipt(request: RequestFacts, at_desk: Desk) -> Receipt | None:
    weight = weight_g(request.lines, at_desk.pack)
    offers = at_desk.promiser.offers(request.destination, request.approved_at, weight_g=weight)
    if not offers:
        return None
    commitment = Commitment(at_desk.pack.plan_by_code[request.plan].commitment)
    best = best_promise(offers, commitment)
    return Receipt(request=request, offer=best, revision=1, keeps_promise=True, lost=losing(offers, best, commitment))


def _promised(receipt: Receipt) -> Change:
    return Change(
        request_id=receipt.request.id, partner=receipt.request.partner, number=receipt.request.number,
        before=RequestState.COVERED, after=RequestState.PROMISED,
        detail={"ship_on": receipt.offer.ship_on.isoformat(), "arrive_on": receipt.offer.arrive_on.isoformat()},
    )  # fmt: skip
