"""The step around the coverage rules: facts fetched, decisions written in one transaction, partners told."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from infra import clock
from infra.db.engine import Database
from infra.db.records import Certification, Contract, Hold, Request
from infra.db.states import RequestState
from infra.ledger import audit
from tasks import coverage, waves
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.scenes import HANDSET

pytestmark = pytest.mark.usefixtures("at_desk")


def test_covered_names_its_contract(database: Database) -> None:
    """The change and the audit carry the contract's number and whether somebody comes to install."""
    scenes.approved(database, "R-1")
    (change,) = coverage.cover(scenes.open_run())

    assert (change.before, change.after) == (RequestState.APPROVED, RequestState.COVERED)
    assert change.detail == {"contract": "C-1", "onsite": False}
    assert scenes.states(database) == {"R-1": RequestState.COVERED}
    assert scenes.audited(database) == ["approved>covered"]
    assert scenes.told(database) == []


def test_refused_is_told_and_written_down(database: Database) -> None:
    """No contract: refused with the rule as reason, the partner told once, the log whole."""
    scenes.approved(database, "R-1")
    with database.write() as session:
        session.execute(delete(Contract))
    (change,) = coverage.cover(scenes.open_run())
    with database.read() as session:
        breaks = audit.verify(session)

    assert (change.after, change.reason) == (RequestState.REFUSED, "no_contract")
    assert scenes.states(database) == {"R-1": RequestState.REFUSED}
    assert scenes.told(database) == [f"refused/{change.request_id}/1/partner"]
    assert scenes.audited(database) == ["approved>refused"]
    assert breaks == []


def test_held_has_owner_and_next_step(database: Database) -> None:
    """A missing certification stops the request with everything a person needs to decide."""
    scenes.approved(database, "R-1")
    with database.write() as session:
        session.execute(delete(Certification).where(Certification.family == "sonata"))
    (change,) = coverage.cover(scenes.open_run())
    held = scenes.only_hold(database)

    assert (change.after, change.reason) == (RequestState.HELD, "certification")
    assert (held.reason, held.owner, held.resume_state) == ("certification", "contracts", RequestState.COVERED)
    assert held.words == "The partner's certification for the family sonata is missing."
    assert held.next_step == "Record the renewed certification, or refuse."
    assert held.evidence == {"family": "sonata", "until": None}
    assert (held.opened_at, held.closed_at) == (NOON, None)
    assert scenes.told(database) == [f"held/{change.request_id}/1/partner"]


def test_covering_twice_does_nothing(database: Database) -> None:
    """The second call finds no approved request: no second hold, entry or letter."""
    scenes.approved(database, "R-1", "R-2")
    with database.write() as session:
        session.execute(delete(Certification))
    fence = scenes.open_run()
    coverage.cover(fence)

    assert coverage.cover(fence) == ()
    assert len(scenes.rows(database, Hold)) == 2
    assert len(scenes.audited(database)) == 2
    assert len(scenes.told(database)) == 2


