"""Sourcing and reserving: the cheapest lane that keeps the promise, all lines or none, never more than there is."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from infra import clock
from infra.db.engine import Database
from infra.db.records import OutboxMessage, Request, Reservation, Stock
from infra.db.states import RequestState
from infra.ledger import claims
from infra.ledger.changes import Change
from infra.ledger.claims import Fence
from tasks import coverage, promises, stock, waves
from tasks.desk import Desk
from tests import makers
from tests.conftest import NOON
from tests.tasks import scenes
from tests.tasks.scenes import COPENHAGEN, DONGLE, DONGLE_USB_C, FRANKFURT, FRIDAY, HANDSET, MONDAY, STAND, VENLO

pytestmark = pytest.mark.usefixtures("at_desk")


def _promised() -> Fence:
    """A run over everything approved, up to the promise."""
    fence = scenes.open_run()
    coverage.cover(fence)
    promises.promise(fence)
    return fence


def _reserve_in_a_run_of_its_own(at: datetime = NOON) -> tuple[Change, ...]:
    with clock.held(at):
        fence = _promised()
        changes = stock.reserve(fence)
        waves.close_wave(fence)
    return changes


def _oversold(database: Database) -> list[str]:
    """Shelves of which more units are reserved than they hold."""
    units = scenes.reserved_units(database)
    return [
        f"{each.depot} {each.part}"
        for each in scenes.rows(database, Stock)
        if units.get((each.depot, each.part), 0) > each.on_hand
    ]


class TestReserving:
    def test_cheapest_lane_reserves(self, database: Database) -> None:
        """Copenhagen and Venlo both have it and both keep Monday: 9.90 of freight win over 18.90."""
        scenes.approved(database, "R-1", depots=[COPENHAGEN, VENLO])
        (change,) = _reserve_in_a_run_of_its_own()
        (request,) = scenes.rows(database, Request)
        (held,) = scenes.rows(database, Reservation)

        assert (change.before, change.after, change.reason) == (RequestState.PROMISED, RequestState.RESERVED, "")
        assert (request.state, request.depot) == (RequestState.RESERVED, COPENHAGEN)
        assert (held.line, held.part, held.quantity, held.instead_of) == (1, HANDSET, 1, None)
        assert (held.depot, held.reserved_at) == (COPENHAGEN, NOON)
        assert scenes.shelf(database) == (10, 1)
        assert scenes.shelf(database, VENLO) == (10, 0)
        assert len(scenes.receipts(database)) == 1
        assert scenes.audited(database)[-1] == "promised>reserved"

    def test_freight_decides_before_distance(self, database: Database) -> None:
        """Venlo (18.90) is nearer to Copenhagen than Frankfurt (16.90), and both keep Monday: Frankfurt sends it."""
        scenes.approved(database, "R-1", depots=[VENLO, FRANKFURT])
        _reserve_in_a_run_of_its_own()
        (request,) = scenes.rows(database, Request)
        latest = scenes.receipts(database)[-1]

        assert request.depot == FRANKFURT
        assert {"depot": VENLO, "service": "ups:express_saver", "why": "freight 18.90, taken 16.90"} in (
            latest.alternatives
        )

    def test_reserving_twice_does_nothing(self, database: Database) -> None:
        """The second call finds no promised request: not one unit more is taken."""
        scenes.approved(database, "R-1")
        fence = _promised()
        stock.reserve(fence)
        entries = scenes.audited(database)

        assert stock.reserve(fence) == ()
        assert scenes.shelf(database) == (10, 1)
        assert scenes.audited(database) == entries

    def test_nothing_is_kept_of_a_step_that_fails(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the change cannot be written down, no unit is taken and no receipt written."""
        scenes.approved(database, "R-1", depots=[VENLO])
        fence = _promised()

        def fail(*_given: object, **_more: object) -> None:
            raise RuntimeError("disk full")

        monkeypatch.setattr("infra.ledger.audit.append", fail)
        with pytest.raises(RuntimeError, match="disk full"):
            stock.reserve(fence)

        assert scenes.states(database) == {"R-1": RequestState.PROMISED}
        assert scenes.shelf(database, VENLO) == (10, 0)
        assert scenes.rows(database, Reservation) == []
        assert len(scenes.receipts(database)) == 1

    def test_requests_of_a_wave_share_the_shelf(self, database: Database) -> None:
        """Three requests, two units in Copenhagen: the third, which came in last, goes from Venlo."""
        scenes.approved(database, "R-1", "R-2", "R-3", on_hand=2, depots=[COPENHAGEN, VENLO])
        _reserve_in_a_run_of_its_own()

        assert {each.number: each.depot for each in scenes.rows(database, Request)} == {
            "R-1": COPENHAGEN, "R-2": COPENHAGEN, "R-3": VENLO
        }  # fmt: skip


