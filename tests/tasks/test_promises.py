"""The step that promises: one receipt per request, held where no lane leads, nothing done twice."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete

from infra.db.engine import Database
from infra.db.records import Promise, Stock
from infra.db.states import RequestState
from infra.ledger.claims import Fence
from tasks import coverage, promises
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.scenes import COPENHAGEN, FRIDAY, HANDSET, MONDAY

pytestmark = pytest.mark.usefixtures("at_desk")


def _covered(database: Database, **changes: Any) -> Fence:
    scenes.approved(database)
    with database.write() as session:
        makers.request(session, lines={HANDSET: 1}, **changes)
    fence = scenes.open_run()
    coverage.cover(fence)
    return fence


def test_promised_from_the_best_lane(database: Database) -> None:
    """Approved at 09:30 on Friday in Copenhagen, cut-off 15:00: ships that day, arrives on Monday, for 9.90."""
    (change,) = promises.promise(_covered(database))
    (receipt,) = scenes.receipts(database)

    assert (change.before, change.after) == (RequestState.COVERED, RequestState.PROMISED)
    assert change.detail == {"ship_on": "2026-11-20", "arrive_on": "2026-11-23"}
    assert (receipt.revision, receipt.commitment) == (1, "arrive")
    assert (receipt.depot, receipt.service) == (COPENHAGEN, "ups:express_saver")
    assert (receipt.ship_on, receipt.arrive_on) == (FRIDAY, MONDAY)
    assert (receipt.keeps_nbd, receipt.provisional) == (True, False)
    assert receipt.made_at == NOON
    assert scenes.audited(database)[-1] == "covered>promised"


def test_stock_does_not_decide_the_promise(database: Database) -> None:
    """With every shelf empty the promise is the same: what we fail to keep for want of a part shows later."""
    fence = _covered(database)
    with database.write() as session:
        session.execute(delete(Stock))
    promises.promise(fence)

    assert scenes.receipts(database)[0].depot == COPENHAGEN


def test_promising_twice_does_nothing(database: Database) -> None:
    """The second call finds no covered request: one receipt stays one."""
    fence = _covered(database)
    promises.promise(fence)

    assert promises.promise(fence) == ()
    assert len(scenes.rows(database, Promise)) == 1


def test_no_lane_is_held_for_operations(database: Database) -> None:
    """Iceland has a calendar and no lane: the request is held with the address, not failed."""
    fence = _covered(database, country="IS", postal_code="101")
    (change,) = promises.promise(fence)
    held = scenes.only_hold(database)

    assert (change.after, change.reason) == (RequestState.HELD, "no_lane")
    assert (held.owner, held.resume_state) == ("operations", RequestState.COVERED)
    assert held.words == "No lane of the policy pack leads to IS 101."
    assert held.next_step == "Add the lane to the policy pack and release, or refuse the request."
    assert held.evidence == {"country": "IS", "postal_code": "101", "depot": None}
    assert scenes.rows(database, Promise) == []


def test_one_without_lane_does_not_stop_the_others(database: Database) -> None:
    """A wave with one unreachable address promises the rest."""
    scenes.approved(database, "R-1")
    with database.write() as session:
        makers.request(session, "R-2", lines={HANDSET: 1}, country="IS", postal_code="101")
    fence = scenes.open_run()
    coverage.cover(fence)
    promises.promise(fence)

    assert scenes.states(database) == {"R-1": RequestState.PROMISED, "R-2": RequestState.HELD}


def test_nothing_is_kept_of_a_step_that_fails(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receipts and states stand in one transaction."""
    fence = _covered(database)

    def fail(*_given: object, **_more: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr("infra.ledger.audit.append", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        promises.promise(fence)

    assert scenes.rows(database, Promise) == []
    assert scenes.states(database) == {"R-1": RequestState.COVERED}