def test_nothing_is_kept_when_the_log_cannot_be_written(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """State, hold, letter and log stand in one transaction: without the log there is none of them."""
    scenes.approved(database, "R-1", "R-2")
    with database.write() as session:
        session.execute(delete(Certification))
    fence = scenes.open_run()

    def fail(*_given: object, **_more: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr("infra.ledger.audit.append", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        coverage.cover(fence)

    assert set(scenes.states(database).values()) == {RequestState.APPROVED}
    assert scenes.rows(database, Hold) == []
    assert scenes.told(database) == []


def test_a_run_that_lost_its_rows_decides_nothing(database: Database) -> None:
    """After another run took over, the first finds nothing under its fence."""
    scenes.approved(database, "R-1")
    asleep = scenes.open_run()
    with clock.held(NOON + timedelta(minutes=11)):
        scenes.open_run()

    assert coverage.cover(asleep) == ()
    assert scenes.states(database) == {"R-1": RequestState.APPROVED}


@pytest.mark.parametrize(
    ("zone", "state"),
    [
        # approved at 23:30 UTC on 31 December, the contract's last day
        pytest.param("UTC", RequestState.COVERED, id="still-the-31st-in-utc"),
        pytest.param("Europe/Copenhagen", RequestState.REFUSED, id="already-2027-in-copenhagen"),
        pytest.param("America/New_York", RequestState.COVERED, id="half-past-six-in-new-york"),
    ],
)
def test_contract_ends_in_its_own_zone(database: Database, zone: str, state: RequestState) -> None:
    """The last day of a term is a day of the contract's zone."""
    at = scenes.utc(2026, 12, 31, 23, 30)
    scenes.approved(database)
    with database.write() as session:
        session.execute(update(Contract).values(zone=zone))
        session.execute(update(Certification).values(until=date(2027, 12, 31)))
        makers.request(session, lines={HANDSET: 1}, approved_at=at)
    with clock.held(at):
        coverage.cover(scenes.open_run())

    assert scenes.states(database) == {"R-1": state}


class TestSameSerial:
    def _two(self, database: Database, **first: Any) -> None:
        scenes.approved(database)
        with database.write() as session:
            makers.request(session, "R-1", lines={HANDSET: 1}, serial="SN-7", **first)
            makers.request(session, "R-2", lines={HANDSET: 1}, serial="SN-7")

    def test_the_second_is_held(self, database: Database) -> None:
        """Two requests for one device in one wave: the first is covered, the second asks which is meant."""
        self._two(database)
        coverage.cover(scenes.open_run())
        held = scenes.only_hold(database)

        assert scenes.states(database) == {"R-1": RequestState.COVERED, "R-2": RequestState.HELD}
        assert (held.reason, held.owner) == ("serial_already_open", "operations")
        assert held.evidence == {"other_request": "R-1"}

    @pytest.mark.parametrize(
        "state",
        [RequestState.REFUSED, RequestState.CANCELLED, RequestState.RETURNED, RequestState.CLOSED],
    )
    def test_a_finished_one_is_no_obstacle(self, database: Database, state: RequestState) -> None:
        """What is over does not stop the device's next replacement."""
        self._two(database, state=state)
        coverage.cover(scenes.open_run())

        assert scenes.states(database)["R-2"] == RequestState.COVERED

    @pytest.mark.parametrize("state", [RequestState.HELD, RequestState.IN_TRANSIT, RequestState.RETURN_DUE])
    def test_an_open_one_of_another_run_is_seen(self, database: Database, state: RequestState) -> None:
        """The earlier request need not be in this wave: held, travelling or not yet returned, it is open."""
        self._two(database, state=state)
        coverage.cover(scenes.open_run())

        assert scenes.states(database)["R-2"] == RequestState.HELD

    def test_another_partners_serial_is_another_device(self, database: Database) -> None:
        """Serials are compared within a partner."""
        scenes.approved(database)
        with database.write() as session:
            makers.partner(session, "polder")
            makers.request(session, "R-1", partner="polder", lines={HANDSET: 1}, serial="SN-7")
            makers.request(session, "R-2", lines={HANDSET: 1}, serial="SN-7")
        coverage.cover(scenes.open_run())

        assert scenes.states(database)["R-2"] == RequestState.COVERED


def test_another_partners_contract_covers_nothing(database: Database) -> None:
    """The same account and plan under another partner's contract is no cover."""
    scenes.approved(database)
    with database.write() as session:
        makers.partner(session, "polder")
        makers.request(session, "R-1", partner="polder", lines={HANDSET: 1})
    (change,) = coverage.cover(scenes.open_run())

    assert (change.after, change.reason) == (RequestState.REFUSED, "no_contract")


def test_onsite_needs_wish_and_option(database: Database) -> None:
    """Somebody comes only where the option was bought and the request asks for it."""
    with database.write() as session:
        scenes.partner_under_contract(session, onsite=True)
        makers.request(session, "R-1", lines={HANDSET: 1}, onsite_wanted=True)
        makers.request(session, "R-2", lines={HANDSET: 1}, onsite_wanted=False)
    changes = coverage.cover(scenes.open_run())

    assert {change.number: change.detail["onsite"] for change in changes} == {"R-1": True, "R-2": False}


def test_released_from_a_hold_goes_on(database: Database) -> None:
    """What a person let go resumes as covered: it is not judged, and not held, a second time."""
    scenes.approved(database, "R-1")
    with database.write() as session:
        session.execute(delete(Certification))
    fence = scenes.open_run()
    coverage.cover(fence)
    waves.close_wave(fence)
    with database.write() as session:
        session.execute(update(Hold).values(closed_at=NOON, decision="release", decided_by="A person"))
        session.execute(update(Request).values(state=RequestState.COVERED))

    assert coverage.cover(scenes.open_run()) == ()
    assert scenes.states(database) == {"R-1": RequestState.COVERED}
