"""New calendars move what they must, say it once, and leave everything else alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import update

from infra import clock
from infra.db.engine import Database
from infra.db.records import AuditEntry, CalendarVersion, OutboxMessage, Promise, Request
from infra.db.states import RequestState
from infra.ledger import audit, claims
from tasks import drift
from tasks.desk import Desk
from tasks.live_calendars import live_promiser, promiser_under, publish
from tasks.rules.closures import LayeredPromiser, UnknownScope
from tests.tasks_promises.scenes import (
    COPENHAGEN,
    FRANKFURT,
    STRIKE,
    VENLO,
    closures,
    promised,
    revisions,
    rows,
    utc,
    with_changes,
)

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def moved_messages(database: Database) -> list[OutboxMessage]:
    return rows(database, OutboxMessage, OutboxMessage.kind == "promise_moved")


class TestMoving:
    def test_a_strike_day_moves_the_promise(self, at_desk: Desk, database: Database) -> None:
        """A new revision with the new dates, an audit entry and one message; the first revision stays as it was."""
        promised(database, "R-1")
        rebuilt = drift.rebuild(closures(STRIKE))
        first, second = revisions(database)

        assert [(each.request, each.old_on, each.new_on) for each in rebuilt.drift.moved] == [
            ("nordlyd/R-1", MONDAY, TUESDAY)
        ]
        assert (first.arrive_on, second.arrive_on, second.ship_on) == (MONDAY, TUESDAY, MONDAY)
        assert (second.depot, second.keeps_nbd) == (COPENHAGEN, False)
        assert [entry.action for entry in rows(database, AuditEntry)][-1] == "promise_moved"
        assert [message.occasion.split("/")[2:] for message in moved_messages(database)] == [["2", "partner"]]

    def test_the_partner_reads_why_in_its_language(self, at_desk: Desk, database: Database) -> None:
        """Danish partner, Danish reason; what the depot wrote is quoted as it is."""
        promised(database, "R-1")
        drift.rebuild(closures(STRIKE))
        (message,) = moved_messages(database)

        assert message.language == "da"
        assert message.facts["why"][0] == "Ikke fredag den 20. november 2026: lageret har lukket (warning strike)."
        assert message.facts["was"]["arrive_on"] == "2026-11-23"
        assert message.facts["now"]["arrive_on"] == "2026-11-24"

    def test_publishing_again_moves_nothing(self, at_desk: Desk, database: Database) -> None:
        """The same calendars twice: one publication, one revision, one message."""
        promised(database, "R-1")
        drift.rebuild(closures(STRIKE))
        again = drift.rebuild(closures(STRIKE))

        assert again.drift.moved == ()
        assert len(revisions(database)) == 2
        assert len(moved_messages(database)) == 1
        assert len(rows(database, CalendarVersion)) == 1

    def test_a_dry_run_writes_nothing(self, at_desk: Desk, database: Database) -> None:
        """It lists the same moves and leaves no trace."""
        promised(database, "R-1")
        rebuilt = drift.rebuild(closures(STRIKE), dry_run=True)

        assert len(rebuilt.drift.moved) == 1
        assert rebuilt.published == 0
        assert len(revisions(database)) == 1
        assert rows(database, CalendarVersion) == []
        assert moved_messages(database) == []

    def test_taking_a_closure_back_moves_it_back(self, at_desk: Desk, database: Database) -> None:
        """The strike is called off: a third revision with the old date, and a second message."""
        promised(database, "R-1")
        drift.rebuild(closures(STRIKE))
        drift.rebuild(closures())

        assert [each.arrive_on for each in revisions(database)] == [MONDAY, TUESDAY, MONDAY]
        assert revisions(database)[-1].keeps_nbd
        assert len(moved_messages(database)) == 2

    def test_only_those_that_move_are_listed(self, at_desk: Desk, database: Database) -> None:
        """A closed day in Denmark leaves a delivery in the Netherlands alone."""
        promised(database, "R-1")
        promised(database, "R-2", depots=(VENLO,), country="NL", postal_code="1012")
        rebuilt = drift.rebuild(closures("region/DK,2026-11-23,2026-11-23,no,,storm,"))

        assert rebuilt.drift.open_promises == 2
        assert [each.request for each in rebuilt.drift.moved] == ["nordlyd/R-1"]

    def test_without_a_change_nothing_moves(self, at_desk: Desk, database: Database) -> None:
        """Control: republishing the regions as they are moves no promise, however it was made."""
        promised(database, "R-1")

        assert drift.rebuild(closures()).drift.moved == ()

    def test_a_handed_over_parcel_is_left_to_tracking(self, at_desk: Desk, database: Database) -> None:
        """Tendered: the calendar of the depot does not matter any more."""
        promised(database, "R-1")
        with database.write() as session:
            session.execute(update(Request).values(state=RequestState.TENDERED))

        assert drift.rebuild(closures(STRIKE)).drift.open_promises == 0

    def test_unreserved_requests_go_to_the_next_best_depot(self, at_desk: Desk, database: Database) -> None:
        """Nothing is on a shelf for it yet: another depot keeps the date, so nothing moves and nobody is told."""
        promised(database, "R-1", reserve=False)

        assert drift.rebuild(closures(STRIKE)).drift.moved == ()

    def test_reserved_parts_do_not_change_depots(self, at_desk: Desk, database: Database) -> None:
        """The others are written down as evidence, with the dates they could have kept."""
        promised(database, "R-1")
        drift.rebuild(closures(STRIKE))
        lost = {each["depot"]: each["why"] for each in revisions(database)[-1].alternatives}

        assert lost[FRANKFURT] == f"would promise 2026-11-23, parts are reserved at {COPENHAGEN}"

    def test_the_chain_of_the_audit_log_holds(self, at_desk: Desk, database: Database) -> None:
        """Moves are appended like everything else."""
        promised(database, "R-1", "R-2")
        drift.rebuild(closures(STRIKE))
        with database.read() as session:
            assert audit.verify(session) == []


class TestRefusing:
    def test_a_closure_of_nobody_is_refused(self, at_desk: Desk, database: Database) -> None:
        """A misspelt depot would close nothing in silence; nothing is published."""
        with pytest.raises(UnknownScope, match="DK-CPH"):
            drift.rebuild(closures("depot/DK-CHP,2026-11-20,2026-11-20,no,,strike,"))

        assert rows(database, CalendarVersion) == []

    def test_a_policy_change_alone_moves_nothing(self, at_desk: Desk, database: Database) -> None:
        """What was promised under the old cut-off holds: only days and clocks count, as the receipt's versions say."""
        promised(database, "R-1")
        earlier = dict(at_desk.pack.depot_by_code)
        strict = earlier[COPENHAGEN].model_copy(
            update={"cutoffs": earlier[COPENHAGEN].cutoffs.model_copy(update={"default": utc(2026, 1, 1, 7).time()})}
        )
        others = tuple(strict if depot.code == COPENHAGEN else depot for depot in at_desk.pack.depots)
        at_desk.pack = with_changes(at_desk.pack, depots=others)
        found = drift.find(promiser_under(at_desk, closures()))
        struck = drift.find(promiser_under(at_desk, closures(STRIKE)))

        assert found.moved == ()
        assert len(struck.moved) == 1, "control: with a calendar change the same request moves"

    def test_a_lane_that_is_gone_is_for_a_person(self, at_desk: Desk, database: Database) -> None:
        """The policy has no lane for a reserved parcel any more: it is named, not guessed."""
        promised(database, "R-1")
        at_desk.pack = with_changes(
            at_desk.pack, lanes=tuple(lane for lane in at_desk.pack.lanes if lane.depot != COPENHAGEN)
        )
        found = drift.find(promiser_under(at_desk, closures()))

        assert found.unanswered == ("nordlyd/R-1",)


