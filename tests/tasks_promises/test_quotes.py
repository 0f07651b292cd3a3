"""Quotes agree with what a wave promises, say why, and may be asked for by everybody at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import pytest

from infra.clock import NaiveInstantError
from infra.db.engine import Database
from infra.policy.model import Pack
from tasks.case_answers import UnreadableCases, answer_cases
from tasks.desk import Desk
from tasks.quotes import NotQuoted, place, quote
from tasks.rules.closures import UnknownScope
from tests.tasks_promises.scenes import APPROVED, STRIKE, closures, promised, revisions, utc

CASES = Path(__file__).parents[3] / "shared" / "data" / "nbd_cases.json"


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "country", "subdivision", "postal_code"),
        [
            pytest.param("DE-BY/80331", "DE", "BY", "80331", id="all three"),
            pytest.param("gb/EC1A 1BB", "GB", None, "EC1A 1BB", id="small letters and a blank"),
            pytest.param("LU", "LU", None, "", id="a country alone"),
        ],
    )
    def test_places_are_read(self, text: str, country: str, subdivision: str | None, postal_code: str) -> None:
        """Country, subdivision where it matters, postal code as written."""
        site = place(text)

        assert (site.country, site.subdivision, site.postal_code) == (country, subdivision, postal_code)

    @pytest.mark.parametrize("text", ["", "Germany/80331", "DE-BAVARIA/80331", "DE/80331/Munich"])
    def test_other_writings_are_refused(self, text: str) -> None:
        """With an example of what is meant."""
        with pytest.raises(NotQuoted, match="DE-BY/80331"):
            place(text)


class TestQuotes:
    def test_best_first(self, pack: Pack) -> None:
        """Earliest at the site, then earliest out, then cheapest; both dates on every line."""
        found = quote(pack, place("DK/2100"), APPROVED)
        order = [(each.arrive_on, each.ship_on, each.freight) for each in found]

        assert order == sorted(order)
        assert (found[0].depot, found[0].ship_on, found[0].arrive_on) == (
            "DK-CPH", date(2026, 11, 20), date(2026, 11, 23)
        )  # fmt: skip

    def test_a_quote_is_what_a_wave_promises(self, at_desk: Desk, database: Database) -> None:
        """The same address and approval: the same depot, service and dates on record."""
        promised(database, "R-1")
        (recorded,) = revisions(database)
        same = [
            each
            for each in quote(at_desk.pack, place("DK/2100"), APPROVED)
            if (each.depot, each.service) == (recorded.depot, recorded.service)
        ]

        assert [(each.ship_on, each.arrive_on) for each in same] == [(recorded.ship_on, recorded.arrive_on)]

    def test_the_cut_off_second_is_on_time(self, pack: Pack) -> None:
        """15:00:00 in Copenhagen ships today, 15:00:01 does not, and the working says so."""
        in_time, late = (
            quote(pack, place("DK/2100"), utc(2026, 11, 20, 14, 0, second), depot="DK-CPH", service="express_saver")
            for second in (0, 1)
        )

        assert (in_time[0].ship_on, late[0].ship_on) == (date(2026, 11, 20), date(2026, 11, 23))
        assert any("the cut-off was 15:00" in line for line in late[0].working)
        assert not any("the cut-off was 15:00" in line for line in in_time[0].working)

    def test_closures_can_be_reckoned_with(self, pack: Pack) -> None:
        """What if Friday is lost? Without the closures the same quote ships on Friday."""
        layers = closures(STRIKE).layers
        struck = quote(pack, place("DK/2100"), APPROVED, depot="DK-CPH", layers=layers)
        plain = quote(pack, place("DK/2100"), APPROVED, depot="DK-CPH")

        assert (struck[0].ship_on, plain[0].ship_on) == (date(2026, 11, 23), date(2026, 11, 20))
        assert any("warning strike" in line for line in struck[0].working)

    @pytest.mark.parametrize(
        ("to", "options", "said"),
        [
            pytest.param("DK/2100", {"depot": "XX-YYY"}, "DK-CPH", id="no such depot"),
            pytest.param("DK/2100", {"depot": "US-SDF"}, "DK-CPH ups:express_saver", id="no lane from there"),
            pytest.param("DK/2100", {"service": "pigeon"}, "DK-CPH ups:express_saver", id="no such service"),
            pytest.param("XX/1", {}, "ISO 3166", id="no such country"),
            pytest.param("KZ/050000", {}, "no lane", id="not served"),
        ],
    )
    def test_what_cannot_be_quoted_says_what_can(self, pack: Pack, to: str, options: dict[str, str], said: str) -> None:
        """Every refusal names what there is instead."""
        with pytest.raises(NotQuoted, match=said):
            quote(pack, place(to), APPROVED, **options)  # type: ignore[arg-type]  # depot and service only

    def test_an_instant_without_a_zone_is_refused(self, pack: Pack) -> None:
        """Whose three o'clock would it be?"""
        with pytest.raises(NaiveInstantError):
            quote(pack, place("DK/2100"), datetime(2026, 11, 20, 15))  # noqa: DTZ001 - the point

    def test_a_closure_of_nobody_is_refused(self, pack: Pack) -> None:
        """A half day of a region closes nothing, so it is not accepted."""
        with pytest.raises(UnknownScope, match="half day"):
            quote(pack, place("DK/2100"), APPROVED, layers=closures("region/DK,2026-12-24,2026-12-24,,12:00,x,").layers)


class TestCases:
    @pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not beside this checkout")
    def test_the_shared_cases_come_out_as_expected(self) -> None:
        """Ids in order, dates as verified by hand; what a case expects is only read here."""
        document = json.loads(CASES.read_text("utf-8"))
        answers = answer_cases(CASES)
        expected = [(each["id"], each["expect"]["ship_date"], each["expect"]["promise_date"])
                    for each in document["cases"]]  # fmt: skip

        assert [(each["id"], each["ship_date"], each["promise_date"]) for each in answers][: len(expected)] == expected
        assert all({"provisional", "trace"} <= each.keys() for each in answers)

    def test_forty_threads_get_the_same_answers(self, tmp_path: Path) -> None:
        """Cold caches included: every thread's list equals the first one's."""
        document = {
            "cases": [
                {
                    "id": n,
                    "approved_at": f"2026-12-{day:02}T1{n % 10}:00:00Z",
                    "origin": {"region": "DE-BE", "cutoff": "14:00"},
                    "destination": {"region": region},
                }
                for n, (day, region) in enumerate((d, r) for d in range(1, 29) for r in ("DE-BY", "FR", "US-CA"))
            ]
        }
        path = tmp_path / "cases.json"
        path.write_text(json.dumps(document))
        with ThreadPoolExecutor(40) as pool:
            found = list(pool.map(lambda _: answer_cases(path), range(40)))

        assert len(found[0]) == 84
        assert all(each == found[0] for each in found)
        assert not any(each["refused"] for each in found[0])

    @pytest.mark.parametrize("text", ["", "[1, 2]", '{"cases": 3}', '{"cases": [1]}', "{"])
    def test_other_documents_are_refused(self, tmp_path: Path, text: str) -> None:
        """Nothing is answered from half a document."""
        path = tmp_path / "cases.json"
        path.write_text(text)

        with pytest.raises(UnreadableCases):
            answer_cases(path)
