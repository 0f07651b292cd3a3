"""What a run holds, and that moving and holding write everything that goes with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from infra import clock
from infra.db.engine import Database
from infra.db.records import AuditEntry, Hold, Request
from infra.db.states import ForbiddenStep, RequestState
from infra.ledger.changes import Change, StaleFence
from infra.ledger.claims import Fence
from tasks import claimed, waves
from tasks.claimed import RequestFacts, StoppedRequest
from tasks.desk import Desk
from tasks.rules.promising import Site
from tasks.rules.sourcing import Wanted
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.scenes import HANDSET, STAND

pytestmark = pytest.mark.usefixtures("at_desk")


def _held(database: Database, fence: Fence, *states: RequestState) -> list[RequestFacts]:
    with database.read() as session:
        return claimed.held_by(session, fence, *states)


def _change(request_id: int, after: RequestState = RequestState.HELD) -> Change:
    return Change(
        request_id=request_id, partner="nordlyd", number="R-1", before=RequestState.APPROVED, after=after,
        reason="certification", detail={"family": "sonata"},
    )  # fmt: skip


def _stopped(request_id: int, **changes: str) -> StoppedRequest:
    words = {"words": "Because.", "owner": "contracts", "next_step": "Decide."} | changes
    return StoppedRequest(change=_change(request_id), resume_state=RequestState.COVERED, **words)


def test_facts_carry_lines_in_order(database: Database) -> None:
    """Every line once, by its number, and where it is wanted; nobody's name or street."""
    with database.write() as session:
        makers.partner(session)
        makers.request(session, lines={STAND: 2, HANDSET: 1}, subdivision="84")
    (facts,) = _held(database, scenes.open_run(), RequestState.APPROVED)

    assert facts.lines == (Wanted(line=1, part=STAND, quantity=2), Wanted(line=2, part=HANDSET, quantity=1))
    assert facts.destination == Site(country="DK", subdivision="84", postal_code="2100", city="København Ø")
    assert facts.approved_at == makers.APPROVED_AT
    assert "Holm" not in repr(facts)
    assert "Strandvejen" not in repr(facts)


def test_requests_come_in_the_order_they_came_in(database: Database) -> None:
    """By id, whatever their numbers sort like."""
    scenes.approved(database, "R-9", "R-1", "R-5")

    assert [each.number for each in _held(database, scenes.open_run(), RequestState.APPROVED)] == ["R-9", "R-1", "R-5"]


@pytest.mark.parametrize(
    ("depot", "words"),
    [
        pytest.param(None, "No lane of the policy pack leads to DK 2100.", id="from-nowhere"),
        pytest.param("DK-CPH", "No lane of the policy pack leads from DK-CPH to DK 2100.", id="from-one-depot"),
    ],
)
def test_without_lane_it_goes_on_where_it_stood(database: Database, depot: str | None, words: str) -> None:
    """The hold says between which places, is for operations, and resumes in the state it stopped; nobody is named."""
    scenes.approved(database, "R-1")
    (facts,) = _held(database, scenes.open_run(), RequestState.APPROVED)
    stopped = claimed.no_lane(facts, before=RequestState.RESERVED, depot=depot)

    assert (stopped.words, stopped.owner, stopped.resume_state) == (words, "operations", RequestState.RESERVED)
    assert (stopped.change.before, stopped.change.after) == (RequestState.RESERVED, RequestState.HELD)
    assert stopped.change.detail == {"country": "DK", "postal_code": "2100", "depot": depot}


def test_given_back_rows_are_not_held(database: Database) -> None:
    """The fence stays on a row that was given back, but the run does not hold it any more."""
    scenes.approved(database, "R-1")
    fence = scenes.open_run()
    waves.close_wave(fence)

    assert _held(database, fence, RequestState.APPROVED) == []


def test_other_states_are_not_seen(database: Database) -> None:
    """Only the states a step asks for."""
    scenes.approved(database, "R-1")

    assert _held(database, scenes.open_run(), RequestState.COVERED, RequestState.BOOKED) == []


def test_renewing_pushes_the_lease(database: Database) -> None:
    """Nine minutes into a ten-minute lease a step renews: nobody takes the row at minute eleven."""
    scenes.approved(database, "R-1")
    fence = scenes.open_run()
    with clock.held(NOON + timedelta(minutes=9)), database.write() as session:
        claimed.renew(session, fence)
    with clock.held(NOON + timedelta(minutes=11)):
        other = waves.open_wave()

    assert other.requests == 0


def test_holding_writes_all_of_it(at_desk: Desk, database: Database) -> None:
    """State, hold, letter and log, signed by the desk's actor, in one go."""
    scenes.approved(database, "R-1")
    fence = scenes.open_run()
    (request,) = scenes.rows(database, Request)
    with database.write() as session:
        claimed.hold(session, [_stopped(request.id)], fence=fence, at_desk=at_desk)
    held = scenes.only_hold(database)
    (entry,) = scenes.rows(database, AuditEntry)

    assert scenes.states(database) == {"R-1": RequestState.HELD}
    assert (held.partner, held.request_id, held.reason) == ("nordlyd", request.id, "certification")
    assert (entry.actor, entry.action) == ("a-test", "approved>held")
    assert entry.detail == {"family": "sonata", "reason": "certification"}
    assert scenes.told(database) == [f"held/{request.id}/1/partner"]


def test_long_words_are_cut(at_desk: Desk, database: Database) -> None:
    """A carrier's essay does not fail the step: 500 and 300 characters are kept."""
    scenes.approved(database, "R-1")
    fence = scenes.open_run()
    (request,) = scenes.rows(database, Request)
    with database.write() as session:
        stopped = _stopped(request.id, words="w" * 900, next_step="n" * 900)
        claimed.hold(session, [stopped], fence=fence, at_desk=at_desk)
    held = scenes.only_hold(database)

    assert (len(held.words), len(held.next_step)) == (500, 300)


def test_a_stale_run_holds_nothing(at_desk: Desk, database: Database) -> None:
    """Another run has the row: no hold, no letter, no log."""
    scenes.approved(database, "R-1")
    asleep = scenes.open_run()
    (request,) = scenes.rows(database, Request)
    with clock.held(NOON + timedelta(minutes=11)):
        scenes.open_run()
    with pytest.raises(StaleFence), database.write() as session:
        claimed.hold(session, [_stopped(request.id)], fence=asleep, at_desk=at_desk)

    assert scenes.rows(database, Hold) == []
    assert scenes.told(database) == []
    assert scenes.audited(database) == []


def test_forbidden_steps_are_refused(at_desk: Desk, database: Database) -> None:
    """approved cannot jump to booked through this door either."""
    scenes.approved(database, "R-1")
    fence = scenes.open_run()
    (request,) = scenes.rows(database, Request)

    with pytest.raises(ForbiddenStep), database.write() as session:
        claimed.move(session, [_change(request.id, RequestState.BOOKED)], fence=fence, at_desk=at_desk)


def test_held_twice_is_told_twice(at_desk: Desk, database: Database) -> None:
    """A request held again after it was let go is another occasion; a second open hold is impossible."""
    scenes.approved(database, "R-1")
    fence = scenes.open_run()
    (request,) = scenes.rows(database, Request)
    for _ in range(2):
        with database.write() as session:
            claimed.hold(session, [_stopped(request.id)], fence=fence, at_desk=at_desk)
            session.flush()
            session.execute(update(Hold).values(closed_at=NOON))
            session.execute(update(Request).values(state=RequestState.APPROVED))

    assert scenes.told(database) == [f"held/{request.id}/{times}/partner" for times in (1, 2)]
