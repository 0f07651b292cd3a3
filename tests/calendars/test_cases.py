"""The hand-verified next-business-day cases, and what our answers must contain for anybody to trust them."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from calendars.cases import answer_document, promise_case

CASES_PATH = Path(__file__).parents[3] / "shared" / "data" / "nbd_cases.json"


@pytest.fixture(scope="module")
def document():
    if not CASES_PATH.exists():
        pytest.skip("the hand-verified cases (shared/data/nbd_cases.json) are not beside this checkout")
    return json.loads(CASES_PATH.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def answers(document):
    return {answer["id"]: answer for answer in answer_document(document)}


def case(**changes):
    """A Tuesday in Berlin, one second before the cut-off; `changes` reach into origin and destination by prefix."""
    made = {
        "id": "T1",
        "approved_at": "2026-02-10T12:59:59Z",
        "origin": {"region": "DE-BE", "tz": "Europe/Berlin", "calendar": "DE-BE", "cutoff": "14:00"},
        "destination": {"region": "DE-BE", "tz": "Europe/Berlin", "calendar": "DE-BE"},
    }
    for name, value in changes.items():
        end, _, key = name.partition("__")
        if key:
            made[end][key] = value
        else:
            made[end] = value
    return made


def dates(answer):
    return answer["ship_date"], answer["promise_date"]


def test_every_public_case_is_answered(document, answers):
    """All hand-verified cases have the expected ship and promise date."""
    wrong = {
        case["id"]: (dates(answers[case["id"]]), case["expect"])
        for case in document["cases"]
        if dates(answers[case["id"]]) != (case["expect"]["ship_date"], case["expect"]["promise_date"])
    }

    assert len(document["cases"]) >= 60
    assert wrong == {}


def test_expectations_are_never_read(document, answers):
    """Removing what a document expects changes no answer."""
    blind = copy.deepcopy(document)
    for entry in [*blind["cases"], *blind["horizon_cases"]]:
        for key in ("expect", "common_wrong_answer", "rationale", "approved_local"):
            entry.pop(key, None)

    assert {a["id"]: a for a in answer_document(blind)} == answers


def test_wrong_zones_are_noticed(document):
    """Negative control: the cases fail when every zone is UTC, so they do test zones."""
    flat = copy.deepcopy(document)
    for entry in flat["cases"]:
        entry["origin"]["tz"] = entry["destination"]["tz"] = "UTC"

    expected = [(c["expect"]["ship_date"], c["expect"]["promise_date"]) for c in document["cases"]]
    assert [dates(a) for a in answer_document(flat)][: len(expected)] != expected


def test_horizon_cases_are_never_silent(document, answers):
    """A date beyond the data is refused or provisional, with the reason."""
    for entry in document["horizon_cases"]:
        answer = answers[entry["id"]]
        assert answer["provisional"]
        assert answer["provisional_reason"]


def test_date_within_the_data_is_firm():
    """Negative control of the horizon: a German working day next year is open and not provisional."""
    [answer] = answer_document({"horizon_cases": [{"id": "X", "region": "DE-BE", "date": "2027-03-09"}]})

    assert (answer["open"], answer["provisional"], answer["refused"]) == (True, False, False)


def test_answers_keep_the_order_asked():
    """Answers come in the document's order, horizon cases last."""
    document = {
        "cases": [case(id="b"), case(id="a")],
        "horizon_cases": [{"id": "h", "region": "US", "date": "2101-07-04"}],
    }

    assert [answer["id"] for answer in answer_document(document)] == ["b", "a", "h"]


def test_document_defaults_apply():
    """A case without cut-off, dispatch and lengths takes the document's defaults."""
    bare = case()
    del bare["origin"]["cutoff"]
    document = {"semantics": {"defaults": {"cutoff": "13:00"}}, "cases": [bare]}

    [answer] = answer_document(document)

    assert dates(answer) == ("2026-02-11", "2026-02-12")


def test_one_bad_case_does_not_silence_others():
    """A case with an unknown zone is refused alone."""
    refused, good = answer_document({"cases": [case(origin__tz="Europe/Atlantis"), case()]})

    assert (refused["refused"], dates(refused)) == (True, (None, None))
    assert dates(good) == ("2026-02-10", "2026-02-11")


def test_naive_approval_is_refused():
    """An approval without a zone is not read in the host's zone."""
    [answer] = answer_document({"cases": [case(approved_at="2026-02-10T12:59:59")]})

    assert answer["refused"]
    assert "zone" in answer["provisional_reason"]


