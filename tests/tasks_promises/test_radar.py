"""Open work by minutes to the effective cut-off, with what is left when it is missed."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import event, insert, select, update

from infra import clock
from infra.db.engine import Database
from infra.db.records import Consignee, Promise, Request, RequestLine, Stock
from infra.db.states import RequestState
from tasks.desk import Desk
from tasks.live_calendars import publish
from tasks.radar import Blip, facts, radar, row
from tasks.rules.radar import Fallback, Lost
from tests import makers
from tests.tasks_promises.scenes import APPROVED, COPENHAGEN, FRANKFURT, HANDSET, VENLO, closures, promised, utc


def only() -> Blip:
    (found,) = radar()
    return found


def test_minutes_to_the_depots_own_cut_off(at_desk: Desk, database: Database) -> None:
    """Friday noon UTC is 13:00 in Copenhagen: 120 minutes to 15:00 there."""
    promised(database, "R-1")
    blip = only()

    assert (blip.minutes_left, blip.depot, blip.deadline.limit) == (120, COPENHAGEN, "cut-off")
    assert blip.deadline.at == utc(2026, 11, 20, 14)
    assert row(blip)[:3] == ["120", "Fri 15:00", COPENHAGEN]


def test_a_half_day_is_an_earlier_cut_off(at_desk: Desk, database: Database) -> None:
    """Published closures count: 13:30 instead of 15:00 leaves half an hour."""
    promised(database, "R-1")
    publish(at_desk, closures("depot/DK-CPH,2026-11-20,2026-11-20,,13:30,stocktaking,"))

    assert only().minutes_left == 30


def test_most_urgent_first_over_all_zones(at_desk: Desk, database: Database) -> None:
    """Instants decide, not wall clocks: 14:00 in Mexico is later than 15:00 in Copenhagen; passed ones come first."""
    with database.write() as session:
        makers.partner(session)
        for number, country, postal_code, approved_at in (
            ("MX", "MX", "06000", APPROVED),
            ("DK", "DK", "2100", APPROVED),
            ("SG", "SG", "018956", utc(2026, 11, 20, 2)),
        ):
            makers.request(session, number, country=country, postal_code=postal_code, approved_at=approved_at)
    found = radar()

    assert [each.request.split("/")[1] for each in found] == ["SG", "DK", "MX"]
    assert found[0].minutes_left < 0 < found[1].minutes_left


def test_the_next_way_that_keeps_it_and_its_price(at_desk: Desk, database: Database) -> None:
    """Venlo's Friday cut-off is 14:30 there; once missed, Frankfurt (15:00) still arrives on Monday."""
    promised(database, "R-1", depots=(VENLO, FRANKFURT), country="NL", postal_code="1012")
    with database.write() as session:
        session.execute(update(Stock).values(on_hand=100))
    blip = only()
    lanes = {(lane.depot, lane.service): lane.freight.amount for lane in at_desk.pack.lanes_by_country["NL"]}

    assert blip.depot == VENLO
    assert isinstance(blip.if_missed, Fallback)
    assert (blip.if_missed.depot, blip.if_missed.until) == (FRANKFURT, utc(2026, 11, 20, 14))
    assert blip.if_missed.extra_cost == (lanes[FRANKFURT, blip.if_missed.service] - lanes[VENLO, blip.service])


def test_a_depot_without_stock_is_no_way_out(at_desk: Desk, database: Database) -> None:
    """Frankfurt would be in time and has nothing: the promise is lost with the cut-off."""
    promised(database, "R-1", depots=(VENLO,), country="NL", postal_code="1012")
    blip = only()

    assert isinstance(blip.if_missed, Lost)
    assert blip.if_missed.best_on == date(2026, 11, 24)


def test_stock_reserved_elsewhere_is_not_free(at_desk: Desk, database: Database) -> None:
    """The last handset of Frankfurt is promised to somebody else."""
    promised(database, "R-1", depots=(VENLO, FRANKFURT), country="NL", postal_code="1012")
    with database.write() as session:
        session.execute(update(Stock).where(Stock.depot == FRANKFURT).values(on_hand=1, allocated=1))

    assert isinstance(only().if_missed, Lost)