class TestTogether:
    def test_a_request_in_the_hands_of_a_run_waits(self, at_desk: Desk, database: Database) -> None:
        """It is named as busy, stays as it is, and the next check moves it."""
        promised(database, "R-1")
        with database.write() as session:
            fence = claims.take(session, purpose="a-wave", at=clock.now())
            claims.claim_rows(session, Request, [rows(database, Request)[0].id], fence)
        first = drift.rebuild(closures(STRIKE)).drift
        with database.write() as session:
            claims.give_back(session, Request, fence)
        second = drift.move_drifted()

        assert (first.moved, first.busy) == ((), ("nordlyd/R-1",))
        assert len(second.moved) == 1
        assert len(revisions(database)) == 2

    def test_a_killed_rebuild_is_finished_by_the_next_check(self, at_desk: Desk, database: Database) -> None:
        """Published and then killed: the record says which promises still stand under old calendars."""
        promised(database, "R-1", "R-2")
        publish(at_desk, closures(STRIKE))

        assert len(drift.move_drifted().moved) == 2
        assert drift.move_drifted().moved == ()

    def test_many_checks_at_once_say_it_once(self, at_desk: Desk, database: Database) -> None:
        """Eight checks race: one revision and one message per promise, whoever wins."""
        promised(database, *(f"R-{n}" for n in range(6)))
        publish(at_desk, closures(STRIKE))
        live_promiser(at_desk)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: drift.move_drifted(), range(8)))

        assert sum(len(each.moved) for each in found) == 6
        assert len(rows(database, Promise)) == 12
        assert len(moved_messages(database)) == 6

    def test_a_revision_written_meanwhile_wins(
        self, at_desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between looking and writing another run wrote a revision: the stale judgement is not written over it."""
        promised(database, "R-1")
        publish(at_desk, closures(STRIKE))
        looked = drift.find(live_promiser(at_desk))
        drift.move_drifted()
        monkeypatch.setattr(drift, "find", _always(looked))
        stale = drift.move_drifted()

        assert (stale.moved, stale.busy) == ((), ("nordlyd/R-1",))
        assert len(revisions(database)) == 2


def _always(answer: drift.Drift) -> Callable[[LayeredPromiser], drift.Drift]:
    return lambda _promiser: answer
