"""Writing promise receipts: shared by the step that promises and the step that sources.

A receipt keeps the working, the versions it was computed by and the depots that lost, so that anybody can be told why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from infra import clock
from infra.db.records import Promise
from infra.db.rows import add_rows
from infra.policy.model import Commitment
from tasks.claimed import RequestFacts
from tasks.desk import Desk
from tasks.rules.sourcing import Lost, Offer, stands_for_nbd


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    request: RequestFacts
    offer: Offer
    revision: int
    keeps_promise: bool
    lost: tuple[Lost, ...]
    planned_at: datetime | None = None
    """Where what could still be done then decides, and not the approval."""


def write_receipts(session: Session, receipts: Sequence[Receipt], *, at_desk: Desk) -> None:
    """Insert the receipts, each with its full working."""
    if receipts:
        add_rows(session, Promise, [_row(receipt, at_desk) for receipt in receipts])


def _row(receipt: Receipt, at_desk: Desk) -> dict[str, object]:
    request, offer = receipt.request, receipt.offer
    commitment = Commitment(at_desk.pack.plan_by_code[request.plan].commitment)
    working = at_desk.promiser.working(
        offer.lane, request.destination, request.approved_at, planned_at=receipt.planned_at
    )
    return {
        "partner": request.partner,
        "request_id": request.id,
        "revision": receipt.revision,
        "commitment": str(commitment),
        "ship_on": offer.ship_on,
        "arrive_on": offer.arrive_on,
        "provisional": offer.provisional,
        "keeps_nbd": receipt.keeps_promise and stands_for_nbd(offer.lane, commitment),
        "depot": offer.depot,
        "service": offer.lane.service,
        "cutoff_at": working.cutoff_at,
        "versions": {**working.versions, "policy": at_desk.pack.version},
        "trace": list(working.trace),
        "alternatives": [asdict(lost) for lost in receipt.lost],
        "made_at": clock.now(),
    }
