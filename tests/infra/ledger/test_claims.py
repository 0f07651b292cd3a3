"""One run at a time advances a row, and a run thought dead changes nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select

from infra.db.engine import Database
from infra.db.records import Claim, Request
from infra.db.states import ForbiddenStep, RequestState, require_step
from infra.ledger import claims
from infra.ledger.changes import Change, StaleFence, advance
from tests import makers
from tests.conftest import NOON


def _one_request(database: Database) -> int:
    with database.write() as session:
        makers.partner(session)
        return makers.request(session).id


def _claim(database: Database, request_id: int, *, at=NOON) -> claims.Fence:
    with database.write() as session:
        fence = claims.take(session, purpose="dispatch-wave", at=at)
        claims.claim_rows(session, Request, [request_id], fence)
    return fence


def _free(database: Database, *, at=NOON) -> list[int]:
    with database.read() as session:
        return list(session.scalars(select(Request.id).where(claims.is_free(Request, session, at=at))))


def _covered(request_id: int) -> Change:
    return Change(
        request_id=request_id, partner="nordlyd", number="R-1",
        before=RequestState.APPROVED, after=RequestState.COVERED,
    )  # fmt: skip


def test_a_claimed_row_is_not_free(database: Database) -> None:
    """While the lease runs and its holder lives, nobody else sees the row."""
    request_id = _one_request(database)
    assert _free(database) == [request_id]
    _claim(database, request_id)

    assert _free(database) == []


def test_a_lease_ends_by_time(database: Database) -> None:
    """The exact end still belongs to the holder; a microsecond later the row is free."""
    request_id = _one_request(database)
    fence = _claim(database, request_id)

    assert _free(database, at=fence.lease_until) == []
    assert _free(database, at=fence.lease_until + timedelta(microseconds=1)) == [request_id]


def test_the_lease_of_a_dead_process_ends_at_once(database: Database) -> None:
    """A holder of this machine that is gone is not waited for."""
    request_id = _one_request(database)
    fence = _claim(database, request_id)
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    with database.write() as session:
        session.get_one(Claim, fence.number).process = f"{ended.pid}.12345"

    assert _free(database) == [request_id]


def test_a_holder_on_another_machine_is_never_judged(database: Database) -> None:
    """Only the clock ends a lease whose process cannot be seen."""
    request_id = _one_request(database)
    fence = _claim(database, request_id)
    with database.write() as session:
        held = session.get_one(Claim, fence.number)
        held.host, held.process = "elsewhere", "1.1"

    assert _free(database) == []


def test_a_given_back_row_is_free_and_keeps_its_fence(database: Database) -> None:
    """The next claim is higher, so the old holder stays locked out."""
    request_id = _one_request(database)
    first = _claim(database, request_id)
    with database.write() as session:
        claims.give_back(session, Request, first)
    second = _claim(database, request_id)

    assert second.number > first.number


def test_fences_never_come_back(database: Database) -> None:
    """Deleting the newest claim does not let its number out again."""
    request_id = _one_request(database)
    first = _claim(database, request_id)
    with database.write() as session:
        session.delete(session.get_one(Claim, first.number))
    second = _claim(database, request_id)

    assert second.number > first.number


def test_a_stale_run_changes_nothing(database: Database) -> None:
    """A run that slept through its lease is refused, and its whole step rolled back."""
    request_id = _one_request(database)
    asleep = _claim(database, request_id)
    awake = _claim(database, request_id, at=NOON + timedelta(hours=1))

    with pytest.raises(StaleFence), database.write() as session:
        advance(session, [_covered(request_id)], fence=asleep, actor="asleep", at=NOON)
    with database.write() as session:
        advance(session, [_covered(request_id)], fence=awake, actor="awake", at=NOON)
    with database.read() as session:
        assert session.get_one(Request, request_id).state == RequestState.COVERED


def test_a_step_cannot_be_made_twice(database: Database) -> None:
    """The state the UPDATE expects is gone after the first time."""
    request_id = _one_request(database)
    fence = _claim(database, request_id)
    with database.write() as session:
        advance(session, [_covered(request_id)], fence=fence, actor="run", at=NOON)

    with pytest.raises(StaleFence), database.write() as session:
        advance(session, [_covered(request_id)], fence=fence, actor="run", at=NOON)


class TestSteps:
    def test_a_parcel_is_not_booked_before_its_part_is_reserved(self) -> None:
        """approved cannot jump to booking, and the error says what may follow."""
        with pytest.raises(ForbiddenStep, match="covered"):
            require_step(RequestState.APPROVED, RequestState.BOOKING)

    @pytest.mark.parametrize("before", [RequestState.APPROVED, RequestState.BOOKING, RequestState.PICKED])
    def test_everything_before_tendered_can_be_held(self, before: RequestState) -> None:
        """An operator can stop a request until the carrier has it."""
        require_step(before, RequestState.HELD)

    @pytest.mark.parametrize("before", [RequestState.TENDERED, RequestState.DELIVERED, RequestState.CLOSED])
    def test_nothing_tendered_can_be_cancelled(self, before: RequestState) -> None:
        """What the carrier has cannot be undone by a word in our database."""
        with pytest.raises(ForbiddenStep):
            require_step(before, RequestState.CANCELLED)
