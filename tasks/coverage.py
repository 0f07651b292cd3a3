"""The step that decides coverage: approved -> covered, refused or held.

Called by `flows.dispatch_wave`. The judgement is `tasks.rules.coverage`; here its facts are fetched, set-based, and its
decisions written in one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, aliased

from infra.db.records import Certification, Contract, Request
from infra.db.states import RequestState
from infra.ledger.changes import Change
from infra.ledger.claims import Fence
from tasks import claimed
from tasks.claimed import RequestFacts, StoppedRequest
from tasks.desk import Desk, desk
from tasks.rules.coverage import Asked, ContractTerms, Coverage, Covered, Held, Refused, decide

NOT_OPEN = (RequestState.REFUSED, RequestState.CANCELLED, RequestState.CLOSED, RequestState.RETURNED)

ContractKey = tuple[str, str, str]
"""partner, plan, account"""


def cover(fence: Fence) -> tuple[Change, ...]:
    """Decide every claimed approved request. Repeating it finds nothing to do."""
    at_desk = desk()
    with at_desk.database.write() as session:
        requests = claimed.held_by(session, fence, RequestState.APPROVED)
        decisions = _decisions(session, requests, fence, at_desk)
        return write_decisions(session, decisions, fence=fence, at_desk=at_desk)


def _decisions(
    session: Session, requests: Sequence[RequestFacts], fence: Fence, at_desk: Desk
) -> list[tuple[RequestFacts, Coverage]]:
    contracts, zones = _contracts(session, requests)
    certified = _certifications(session, requests)
    twice = _open_elsewhere(session, fence)
    decisions = []
    for request in requests:
        key = (request.partner, request.plan, request.account)
        zone = zones.get(key, ZoneInfo("UTC"))
        asked = Asked(
            plan=request.plan,
            site=request.site,
            serial=request.serial,
            parts=tuple(line.part for line in request.lines),
            approved_on=request.approved_at.astimezone(zone).date(),
            onsite_wanted=request.onsite_wanted,
            open_elsewhere=twice.get(request.id),
        )
        terms = contracts.get(key, ())
        decision = decide(asked, contracts=terms, certified_until=certified[request.partner], pack=at_desk.pack)
        decisions.append((request, decision))
    return decisions


def _contracts(
    session: Session, requests: Sequence[RequestFacts]
) -> tuple[Mapping[ContractKey, Sequence[ContractTerms]], Mapping[ContractKey, ZoneInfo]]:
    terms: dict[ContractKey, list[ContractTerms]] = defaultdict(list)
    zones: dict[ContractKey, ZoneInfo] = {}
    partners = sorted({request.partner for request in requests})
    for contract in session.scalars(select(Contract).where(Contract.partner.in_(partners)).order_by(Contract.number)):
        key = (contract.partner, contract.plan, contract.account)
        zones[key] = ZoneInfo(contract.zone)
        terms[key].append(
            ContractTerms(
                number=contract.number,
                sites=tuple(contract.sites),
                categories=tuple(contract.categories),
                onsite=contract.onsite,
                starts_on=contract.starts_on,
                ends_on=contract.ends_on,
            )
        )
    return terms, zones


def _certifications(session: Session, requests: Sequence[RequestFacts]) -> Mapping[str, Mapping[str, date]]:
    found: dict[str, dict[str, date]] = defaultdict(dict)
    partners = sorted({request.partner for request in requests})
    for held in session.scalars(select(Certification).where(Certification.partner.in_(partners))):
        found[held.partner][held.family] = held.until
    return found


def _open_elsewhere(session: Session, fence: Fence) -> dict[int, str]:
    """Claimed request -> number of the earliest open request of the partner for the same serial that came before it."""
    earlier = aliased(Request)
    first = (
        select(Request.id, func.min(earlier.id))
        .join(earlier, tuple_(earlier.partner, earlier.serial) == tuple_(Request.partner, Request.serial))
        .where(Request.fence == fence.number, Request.state == RequestState.APPROVED)
        .where(earlier.id < Request.id, earlier.state.not_in(NOT_OPEN))
        .group_by(Request.id)
    )
    of = {request_id: other for request_id, other in session.execute(first)}
    numbers = {
        request_id: number
        for request_id, number in session.execute(
            select(Request.id, Request.number).where(Request.id.in_(sorted(set(of.values()))))
        )
    }
    return {request_id: numbers[other] for request_id, other in of.items()}


def write_decisions(
    session: Session, decisions: Sequence[tuple[RequestFacts, Coverage]], *, fence: Fence, at_desk: Desk
) -> tuple[Change, ...]:
    moved = [_change(request, decision) for request, decision in decisions if not isinstance(decision, Held)]
    stopped = [_stopped(request, decision) for request, decision in decisions if isinstance(decision, Held)]
    claimed.move(session, moved, fence=fence, at_desk=at_desk)
    claimed.hold(session, stopped, fence=fence, at_desk=at_desk)
    return (*moved, *(each.change for each in stopped))


def _change(request: RequestFacts, decision: Covered | Refused) -> Change:
    if isinstance(decision, Refused):
        after, reason = RequestState.REFUSED, decision.rule
        detail = {**decision.evidence, "words": decision.words}
    else:
        after, reason = RequestState.COVERED, ""
        detail = {"contract": decision.contract, "onsite": decision.onsite}
    return Change(
        request_id=request.id, partner=request.partner, number=request.number,
        before=RequestState.APPROVED, after=after, reason=reason, detail=detail,
    )  # fmt: skip


def _stopped(request: RequestFacts, decision: Held) -> StoppedRequest:
    change = Change(
        request_id=request.id, partner=request.partner, number=request.number,
        before=RequestState.APPROVED, after=RequestState.HELD, reason=decision.rule, detail=decision.evidence,
    )  # fmt: skip
    return StoppedRequest(
        change=change, words=decision.words, owner=decision.owner, next_step=decision.next_step,
        resume_state=RequestState.COVERED,
    )  # fmt: skip