def test_one_depot_alone(at_desk: Desk, database: Database) -> None:
    """The others' work is not shown."""
    promised(database, "R-1")
    promised(database, "R-2", depots=(VENLO,), country="NL", postal_code="1012")

    assert [each.request for each in radar(depot=VENLO)] == ["nordlyd/R-2"]


def test_unpromised_work_is_on_it_too(at_desk: Desk, database: Database) -> None:
    """Approved and not yet looked at: shown where the promise would be made from, and marked as unsaid."""
    with database.write() as session:
        makers.partner(session)
        makers.request(session, "R-1", approved_at=APPROVED)
    blip = only()

    assert (blip.is_promised, blip.depot, blip.promised_on) == (False, COPENHAGEN, date(2026, 11, 23))
    assert row(blip)[5].endswith("?")


@pytest.mark.parametrize("state", [RequestState.RELEASED, RequestState.TENDERED, RequestState.REFUSED])
def test_what_is_on_a_pick_list_is_off_it(at_desk: Desk, database: Database, state: RequestState) -> None:
    """The pick-up is the limit then, or nothing is."""
    promised(database, "R-1")
    with database.write() as session:
        session.execute(update(Request).values(state=state))

    assert radar() == []


def test_facts_are_plain_and_exact(at_desk: Desk, database: Database) -> None:
    """Instants as ISO 8601, money as text, in the pack's currency."""
    promised(database, "R-1", depots=(VENLO, FRANKFURT), country="NL", postal_code="1012")
    with database.write() as session:
        session.execute(update(Stock).values(on_hand=100))
    said = facts(only(), "EUR")

    assert said["effective_cutoff_local"] == "2026-11-20T14:30:00+01:00"
    assert Decimal(said["if_missed"]["extra_cost"]) > 0
    assert said["if_missed"]["keeps"] is True


def test_statements_do_not_grow_with_requests(at_desk: Desk, database: Database) -> None:
    """Twenty requests are asked for in as many statements as one."""
    promised(database, "R-1")
    radar()  # the calendars are read once
    few = _statements(database)
    promised(database, *(f"S-{n}" for n in range(20)), depots=())
    many = _statements(database)

    assert len(radar()) == 21
    assert many == few <= 6


def _statements(database: Database) -> int:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    radar()
    event.remove(database.engine, "before_cursor_execute", note)
    return len([statement for statement in sent if statement.startswith("SELECT")])


@pytest.mark.slow
def test_twenty_thousand_in_a_few_seconds(at_desk: Desk, database: Database) -> None:
    """One promised request, copied 20,000 times in bulk; generous, because a shared machine measures."""
    promised(database, "R-1")
    _copy(database, 20_000)
    with clock.held(utc(2026, 11, 20, 12)):
        radar(depot="none")  # compiled lanes and the process's first reading do not count
        started = time.perf_counter()
        found = radar()
        seconds = time.perf_counter() - started

    assert len(found) == 20_001
    assert seconds < 15, f"{seconds:.1f} s"


def _copy(database: Database, count: int) -> None:
    with database.write() as session:
        request, promise = (session.scalars(select(record)).one() for record in (Request, Promise))
        consignee, line = (session.scalars(select(record)).one() for record in (Consignee, RequestLine))
        ids = range(request.id + 1, request.id + 1 + count)
        same = {column.name: getattr(request, column.name) for column in Request.__table__.columns}
        session.execute(insert(Request), [{**same, "id": n, "number": f"C-{n}", "serial": f"S-{n}"} for n in ids])
        for record, one in ((Promise, promise), (Consignee, consignee), (RequestLine, line)):
            facts_of = {column.name: getattr(one, column.name) for column in record.__table__.columns}
            facts_of.pop("id", None)
            session.execute(insert(record), [{**facts_of, "request_id": n} for n in ids])


def test_nothing_anywhere_is_said() -> None:
    """The last column of a request nobody has parts for."""
    assert Lost(best_on=None).best_on is None
    assert HANDSET
