"""The stored receipt in words: the working, why this depot, and why a date moved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.db.engine import Database
from infra.documents.words import LANGUAGES, UnknownLanguageError
from tasks import drift
from tasks.desk import Desk
from tasks.explanations import AmbiguousRequest, NotPromised, UnknownRequest, explain, explain_move
from tests import makers
from tests.tasks_promises.scenes import APPROVED, COPENHAGEN, STRIKE, VENLO, closures, promised, revisions


def test_the_working_is_told_in_order(at_desk: Desk, database: Database) -> None:
    """Promise, approval, local time, cut-off, skipped days with who and why, both dates, the choice, the versions."""
    promised(database, "R-1")
    told = explain("nordlyd/R-1").sentences
    milestones = [
        "Promised: delivery on Monday, 23 November 2026.",
        "Target: dispatch on Friday, 20 November 2026.",
        "Approved on Fri 20 Nov 08:30 UTC.",
        "At the depot in Copenhagen (DK-CPH) it was then Fri 20 Nov 09:30.",
        "In time for the cut-off on Fri 20 Nov 15:00, with 5 hrs 30 mins to spare.",
        "It leaves the depot in Copenhagen (DK-CPH) on Friday, 20 November 2026.",
        "Not Saturday, 21 November 2026: the carrier does not deliver (weekend).",
        "Transit day 1: Monday, 23 November 2026.",
        "It arrives on Monday, 23 November 2026.",
    ]

    assert [sentence for sentence in told if sentence in milestones] == milestones
    assert told[-1].startswith("Computed from calendars snapshot ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_tells_the_whole_story(at_desk: Desk, database: Database, language: str) -> None:
    """As many sentences as in English, none of them the English one."""
    promised(database, "R-1")
    drift.rebuild(closures(STRIKE))
    english, told = explain("R-1").sentences, explain("R-1", language=language).sentences

    assert len(told) == len(english)
    assert language == "en" or not set(told) & set(english)


def test_a_late_approval_is_told_with_its_second(at_desk: Desk, database: Database) -> None:
    """One second past the cut-off names both."""
    promised(database, "R-1", approved_at=APPROVED + timedelta(hours=5, minutes=30, seconds=1, days=-1))
    told = explain("R-1").sentences

    assert "Too late for Thursday, 19 November 2026: the cut-off was 15:00, the approval came at 15:00:01." in told


def test_losing_depots_are_told_with_their_reason(at_desk: Desk, database: Database) -> None:
    """Copenhagen has nothing on the shelf, so Venlo sends: the new revision says so."""
    promised(database, "R-1", depots=(VENLO,))
    told = explain("R-1").sentences
    depots = {each.depot for each in revisions(database)}

    assert VENLO in depots
    assert any(sentence.startswith("Taken: Venlo (NL-VNL)") for sentence in told)
    assert any("Copenhagen (DK-CPH)" in sentence and "too little stock of HND-1001" in sentence for sentence in told)


class TestMoves:
    def test_the_step_that_differs_is_named(self, at_desk: Desk, database: Database) -> None:
        """Monday became Tuesday because the depot lost a day; weekends both journeys meet are not mentioned."""
        promised(database, "R-1")
        drift.rebuild(closures(STRIKE))
        told = explain_move("R-1").sentences

        assert told[:2] == (
            "Promised delivery moved from Monday, 23 November 2026 to Tuesday, 24 November 2026.",
            "Not Friday, 20 November 2026: the depot is closed (warning strike).",
        )
        assert not any("weekend" in sentence for sentence in told)

    def test_a_half_day_is_told_as_a_cut_off(self, at_desk: Desk, database: Database) -> None:
        """The cut-off of the day moved before the approval."""
        promised(database, "R-1")
        drift.rebuild(closures("depot/DK-CPH,2026-11-20,2026-11-20,,09:00,stocktaking,"))
        told = explain_move("R-1").sentences

        assert "The cut-off on Friday, 20 November 2026 is 09:00 instead of 15:00." in told
        assert "Too late for Friday, 20 November 2026: the cut-off was 09:00, the approval came at 09:30." in told

    def test_another_depot_is_told_with_what_the_first_lacked(self, at_desk: Desk, database: Database) -> None:
        """Promised from Copenhagen, sent from Venlo, for want of stock."""
        promised(database, "R-1", depots=(VENLO,))
        told = explain_move("R-1").sentences

        assert "It leaves from Venlo (NL-VNL) instead of Copenhagen (DK-CPH)." in told
        assert any("too little stock of HND-1001" in sentence for sentence in told)

    def test_any_two_revisions_can_be_compared(self, at_desk: Desk, database: Database) -> None:
        """A strike called off: the newest against the first says the date stayed."""
        promised(database, "R-1")
        drift.rebuild(closures(STRIKE))
        drift.rebuild(closures())

        assert explain_move("R-1", since=1).sentences[0] == "The promised date stays Monday, 23 November 2026."
        assert "No longer skipped: Friday, 20 November 2026 (warning strike)." in explain_move("R-1").sentences

    def test_one_revision_never_moved(self, at_desk: Desk, database: Database) -> None:
        """There is nothing to compare, and it says so."""
        promised(database, "R-1")

        with pytest.raises(NotPromised, match="never moved"):
            explain_move("R-1")


class TestAsking:
    def test_an_explanation_does_not_change_with_the_calendars(self, at_desk: Desk, database: Database) -> None:
        """Revision 1 reads the same before and after a strike day was published."""
        promised(database, "R-1")
        before = explain("R-1", revision=1).sentences
        drift.rebuild(closures(STRIKE))

        assert explain("R-1", revision=1).sentences == before

    def test_unknown_numbers_are_refused(self, at_desk: Desk, database: Database) -> None:
        """Neither a number nor partner/number."""
        promised(database, "R-1")

        with pytest.raises(UnknownRequest):
            explain("nordlyd/R-2")
        with pytest.raises(UnknownRequest):
            explain("nobody/R-1")

    def test_a_number_of_two_partners_is_ambiguous(self, at_desk: Desk, database: Database) -> None:
        """Both are named; with the partner it is clear."""
        promised(database, "R-1")
        with database.write() as session:
            makers.partner(session, "other")
            makers.request(session, "R-1", partner="other")

        with pytest.raises(AmbiguousRequest, match="nordlyd/R-1, other/R-1"):
            explain("R-1")
        assert explain("nordlyd/R-1").request == "nordlyd/R-1"

    def test_a_number_may_hold_a_slash(self, at_desk: Desk, database: Database) -> None:
        """The partner's numbers are its own."""
        promised(database, "2026/17")

        assert explain("2026/17").request == "nordlyd/2026/17"
        assert explain("nordlyd/2026/17").request == "nordlyd/2026/17"

    def test_nothing_promised_yet_is_said(self, at_desk: Desk, database: Database) -> None:
        """An approved request has no receipt; a revision that is none names those there are."""
        with database.write() as session:
            makers.partner(session)
            makers.request(session, "R-1")
        promised(database, "R-2")

        with pytest.raises(NotPromised, match="nothing has been promised"):
            explain("R-1")
        with pytest.raises(NotPromised, match="only 1"):
            explain("R-2", revision=5)

    def test_other_languages_are_refused(self, at_desk: Desk, database: Database) -> None:
        """We do not guess."""
        promised(database, "R-1")

        with pytest.raises(UnknownLanguageError):
            explain("R-1", language="sv")


def test_a_machine_gets_the_facts_too(at_desk: Desk, database: Database) -> None:
    """Trace, versions and alternatives as they are on record."""
    promised(database, "R-1")
    facts = explain("R-1").facts

    assert facts["depot"] == COPENHAGEN
    assert facts["trace"] == revisions(database)[0].trace
    assert facts["versions"]["policy"] == at_desk.pack.version
