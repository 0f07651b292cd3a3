"""What a run holds, and the two ways it moves a request: on, or to a person.

Shared by the steps of a wave (`tasks.coverage`, `promises`, `stock`, `shipments`, `pick_lists`); knows none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from infra import clock
from infra.db.records import Consignee, Hold, Request, RequestLine
from infra.db.states import RequestState
from infra.ledger import claims
from infra.ledger.changes import Change, advance
from infra.ledger.claims import Fence
from tasks.desk import Desk
from tasks.outbox import tell_partners
from tasks.rules.promising import Site
from tasks.rules.sourcing import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What the steps of a wave read of a request. No personal data."""

    id: int
    partner: str
    number: str
    plan: str
    account: str
    site: str | None
    serial: str | None
    onsite_wanted: bool
    approved_at: datetime
    destination: Site
    depot: str | None
    lines: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedRequest:
    """A hold to be opened: why, whose it is, what they do, and where the request goes on afterwards."""

    change: Change
    words: str
    owner: str
    next_step: str
    resume_state: RequestState


def held_by(session: Session, fence: Fence, *states: RequestState) -> list[RequestFacts]:
    """The run's requests in `states`, in the order they came in."""
    mine = [Request.fence == fence.number, Request.lease_until.is_not(None), Request.state.in_(states)]
    lines: dict[int, list[Wanted]] = {}
    for request_id, line, part, quantity in session.execute(
        select(RequestLine.request_id, RequestLine.line, RequestLine.part, RequestLine.quantity)
        .join(Request, Request.id == RequestLine.request_id)
        .where(*mine)
        .order_by(RequestLine.request_id, RequestLine.line)
    ):
        lines.setdefault(request_id, []).append(Wanted(line=line, part=part, quantity=quantity))
    rows = session.execute(
        select(
            Request.id, Request.partner, Request.number, Request.plan, Request.account, Request.site, Request.serial,
            Request.onsite_wanted, Request.approved_at, Request.country, Request.subdivision, Request.postal_code,
            Consignee.city, Request.depot,
        )
        .join(Consignee, Consignee.request_id == Request.id)
        .where(*mine)
        .order_by(Request.id)
    )  # fmt: skip
    return [_facts(row, tuple(lines[row.id])) for row in rows]


def _facts(row: Row[*tuple[Any, ...]], lines: tuple[Wanted, ...]) -> RequestFacts:
    return RequestFacts(
        id=row.id, partner=row.partner, number=row.number, plan=row.plan, account=row.account, site=row.site,
        serial=row.serial, onsite_wanted=row.onsite_wanted, approved_at=row.approved_at, depot=row.depot, lines=lines,
        destination=Site(
            country=row.country, subdivision=row.subdivision, postal_code=row.postal_code, city=row.city
        ),
    )  # fmt: skip


def no_lane(request: RequestFacts, *, before: RequestState, depot: str | None = None) -> StoppedRequest:
    """The hold of a request that no lane of the policy pack leads to, or leads to any more."""
    to = request.destination
    change = Change(
        request_id=request.id, partner=request.partner, number=request.number, before=before,
        after=RequestState.HELD, reason="no_lane",
        detail={"country": to.country, "postal_code": to.postal_code, "depot": depot},
    )  # fmt: skip
    start = f" from {depot}" if depot else ""
    return StoppedRequest(
        change=change,
        words=f"No lane of the policy pack leads{start} to {to.country} {to.postal_code}.",
        owner="operations",
        next_step="Add the lane to the policy pack and release, or refuse the request.",
        resume_state=before,
    )


def renew(session: Session, fence: Fence) -> None:
    """Push the lease of the run's rows: called by every step that may take long."""
    claims.renew(session, Request, fence, at=clock.now())


def move(session: Session, changes: Sequence[Change], *, fence: Fence, at_desk: Desk) -> None:
    """`advance`, signed by this desk's actor, now; partners hear of refusals, holds and backorders with it."""
    advance(session, changes, fence=fence, actor=at_desk.actor, at=clock.now())
    tell_partners(session, changes)


def hold(session: Session, stopped: Sequence[StoppedRequest], *, fence: Fence, at_desk: Desk) -> None:
    """Stop requests with a reason, an owner and a next step each."""
    at = clock.now()
    move(session, [each.change for each in stopped], fence=fence, at_desk=at_desk)
    session.add_all(
        Hold(
            partner=each.change.partner,
            request_id=each.change.request_id,
            reason=each.change.reason,
            words=each.words[:500],
            owner=each.owner,
            next_step=each.next_step[:300],
            resume_state=each.resume_state,
            evidence=each.change.detail,
            opened_at=at,
        )
        for each in stopped
    )
