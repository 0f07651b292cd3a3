"""Claims: one run at a time may advance a row, and a run that was thought dead changes nothing.

A claim's id is the fence. Rows claimed carry it with a lease; every later change names it. A lease ends by time, or
at once when its holder was a process of this machine that is gone: waiting would only lose minutes before a cut-off.
Called by `tasks.waves`, `tasks.shipments` and `tasks.outbox`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import ColumnElement

from infra.db.records import Booking, Claim, OutboxMessage, Request

LEASE = timedelta(minutes=10)
"""Longer than any step of a wave; renewed by every step."""

ClaimableRecord = type[Request] | type[Booking] | type[OutboxMessage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The right to advance the rows claimed under `number`, until `lease_until` (UTC)."""

    number: int
    lease_until: datetime


def this_host() -> str:
    return socket.gethostname()


def this_process() -> str:
    """Pid and start time, so that a pid given out again is not taken for the old holder."""
    return f"{os.getpid()}.{_started(os.getpid())}"


def is_gone(host: str, process: str) -> bool:
    """The holder was on this machine and is certainly not running any more; other machines are never judged."""
    if host != this_host():
        return False
    pid, _, started = process.partition(".")
    return _started(int(pid)) != started


def _started(pid: int) -> str:
    try:
        # the 22nd field of stat, counted after the command, which may hold spaces and brackets
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return "gone"


def take(session: Session, *, purpose: str, at: datetime) -> Fence:
    """A new claim, with no rows yet."""
    claim = Claim(purpose=purpose, host=this_host(), process=this_process(), taken_at=at)
    session.add(claim)
    session.flush()
    return Fence(number=claim.id, lease_until=at + LEASE)


def is_free(record: ClaimableRecord, session: Session, *, at: datetime) -> ColumnElement[bool]:
    """Rows nobody holds at `at`: never claimed, given back, lease over, or holder gone."""
    gone = _fences_of_the_gone(session, record)
    free = or_(record.lease_until.is_(None), record.lease_until < at)
    return or_(free, record.fence.in_(gone)) if gone else free


def _fences_of_the_gone(session: Session, record: ClaimableRecord) -> list[int]:
    fence: InstrumentedAttribute[int] = record.fence
    held = select(fence).where(record.lease_until.is_not(None)).distinct()
    holders = session.execute(select(Claim.id, Claim.host, Claim.process).where(Claim.id.in_(held))).all()
    return [number for number, host, process in holders if is_gone(host, process)]


def claim_rows(session: Session, record: ClaimableRecord, ids: Sequence[int], fence: Fence) -> None:
    """Put the fence on rows that were selected as free in this same transaction."""
    for part in in_portions(ids):
        session.execute(
            update(record)
            .where(record.id.in_(part))
            .values(fence=fence.number, lease_until=fence.lease_until)
            .execution_options(synchronize_session=False)
        )


def renew(session: Session, record: ClaimableRecord, fence: Fence, *, at: datetime) -> None:
    session.execute(
        update(record)
        .where(record.fence == fence.number, record.lease_until.is_not(None))
        .values(lease_until=at + LEASE)
        .execution_options(synchronize_session=False)
    )


def give_back(session: Session, record: ClaimableRecord, fence: Fence) -> None:
    """End the lease on every row still held; the fence stays, as a mark of who touched it last."""
    session.execute(
        update(record)
        .where(record.fence == fence.number, record.lease_until.is_not(None))
        .values(lease_until=None)
        .execution_options(synchronize_session=False)
    )


PORTION = 5_000
"""Ids in one statement: far below the drivers' limits (SQLite 32,766, PostgreSQL 65,535 parameters)."""


def in_portions(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + PORTION] for start in range(0, len(ids), PORTION)]
