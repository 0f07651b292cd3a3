"""What the run page is told, without Prefect: the summary, the exceptions, the report."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from infra.db.engine import Database
from infra.db.states import RequestState
from infra.ledger.changes import Change
from infra.orchestrator import Occurrence
from tasks import announcements
from tasks.announcements import announce_changes, report, summary
from tasks.desk import Desk
from tests.conftest import NOON
from tests.tasks import scenes


def _change(after: RequestState, *, number: str = "R-1", **facts: object) -> Change:
    return Change(
        request_id=7, partner="nordlyd", number=number, before=RequestState.APPROVED, after=after, **facts,  # type: ignore[arg-type]  # reason and detail
    )  # fmt: skip


def test_changes_are_counted_by_where_they_led() -> None:
    """Counts by state, calls by outcome, and no exceptions where all went well."""
    changes = [_change(RequestState.COVERED), _change(RequestState.COVERED), _change(RequestState.PROMISED)]
    summed = summary(3, changes, {"booked": 4}, ())

    assert (summed.claimed, summed.by_state) == (3, {"covered": 2, "promised": 1})
    assert (summed.calls, summed.waves, summed.exceptions) == ({"booked": 4}, (), ())


def test_exceptions_say_who_and_why() -> None:
    """Held, refused and backordered, with reason and evidence; long evidence is cut."""
    changes = [
        _change(RequestState.HELD, reason="certification", detail={"family": "sonata"}),
        _change(RequestState.REFUSED, reason="no_contract", detail={"words": "x" * 500}),
        _change(RequestState.RESERVED),
    ]
    held, refused = summary(3, changes, {}, ()).exceptions

    assert held == {
        "request": "nordlyd/R-1", "state": "held", "reason": "certification", "evidence": "family: sonata"
    }  # fmt: skip
    assert len(refused["evidence"]) == 200


@pytest.mark.usefixtures("noon")
def test_one_event_per_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by the state reached, of the request by id, and nothing personal in it."""
    told: list[Occurrence] = []

    def note(occurrences: Iterable[Occurrence]) -> int:
        told.extend(occurrences)
        return len(told)

    monkeypatch.setattr(announcements, "announce", note)
    sent = announce_changes([_change(RequestState.HELD, reason="no_lane", detail={"postal_code": "2100"})])

    assert sent == 1
    assert told == [
        Occurrence(
            event="parts.request.held", resource_id="parts.request.7", resource_name="nordlyd/R-1", at=NOON,
            payload={"before": "approved", "reason": "no_lane"},
        )
    ]  # fmt: skip


def test_report_links_every_paper(at_desk: Desk, database: Database) -> None:
    """Counts first, then a row per wave with where its papers lie."""
    scenes.approved(database, "R-1")
    calls, released = scenes.run_wave()
    text = report(summary(1, released[0].changes, calls, released), released, at_desk)

    assert "| claimed | 1 |" in text
    assert "| released | 1 |" in text
    assert "| carrier: booked | 2 |" in text
    assert "| DK-CPH-20261120-1 | 1 |" in text
    assert all(at_desk.documents.where(paper.sha256) in text for paper in released[0].papers)