class TestSourcedElsewhere:
    def test_another_depot_writes_a_second_receipt(self, database: Database) -> None:
        """Promised from Copenhagen, sent from Venlo, still on Monday: both receipts stay, and the second says why."""
        scenes.approved(database, "R-1", depots=[VENLO])
        (change,) = _reserve_in_a_run_of_its_own()
        first, second = scenes.receipts(database)

        assert change.reason == ""
        assert change.detail == {"depot": VENLO, "service": "ups:express_saver"}
        assert (first.revision, first.depot) == (1, COPENHAGEN)
        assert (second.revision, second.depot, second.arrive_on, second.keeps_nbd) == (2, VENLO, MONDAY, True)
        assert {"depot": COPENHAGEN, "service": "ups:express_saver", "why": f"short of {HANDSET}"} in (
            second.alternatives
        )

    def test_a_later_day_is_a_moved_promise(self, database: Database) -> None:
        """At 14:45 local on Friday Copenhagen (15:00) keeps Monday, Venlo (14:30 on Fridays) does not: Tuesday."""
        scenes.approved(database, depots=[VENLO])
        at = scenes.utc(2026, 11, 20, 13, 45)
        with database.write() as session:
            makers.request(session, lines={HANDSET: 1}, approved_at=at)
        (change,) = _reserve_in_a_run_of_its_own(at)
        first, second = scenes.receipts(database)

        assert change.reason == "promise_moved"
        assert (first.ship_on, first.arrive_on, first.keeps_nbd) == (FRIDAY, MONDAY, True)
        assert (second.ship_on, second.arrive_on, second.keeps_nbd) == (MONDAY, date(2026, 11, 24), False)

    def test_a_depot_that_can_still_pack_it(self, database: Database) -> None:
        """Approved at 14:55, planned at 15:50: too late to pack in Copenhagen (16:30 - 45 min), not in Frankfurt.

        Frankfurt (cut-off 15:00, pick-up 18:00 - 60 min) keeps Monday from 680 km; Venlo's cut-off was 14:30.
        """
        scenes.approved(database, depots=[COPENHAGEN, VENLO, FRANKFURT])
        with database.write() as session:
            makers.request(session, lines={HANDSET: 1}, approved_at=scenes.utc(2026, 11, 20, 13, 55))
        _reserve_in_a_run_of_its_own(scenes.utc(2026, 11, 20, 14, 50))
        first, second = scenes.receipts(database)

        assert (first.depot, second.depot) == (COPENHAGEN, FRANKFURT)
        assert (second.ship_on, second.arrive_on, second.keeps_nbd) == (FRIDAY, MONDAY, True)

    def test_too_late_to_pack_anywhere_moves_the_promise(self, database: Database) -> None:
        """Only Copenhagen has it, and the wave runs after its last packing: same depot, next day, a second receipt."""
        scenes.approved(database, "R-1")
        (change,) = _reserve_in_a_run_of_its_own(scenes.utc(2026, 11, 20, 14, 46))
        first, second = scenes.receipts(database)

        assert change.reason == "promise_moved"
        assert (first.depot, first.ship_on, first.keeps_nbd) == (COPENHAGEN, FRIDAY, True)
        assert (second.depot, second.ship_on, second.keeps_nbd) == (COPENHAGEN, MONDAY, False)

    def test_all_lines_or_another_depot(self, database: Database) -> None:
        """Copenhagen has the handset but no stand: both go from Venlo, and Copenhagen's handset stays free."""
        scenes.approved(database, depots=[COPENHAGEN, VENLO])
        with database.write() as session:
            makers.stock(session, STAND, depot=VENLO)
            makers.request(session, lines={HANDSET: 1, STAND: 2})
        _reserve_in_a_run_of_its_own()

        assert scenes.reserved_units(database) == {(VENLO, HANDSET): 1, (VENLO, STAND): 2}
        assert scenes.shelf(database) == (10, 0)

    def test_all_lines_or_nothing(self, database: Database) -> None:
        """No depot has both: nothing at all is reserved, and the missing part is named with its own quantity."""
        scenes.approved(database, depots=[COPENHAGEN])
        with database.write() as session:
            makers.stock(session, STAND, depot=FRANKFURT)
            makers.request(session, lines={HANDSET: 1, STAND: 3})
        (change,) = _reserve_in_a_run_of_its_own()

        assert (change.after, change.detail) == (RequestState.BACKORDERED, {"missing": [[STAND, 3]]})
        assert scenes.rows(database, Reservation) == []
        assert scenes.shelf(database) == (10, 0)

    def test_a_substitute_is_recorded_as_one(self, database: Database) -> None:
        """The USB-C adapter goes for the USB-A one: the reservation and the audit say instead of what."""
        scenes.approved(database)
        with database.write() as session:
            makers.stock(session, DONGLE_USB_C, depot=COPENHAGEN)
            makers.request(session, lines={DONGLE: 2})
        (change,) = _reserve_in_a_run_of_its_own()
        (held,) = scenes.rows(database, Reservation)

        assert (held.part, held.instead_of, held.quantity) == (DONGLE_USB_C, DONGLE, 2)
        assert change.detail["substitutes"] == {DONGLE: DONGLE_USB_C}


