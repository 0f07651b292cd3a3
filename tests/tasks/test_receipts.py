"""A receipt says how its dates came about: the working, the versions, the depots that lost, what it stands for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from infra.db.engine import Database
from infra.db.records import Promise, Request
from infra.db.states import RequestState
from infra.ledger.claims import Fence
from tasks import claimed, coverage, promises
from tasks.desk import Desk
from tasks.receipts import Receipt, write_receipts
from tasks.rules.sourcing import Lost
from tests import makers
from tests.tasks import scenes
from tests.tasks.scenes import COPENHAGEN, HANDSET, VENLO

pytestmark = pytest.mark.usefixtures("at_desk")


def _receipt_of(database: Database, *, plan: str = "partner-plus", **changes: Any) -> Promise:
    """The first receipt of a request for a handset."""
    with database.write() as session:
        scenes.partner_under_contract(session, plan=plan, categories=["voice"])
        makers.request(session, plan=plan, lines={HANDSET: 1}, **changes)
    fence = scenes.open_run()
    coverage.cover(fence)
    promises.promise(fence)
    (receipt,) = scenes.receipts(database)
    return receipt


def test_the_working_is_kept_day_by_day(database: Database) -> None:
    """From the approval to the promise, with the weekend skipped by name of who does not work."""
    receipt = _receipt_of(database)
    skipped = [(step["party"], step["on"]) for step in receipt.trace if step["on"] in {"2026-11-21", "2026-11-22"}]

    assert receipt.trace[0]["at"] == "2026-11-20T08:30:00+00:00"  # the approval
    assert {on for _, on in skipped} == {"2026-11-21", "2026-11-22"}
    assert all(step["kind"] and step["reason"] for step in receipt.trace)
    assert receipt.trace[-1]["on"] == "2026-11-23"


def test_versions_are_kept(at_desk: Desk, database: Database) -> None:
    """Which policy, which time zone data and which calendars the dates were computed by."""
    versions = _receipt_of(database).versions

    assert versions["policy"] == at_desk.pack.version
    assert "tzdata" in versions
    assert "DK" in " ".join(versions)


def test_the_cutoff_it_rides_is_an_instant(database: Database) -> None:
    """15:00 in Copenhagen in November is 14:00 UTC."""
    assert _receipt_of(database).cutoff_at == scenes.utc(2026, 11, 20, 14)


@pytest.mark.parametrize(
    ("plan", "country", "postal_code", "keeps"),
    [
        # a lane that arrives on the next business day also ships on it
        pytest.param("partner-plus", "DK", "2100", True, id="arrive-plan-arrive-lane"),
        pytest.param("partner-plus-enterprise", "DK", "2100", True, id="ship-plan-arrive-lane"),
        # the Canaries are two days farther, so their lanes stand for `ship` alone
        pytest.param("partner-plus", "ES", "35001", False, id="arrive-plan-ship-lane"),
        pytest.param("partner-plus-enterprise", "ES", "35001", True, id="ship-plan-ship-lane"),
        # no next-business-day promise is made to Japan
        pytest.param("partner-plus", "JP", "100-0001", False, id="arrive-plan-no-nbd-lane"),
        pytest.param("partner-plus-enterprise", "JP", "100-0001", False, id="ship-plan-no-nbd-lane"),
    ],
)
def test_what_stands_for_next_business_day(
    database: Database, plan: str, country: str, postal_code: str, *, keeps: bool
) -> None:
    """The receipt says whether the plan's own wording is kept, by plan and lane."""
    receipt = _receipt_of(database, plan=plan, country=country, postal_code=postal_code)

    assert receipt.keeps_nbd == keeps
    assert receipt.commitment == ("ship" if plan == "partner-plus-enterprise" else "arrive")


def test_lost_depots_are_kept_with_their_reason(at_desk: Desk, database: Database) -> None:
    """A second revision stands beside the first, and says who could not send it."""
    _receipt_of(database)
    (request,) = scenes.rows(database, Request)
    with database.write() as session:
        (facts,) = claimed.held_by(session, _fence_of(request), RequestState.PROMISED)
        offers = at_desk.promiser.offers(facts.destination, facts.approved_at)
        from_venlo = next(offer for offer in offers if offer.depot == VENLO)
        lost = (Lost(depot=COPENHAGEN, service="ups:express_saver", why="short of HND-1001"),)
        again = Receipt(request=facts, offer=from_venlo, revision=2, keeps_promise=False, lost=lost)
        write_receipts(session, [again], at_desk=at_desk)
    first, second = scenes.receipts(database)

    assert (first.revision, first.depot) == (1, COPENHAGEN)
    assert COPENHAGEN not in {other["depot"] for other in first.alternatives if other["service"] == first.service}
    assert (second.depot, second.keeps_nbd) == (VENLO, False)
    assert second.alternatives == [{"depot": COPENHAGEN, "service": "ups:express_saver", "why": "short of HND-1001"}]
    assert second.arrive_on == date(2026, 11, 23)


def test_no_receipts_write_nothing(at_desk: Desk, database: Database) -> None:
    """An empty wave is no statement."""
    with scenes.counted(database) as sent, database.write() as session:
        write_receipts(session, [], at_desk=at_desk)

    assert [statement for statement in sent if "promise" in statement] == []


def _fence_of(request: Request) -> Fence:
    assert request.lease_until is not None
    return Fence(number=request.fence, lease_until=request.lease_until)