@pytest.mark.parametrize(
    ("changes", "ship", "arrive"),
    [
        pytest.param({"approved_at": "2026-02-10T13:00:00Z"}, "2026-02-10", "2026-02-11", id="exact-second-on-time"),
        pytest.param({"approved_at": "2026-02-10T13:00:00.001Z"}, "2026-02-11", "2026-02-12", id="a-millisecond-late"),
        pytest.param({"handling_business_days": 2}, "2026-02-12", "2026-02-13", id="two-handling-days"),
        pytest.param(
            {"approved_at": "2026-12-24T10:30:00Z", "origin__cutoff_overrides": {"2026-12-24": "11:00"}},
            "2026-12-28",
            "2026-12-29",
            id="half-day",
        ),
        pytest.param(
            {
                "destination__overrides": [
                    {"from": "2026-02-11", "to": "2026-02-13", "open": False, "reason": "stocktake"},
                    {"from": "2026-02-12", "to": "2026-02-12", "open": True, "reason": "emergency"},
                ]
            },
            "2026-02-10",
            "2026-02-12",
            id="later-destination-override-wins",
        ),
        pytest.param(
            {"destination__calendar": "DE-BY+catholic", "approved_at": "2025-08-14T10:00:00Z"},
            "2025-08-14",
            "2025-08-18",
            id="category-key",
        ),
        pytest.param(
            {"destination__calendar": "DE-Augsburg", "approved_at": "2025-08-07T10:00:00Z"},
            "2025-08-07",
            "2025-08-11",
            id="non-iso-calendar-friedensfest-friday",
        ),
        pytest.param(
            {"destination__calendar": "FR-67", "approved_at": "2026-04-02T08:00:00Z"},
            "2026-04-02",
            "2026-04-07",
            id="iso-parent-alsace-good-friday",
        ),
        pytest.param(
            {
                "destination__calendar": "SE+de_facto",
                "destination__tz": "Europe/Stockholm",
                "approved_at": "2026-06-18T08:00:00Z",
            },
            "2026-06-18",
            "2026-06-22",
            id="midsummer-eve",
        ),
        pytest.param(
            {"destination__calendar": "SE", "approved_at": "2026-06-18T08:00:00Z"},
            "2026-06-18",
            "2026-06-19",
            id="plain-key-is-the-library",
        ),
        pytest.param(
            # Vancouver keeps -7 since 2026: 14:00 there in December is 21:00 UTC, with old data 22:00
            {
                "origin__tz": "America/Vancouver",
                "origin__calendar": "CA-BC",
                "destination__tz": "America/Vancouver",
                "destination__calendar": "CA-BC",
                "approved_at": "2026-12-08T21:30:00Z",
            },
            "2026-12-09",
            "2026-12-10",
            id="pinned-tzdata",
        ),
        pytest.param(
            # cut-off 02:30 does not exist in Berlin on 29 March 2026: it moves to 03:30 CEST = 01:30 UTC
            {
                "origin__cutoff": "02:30",
                "approved_at": "2026-03-29T01:30:00Z",
                "origin__overrides": [
                    {"from": "2026-03-29", "to": "2026-03-29", "open": True, "reason": "Sunday shift"}
                ],
            },
            "2026-03-29",
            "2026-03-30",
            id="gap-moves-forward",
        ),
        pytest.param(
            # 02:30 happens twice on 25 October 2026; the first is CEST = 00:30 UTC
            {
                "origin__cutoff": "02:30",
                "approved_at": "2026-10-25T00:30:01Z",
                "origin__overrides": [
                    {"from": "2026-10-25", "to": "2026-10-25", "open": True, "reason": "Sunday shift"}
                ],
            },
            "2026-10-26",
            "2026-10-27",
            id="fold-takes-the-first",
        ),
        pytest.param(
            {
                "origin__tz": "Pacific/Honolulu",
                "origin__calendar": "US-HI",
                "destination__tz": "Pacific/Auckland",
                "destination__calendar": "NZ-AUK",
                "approved_at": "2026-08-17T20:00:00Z",
            },
            "2026-08-17",
            "2026-08-19",
            id="date-line-westward",
        ),
        pytest.param(
            {
                "origin__tz": "Asia/Riyadh",
                "origin__calendar": "SA",
                "destination__tz": "Asia/Riyadh",
                "destination__calendar": "SA",
                "approved_at": "2026-10-15T12:00:00Z",
            },
            "2026-10-18",
            "2026-10-19",
            id="friday-saturday-weekend",
        ),
        pytest.param(
            {
                "origin__tz": "Asia/Shanghai",
                "origin__calendar": "CN",
                "destination__tz": "Asia/Shanghai",
                "destination__calendar": "CN",
                "approved_at": "2026-02-13T08:00:00Z",
            },
            "2026-02-14",
            "2026-02-24",
            id="make-up-saturday",
        ),
    ],
)
def test_traps_of_the_field(changes, ship, arrive):
    """One trap per row: cut-off seconds, DST nights, date line, weekends, layers, categories."""
    assert promise_case(case(**changes)).ship_by.isoformat() == ship
    assert promise_case(case(**changes)).arrive_on.isoformat() == arrive