class TestBackorders:
    def test_out_of_stock_is_said_once(self, database: Database) -> None:
        """Backordered with what is missing, the partner told; the next quarter of an hour repeats nothing."""
        scenes.approved(database, "R-1", on_hand=0)
        (change,) = _reserve_in_a_run_of_its_own()
        again = _reserve_in_a_run_of_its_own(NOON + timedelta(minutes=15))
        (request,) = scenes.rows(database, Request)
        (message,) = scenes.rows(database, OutboxMessage)

        assert (change.after, change.reason) == (RequestState.BACKORDERED, "out_of_stock")
        assert again == ()
        assert request.state == RequestState.BACKORDERED
        assert message.occasion == f"backordered/{request.id}/1/partner"
        assert message.facts["missing"] == [[HANDSET, 1]]
        assert scenes.audited(database).count("promised>backordered") == 1

    def test_who_has_waited_is_served_first(self, database: Database) -> None:
        """One unit arrives: the request that has waited gets it, not the one that came in this morning."""
        scenes.approved(database, on_hand=0)
        with database.write() as session:
            makers.request(session, "R-2", lines={HANDSET: 1})
        _reserve_in_a_run_of_its_own()
        with database.write() as session:
            session.execute(update(Stock).values(on_hand=1))
            makers.request(session, "R-1", lines={HANDSET: 1}, approved_at=NOON - timedelta(hours=9))
        changes = _reserve_in_a_run_of_its_own(NOON + timedelta(minutes=15))

        assert {change.number: (change.before, change.after) for change in changes} == {
            "R-2": (RequestState.BACKORDERED, RequestState.RESERVED),
            "R-1": (RequestState.PROMISED, RequestState.BACKORDERED),
        }

    def test_waiting_in_the_order_they_came_in(self, database: Database) -> None:
        """Two have waited and one unit arrives: the first of them gets it."""
        scenes.approved(database, "R-1", "R-2", on_hand=0)
        _reserve_in_a_run_of_its_own()
        with database.write() as session:
            session.execute(update(Stock).values(on_hand=1))
        _reserve_in_a_run_of_its_own(NOON + timedelta(minutes=15))

        assert scenes.states(database) == {"R-1": RequestState.RESERVED, "R-2": RequestState.BACKORDERED}

    def test_served_late_is_promised_anew(self, database: Database) -> None:
        """Promised for Monday, in stock on Wednesday: it cannot have left last Friday, and the receipt says so."""
        scenes.approved(database, "R-1", on_hand=0)
        _reserve_in_a_run_of_its_own()
        with database.write() as session:
            session.execute(update(Stock).values(on_hand=1))
        _reserve_in_a_run_of_its_own(NOON + timedelta(days=5))
        latest = scenes.receipts(database)[-1]

        assert latest.ship_on >= date(2026, 11, 25)
        assert not latest.keeps_nbd


