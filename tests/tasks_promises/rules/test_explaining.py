"""Every step a trace can hold is read; what cannot be read is quoted, never left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from calendars import snapshot
from infra.policy.model import Pack
from tasks.rules.explaining import (
    Depot,
    Reason,
    Receipt,
    calendars_changed,
    choice,
    differences,
    promised,
    working,
)
from tasks.rules.promising import Promiser, Site

AT = datetime(2026, 12, 23, 16, 30, 5, tzinfo=UTC)


def step(kind: str, party: str, reason: str, on: str | None = None, at: str | None = None) -> dict[str, Any]:
    return {"kind": kind, "party": party, "reason": reason, "on": on, "at": at}


def receipt(**changes: Any) -> Receipt:
    facts: dict[str, Any] = {
        "revision": 1, "commitment": "arrive", "ship_on": date(2026, 11, 20), "arrive_on": date(2026, 11, 23),
        "provisional": False, "depot": "DK-CPH", "service": "ups:express_saver", "versions": {}, "trace": [],
        "alternatives": [],
    }  # fmt: skip
    return Receipt(**{**facts, **changes})


@pytest.mark.parametrize(
    ("country", "postal_code"),
    [("DE", "80331"), ("NO", "9600"), ("JP", "1000001"), ("BR", "69000"), ("US", "96813"), ("NZ", "1010")],
)
def test_every_real_trace_is_read(pack: Pack, country: str, postal_code: str) -> None:
    """Customs, date line, remote places, Christmas: no step of any offer falls through to its raw words."""
    promiser = Promiser(pack, snapshot.load())
    site = Site(country=country, subdivision=None, postal_code=postal_code, city="")
    for offer in promiser.offers(site, AT):
        said = working(promiser.working(offer.lane, site, AT).trace)

        assert "%(words)s" not in [each.sentence for each in said]


def test_an_unknown_step_is_quoted() -> None:
    """A trace of another release says something new: in its own words rather than not at all."""
    (said,) = working([step("teleported", "depot", "by magic", on="2026-11-20")])

    assert said.values == {"words": "2026-11-20 depot: by magic"}


@pytest.mark.parametrize("kind", ["late", "cutoff", "ship", "dispatch", "transit"])
def test_a_reason_of_another_form_is_quoted(kind: str) -> None:
    """The kinds we know with words we do not."""
    (said,) = working([step(kind, "depot", "something else", on="2026-11-20", at="2026-11-20T15:00:00+01:00")])

    assert said.sentence == "%(words)s"


def test_reasons_lose_their_calendar_key() -> None:
    """A weekend is a weekend; a holiday keeps its name; an override its words, without where it was written."""
    skipped = [
        step("skipped", "depot", reason, on="2026-11-20")
        for reason in ("weekend (Sat) [DK@MONTUE]", "Christmas Day [DE-BY]", "strike [depot/DK-CPH, ops/1]")
    ]

    assert [said.values["why"] for said in working(skipped)] == [
        Reason(text="weekend"), Reason(text="Christmas Day"), Reason(text="strike"),
    ]  # fmt: skip


def test_a_later_start_is_told_apart_from_the_approval() -> None:
    """Planned the day after: approval first, then the instant everything counts from; packing is not a cut-off."""
    trace = [
        step("approved", "request", "approval instant", at="2026-11-20T15:40:00+00:00"),
        step("local", "depot", "local time of DK-CPH (Europe/Copenhagen)", at="2026-11-20T16:40:00+01:00"),
        step("late", "depot", "approved at 16:40:00, cut-off was 15:45", on="2026-11-20"),
    ]
    approved_at = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    sentences = [said.sentence for said in working(trace, approved_at=approved_at)]

    assert sentences[0] == "Approved on %(at)s UTC."
    assert sentences[1].startswith("Counted from %(at)s UTC")
    assert "packing had to begin" in sentences[3]
    assert "the cut-off was" in working(trace)[2].sentence, "control: counted from the approval it is a cut-off"


def test_both_commitments_name_both_dates() -> None:
    """The promised one first, the other as a target; doubt is said."""
    said = promised(receipt(commitment="ship", provisional=True))

    assert [each.values.get("day") for each in said] == [date(2026, 11, 20), date(2026, 11, 23), None]
    assert said[0].sentence == "Promised: dispatch on %(day)s."


@pytest.mark.parametrize(
    ("why", "value"),
    [
        pytest.param("short of A-1, B-2", ("parts", "A-1, B-2"), id="stock"),
        pytest.param("would promise 2026-11-24", ("day", date(2026, 11, 24)), id="date"),
        pytest.param("639 km away, taken 5 km", ("km", "639"), id="distance"),
        pytest.param("would promise 2026-11-23, parts are reserved at DK-CPH", ("holder", Depot(code="DK-CPH")),
                     id="reserved"),
        pytest.param("because I say so", ("why", "because I say so"), id="unknown words"),
    ],
)  # fmt: skip
def test_every_reason_to_lose_is_read(why: str, value: tuple[str, object]) -> None:
    """Those of sourcing, of drift, and unknown ones as they are."""
    lost = choice(receipt(alternatives=[{"depot": "NL-VNL", "service": "ups:standard", "why": why}]))[1]

    assert lost.values[value[0]] == value[1]


class TestDifferences:
    def test_equal_receipts_differ_in_nothing(self) -> None:
        """Control: one sentence, that the date stays."""
        assert [said.sentence for said in differences(receipt(), receipt())] == ["The promised date stays %(day)s."]

    @pytest.mark.parametrize(
        ("kind", "sentence"),
        [("transit", "The journey takes"), ("customs", "Customs takes"), ("handling", "The depot takes")],
    )
    def test_lengths_are_compared(self, kind: str, sentence: str) -> None:
        """One day then, two now."""
        one, two = ([step(kind, "x", f"{kind} business day {n}", on="2026-11-23") for n in range(1, count + 1)]
                    for count in (1, 2))  # fmt: skip
        found = differences(receipt(trace=one), receipt(trace=two))

        assert [said.sentence.startswith(sentence) for said in found] == [False, True]

    def test_the_same_weekend_with_another_party_explains_nothing(self) -> None:
        """The carrier's Saturday then, the depot's Saturday now."""
        before = [step("skipped", "carrier", "weekend (Sat) [ups:standard]", on="2026-11-21")]
        after = [step("skipped", "depot", "weekend (Sat) [DK]", on="2026-11-21")]

        assert len(differences(receipt(trace=before), receipt(trace=after))) == 1

    def test_changed_versions_are_named(self) -> None:
        """Only those both receipts use."""
        before, after = ({"policy": p, "tzdata": "2026f", f"depot {k}": "1"} for p, k in (("a", "X"), ("b", "Y")))
        said = differences(receipt(versions=before), receipt(versions=after))

        assert [each.values["name"] for each in said[1:]] == ["policy"]


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"policy": "other"}, False, id="policy alone"),
        pytest.param({"data": "snapshot 2"}, False, id="regions it does not use"),
        pytest.param({"depot DK": "other"}, True, id="the depot's days"),
        pytest.param({"tzdata": "2027a"}, True, id="clocks"),
        pytest.param({"half days DK-CPH": "new"}, True, id="a half day"),
    ],
)
def test_calendars_are_told_from_policy(changed: dict[str, str], answer: bool) -> None:  # noqa: FBT001 - a row
    """A promise moves for days and clocks, not because somebody edited a cut-off."""
    versions = {"policy": "p", "data": "snapshot 1", "tzdata": "2026f", "depot DK": "1"}

    assert calendars_changed(versions, {**versions, **changed}) is answer


def test_spare_time_is_a_length() -> None:
    """Days, hours, minutes and seconds of the trace's own words."""
    (said,) = working([step("cutoff", "depot", "cut-off of 2026-12-28 met with 3 days, 22:30:01 to spare",
                            at="2026-12-28T15:00:00+01:00")])  # fmt: skip

    assert said.values["spare"] == timedelta(days=3, hours=22, minutes=30, seconds=1)
