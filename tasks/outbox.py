"""Writing to the outbox: who must be told what, in the transaction that made it true.

Shared by the steps that refuse, hold, backorder and release; `tasks.notices` delivers. `occasion` is unique in the
database: a step that runs twice cannot tell anybody twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from infra import clock
from infra.db.records import OutboxMessage, Partner, Request
from infra.db.rows import add_rows
from infra.db.states import RequestState
from infra.ledger.changes import Change
from infra.ledger.claims import in_portions

TOLD_TO_THE_PARTNER = {
    RequestState.REFUSED: "refused",
    RequestState.HELD: "held",
    RequestState.BACKORDERED: "backordered",
}
"""States a partner hears of the moment they are reached; dispatch is told by the release of the wave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One message to one reader. `facts` say everything the letter needs and nothing about its looks."""

    occasion: str
    kind: str
    recipient: str
    language: str
    partner: str | None = None
    request_id: int | None = None
    wave_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def tell(session: Session, tellings: Sequence[Telling]) -> None:
    """Put messages into the outbox, due now."""
    if not tellings:
        return
    at = clock.now()
    rows = [
        {
            "occasion": each.occasion, "channel": "email", "kind": each.kind, "recipient": each.recipient,
            "language": each.language, "partner": each.partner, "request_id": each.request_id,
            "wave_id": each.wave_id, "facts": each.facts, "state": "due", "due_at": at, "written_at": at,
        }
        for each in tellings
    ]  # fmt: skip
    add_rows(session, OutboxMessage, rows)


def tell_partners(session: Session, changes: Sequence[Change]) -> None:
    """Tell the partners of requests that were refused, held or backordered."""
    told = [change for change in changes if change.after in TOLD_TO_THE_PARTNER]
    if not told:
        return
    partners = {partner.code: partner for partner in session.scalars(select(Partner))}
    plans = _plans(session, [change.request_id for change in told])
    earlier = _times_told(session, [change.request_id for change in told])
    tell(
        session,
        [
            Telling(
                occasion=f"{kind}/{change.request_id}/{earlier.get((change.request_id, kind), 0) + 1}/partner",
                kind=kind,
                recipient=partners[change.partner].email,
                language=partners[change.partner].language,
                partner=change.partner,
                request_id=change.request_id,
                facts={
                    "request": change.number,
                    "plan": plans[change.request_id],
                    "reason": change.reason,
                    "missing": change.detail.get("missing", []),
                },
            )
            for change in told
            for kind in [TOLD_TO_THE_PARTNER[change.after]]
        ],
    )


def _plans(session: Session, ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for part in in_portions(ids):
        rows = session.execute(select(Request.id, Request.plan).where(Request.id.in_(part)))
        found |= {request_id: plan for request_id, plan in rows}
    return found


def _times_told(session: Session, ids: Sequence[int]) -> dict[tuple[int, str], int]:
    """A request held a second time is told a second time: that is another occasion."""
    counts: dict[tuple[int, str], int] = {}
    for part in in_portions(ids):
        query = select(OutboxMessage.request_id, OutboxMessage.kind).where(OutboxMessage.request_id.in_(part))
        for request_id, kind in session.execute(query):
            if request_id is not None:
                counts[request_id, kind] = counts.get((request_id, kind), 0) + 1
    return counts