class TestLanesLost:
    """The policy pack loses lanes while requests are on their way through."""

    def test_a_waiting_request_without_lane_is_held(self, at_desk: Desk, database: Database) -> None:
        """While it waited for stock its country lost all lanes: held with what to do, and the others are served."""
        scenes.approved(database, "R-1", on_hand=0)
        _reserve_in_a_run_of_its_own()
        with database.write() as session:
            makers.request(session, "R-2", lines={HANDSET: 1}, country="NL", postal_code="5911")
            makers.stock(session, HANDSET, depot=VENLO)
        scenes.lose_lanes(at_desk, country="DK")
        changes = _reserve_in_a_run_of_its_own(NOON + timedelta(minutes=15))
        held = scenes.only_hold(database)

        assert scenes.states(database) == {"R-1": RequestState.HELD, "R-2": RequestState.RESERVED}
        assert {(each.number, each.before, each.after, each.reason) for each in changes} == {
            ("R-1", RequestState.BACKORDERED, RequestState.HELD, "no_lane"),
            ("R-2", RequestState.PROMISED, RequestState.RESERVED, ""),
        }
        assert (held.reason, held.owner, held.resume_state) == ("no_lane", "operations", RequestState.BACKORDERED)
        assert held.words == "No lane of the policy pack leads to DK 2100."
        assert "Add the lane" in held.next_step
        assert scenes.audited(database).count("backordered>held") == 1
        assert scenes.told(database)[-1] == f"held/{held.request_id}/1/partner"

    def test_a_promised_request_without_lane_is_held(self, at_desk: Desk, database: Database) -> None:
        """The pack changes between promise and sourcing: held where it stands, and not a unit is taken."""
        scenes.approved(database, "R-1")
        fence = _promised()
        scenes.lose_lanes(at_desk, country="DK")
        (change,) = stock.reserve(fence)

        assert (change.before, change.after, change.reason) == (RequestState.PROMISED, RequestState.HELD, "no_lane")
        assert scenes.only_hold(database).resume_state == RequestState.PROMISED
        assert scenes.shelf(database) == (10, 0)
        assert scenes.rows(database, Reservation) == []

    def test_while_any_lane_is_left_it_is_served(self, at_desk: Desk, database: Database) -> None:
        """The negative control: only Copenhagen's lanes are gone, so Venlo serves what waited, and nobody is held."""
        scenes.approved(database, "R-1", on_hand=0, depots=[COPENHAGEN, VENLO])
        _reserve_in_a_run_of_its_own()
        with database.write() as session:
            session.execute(update(Stock).values(on_hand=1))
        scenes.lose_lanes(at_desk, depot=COPENHAGEN)
        _reserve_in_a_run_of_its_own(NOON + timedelta(minutes=15))
        (request,) = scenes.rows(database, Request)

        assert (request.state, request.depot) == (RequestState.RESERVED, VENLO)

    def test_held_once_and_out_of_the_way(self, at_desk: Desk, database: Database) -> None:
        """The next quarter of an hour neither stumbles over it nor says it again."""
        scenes.approved(database, "R-1", on_hand=0)
        _reserve_in_a_run_of_its_own()
        scenes.lose_lanes(at_desk, country="DK")
        _reserve_in_a_run_of_its_own(NOON + timedelta(minutes=15))
        told = scenes.told(database)

        assert _reserve_in_a_run_of_its_own(NOON + timedelta(minutes=30)) == ()
        assert scenes.told(database) == told


