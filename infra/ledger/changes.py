"""Advancing rows: every change of a request's state goes through here.

The UPDATE names the state it expects and the fence it was claimed under; if it does not hit every row it was meant for,
another run has taken over and the whole step is rolled back. The audit entries are written in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from infra.db.records import Request
from infra.db.states import RequestState, require_step
from infra.ledger import audit
from infra.ledger.claims import Fence, in_portions


class StaleFence(Exception):
    """Another run has claimed these rows since. Nothing of this step was kept; that run goes on from the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One request goes from one state to the next, for a reason."""

    request_id: int
    partner: str
    number: str
    before: RequestState
    after: RequestState
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def advance(session: Session, changes: Sequence[Change], *, fence: Fence, actor: str, at: datetime) -> None:
    """Move requests under `fence`, and write it down. Raises `StaleFence`, `ForbiddenStep`."""
    groups: dict[tuple[RequestState, RequestState], list[int]] = defaultdict(list)
    for change in changes:
        groups[change.before, change.after].append(change.request_id)
    for (before, after), ids in groups.items():
        require_step(before, after)
        _move(session, ids, before, after, fence=fence, at=at)
    audit.append(session, [_deed(change) for change in changes], actor=actor, at=at)


def _move(
    session: Session, ids: Sequence[int], before: RequestState, after: RequestState, *, fence: Fence, at: datetime
) -> None:
    moved = 0
    for part in in_portions(ids):
        moved += session.execute(
            update(Request)
            .where(Request.id.in_(part), Request.state == before, Request.fence == fence.number)
            .values(state=after, state_since=at)
            .execution_options(synchronize_session=False)
        ).rowcount  # type: ignore[attr-defined]  # an UPDATE always gives a CursorResult
    if moved != len(ids):
        raise StaleFence(f"{len(ids) - moved} of {len(ids)} requests are no longer {before} under fence {fence.number}")


def _deed(change: Change) -> audit.Deed:
    detail = {**change.detail, "reason": change.reason} if change.reason else change.detail
    return audit.Deed(
        partner=change.partner,
        kind="request",
        object_id=change.request_id,
        action=f"{change.before}>{change.after}",
        detail=detail,
    )