class TestRacing:
    """Two runs plan with the same units."""

    def _two_runs(self, database: Database, *, on_hand: int, requests: int = 2) -> list[Fence]:
        """Two runs, each with its share of the promised requests."""
        scenes.approved(database, *(f"R-{number}" for number in range(requests)), on_hand=on_hand)
        one = _promised()
        with database.write() as session:
            other = claims.take(session, purpose="dispatch-wave", at=NOON)
            half = session.scalars(select(Request.id).order_by(Request.id).limit(requests // 2)).all()
            claims.claim_rows(session, Request, half, other)
        return [one, other]

    def _at_once(self, deeds: list[Callable[[], object]]) -> None:
        threads = [threading.Thread(target=deed) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_last_unit_goes_to_exactly_one(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both have read "one left" before either takes it: one reserves, the other plans anew and backorders."""
        fences = self._two_runs(database, on_hand=1)
        both_have_read = threading.Barrier(2)
        shelves = stock._shelves
        readings: list[int] = []

        def read_then_wait(session: Session) -> defaultdict[tuple[str, str], int]:
            found = shelves(session)
            readings.append(found[COPENHAGEN, HANDSET])
            with suppress(threading.BrokenBarrierError):  # SQLite's one writer: the other cannot read meanwhile
                both_have_read.wait(timeout=0.5)
            return found

        monkeypatch.setattr(stock, "_shelves", read_then_wait)
        self._at_once([lambda fence=fence: stock.reserve(fence) for fence in fences])  # type: ignore[misc]  # bound now

        # on PostgreSQL both plan with the one unit and the loser reads again; on SQLite they come one after the other
        assert readings == ([1, 1, 0] if database.dialect == "postgresql" else [1, 0])
        assert sorted(scenes.states(database).values()) == [RequestState.BACKORDERED, RequestState.RESERVED]
        assert scenes.shelf(database) == (1, 1)
        assert _oversold(database) == []

    def test_many_requests_share_few_units(self, database: Database) -> None:
        """Twenty requests in two runs at once for seven units: seven are reserved, thirteen wait."""
        fences = self._two_runs(database, on_hand=7, requests=20)
        for _ in range(3):  # a run that was outrun as a whole plans again
            self._at_once([lambda fence=fence: stock.reserve(fence) for fence in fences])  # type: ignore[misc]  # bound now
        states = list(scenes.states(database).values())

        assert states.count(RequestState.RESERVED) == 7
        assert states.count(RequestState.BACKORDERED) == 13
        assert scenes.shelf(database) == (7, 7)
        assert _oversold(database) == []

    def test_read_then_write_oversells(self, database: Database) -> None:
        """The negative control: a run that writes what it has read sells the last unit twice, and the check sees it."""
        self._two_runs(database, on_hand=1)
        both_have_read = threading.Barrier(2)

        def naive(request_id: int) -> None:
            with database.read() as session:
                allocated = session.get_one(Stock, (COPENHAGEN, HANDSET)).allocated
            both_have_read.wait(timeout=10)
            if allocated >= 1:
                return
            with database.write() as session:
                session.execute(update(Stock).values(allocated=allocated + 1))
                session.add(
                    Reservation(
                        request_id=request_id, line=1, partner="nordlyd", depot=COPENHAGEN, part=HANDSET, quantity=1,
                        reserved_at=NOON,
                    )
                )  # fmt: skip

        ids = [each.id for each in scenes.rows(database, Request)]
        self._at_once([lambda one=one: naive(one) for one in ids])  # type: ignore[misc]  # bound now

        assert _oversold(database) == [f"{COPENHAGEN} {HANDSET}"]

    def test_gives_up_after_five_plans(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """If every plan is outrun, nothing of any of them is kept and the next run tries again."""
        scenes.approved(database, "R-1")
        fence = _promised()
        plans: list[int] = []

        def outrun(_session: Session, planned: list[stock.Planned]) -> None:
            plans.append(len(planned))
            raise stock.Outrun

        monkeypatch.setattr(stock, "_take", outrun)
        with pytest.raises(stock.StockMoved):
            stock.reserve(fence)

        assert plans == [1] * stock.ATTEMPTS
        assert scenes.states(database) == {"R-1": RequestState.PROMISED}
        assert scenes.rows(database, Reservation) == []
