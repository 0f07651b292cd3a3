"""Past requests under another policy: kept, missed and why, extra freight; and the chart of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.db.engine import Database
from infra.db.states import RequestState
from infra.policy.model import Money, Pack
from infra.policy.pack import SHIPPED
from infra.policy.problems import PolicyErrors
from tasks import charts
from tasks.backtests import Backtest, NotComparable, backtest, facts, other_pack
from tasks.desk import Desk
from tests import makers
from tests.tasks_promises.scenes import APPROVED, COPENHAGEN, promised, with_changes

DAY = date(2026, 11, 20)


def depots_with(pack: Pack, code: str, **changes: Any) -> Pack:
    return with_changes(
        pack, depots=tuple(each.model_copy(update=changes) if each.code == code else each for each in pack.depots)
    )


def stricter(pack: Pack) -> Pack:
    """Every depot's cut-off at nine in the morning."""
    nine = pack.depots[0].cutoffs.default.replace(hour=9, minute=0)
    cutoffs = pack.depots[0].cutoffs.model_copy(update={"default": nine, "by_weekday": {}, "by_service": {}})
    return with_changes(pack, depots=tuple(each.model_copy(update={"cutoffs": cutoffs}) for each in pack.depots))


def replay(other: Pack) -> Backtest:
    return backtest(other, since=DAY, until=DAY)


class TestVerdict:
    def test_the_same_policy_keeps_everything(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """Control: replayed under itself nothing is missed and no freight is added."""
        promised(database, "R-1", "R-2")
        total = replay(pack).verdict.total

        assert (total.live, total.extra_freight) == (total.other, Decimal(0))
        assert (total.other.kept, total.other.missed) == (2, 0)

    def test_an_earlier_cut_off_misses_what_came_after_it(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """Approved at 9:30 local; a cut-off at 9:00 makes it Monday's parcel, and the cause is the cut-off."""
        promised(database, "R-1")
        tested = replay(stricter(pack))

        assert (tested.verdict.total.live.missed, tested.verdict.total.other.missed) == (0, 1)
        assert tested.verdict.causes == {"cut-off passed": 1}
        assert tested.replayed[0].promised_on == date(2026, 11, 23)

    def test_a_later_cut_off_keeps_and_comes_earlier(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """Approved after the cut-off: the other policy would have been a day better."""
        promised(database, "R-1", approved_at=APPROVED + timedelta(hours=6))
        late = pack.depots[0].cutoffs.default.replace(hour=16, minute=0)
        cutoffs = pack.depot_by_code[COPENHAGEN].cutoffs.model_copy(update={"default": late})
        total = replay(depots_with(pack, COPENHAGEN, cutoffs=cutoffs)).verdict.total

        assert (total.other.kept, total.other.earlier) == (1, 1)

    @pytest.mark.parametrize(
        ("change", "cause"),
        [
            pytest.param({"handling_business_days": 2}, "longer handling", id="handling"),
            pytest.param({"weekdays": ("MON", "TUE", "WED", "THU")}, "depot closed", id="no Fridays"),
        ],
    )
    def test_causes_of_the_depot(
        self, at_desk: Desk, database: Database, pack: Pack, change: dict[str, Any], cause: str
    ) -> None:
        """The first step that differs is the cause, not the weekend that follows from it."""
        promised(database, "R-1")
        depots = tuple(each.model_copy(update=change) for each in pack.depots)

        assert replay(with_changes(pack, depots=depots)).verdict.causes == {cause: 1}

    @pytest.mark.parametrize(
        ("change", "cause"),
        [
            pytest.param({"transit_business_days": 4}, "longer transit", id="transit"),
            pytest.param({"customs_business_days": 3}, "longer customs", id="customs"),
        ],
    )
    def test_causes_of_the_lane(
        self, at_desk: Desk, database: Database, pack: Pack, change: dict[str, Any], cause: str
    ) -> None:
        """Every lane slower: the promise is missed for that reason."""
        promised(database, "R-1")
        lanes = tuple(lane.model_copy(update=change) for lane in pack.lanes)

        assert replay(with_changes(pack, lanes=lanes)).verdict.causes == {cause: 1}

    def test_no_lane_is_missed_and_unsent(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """The other policy does not reach Denmark: its freight is not compared."""
        promised(database, "R-1")
        lanes = tuple(lane for lane in pack.lanes if lane.to.country != "DK")
        total = replay(with_changes(pack, lanes=lanes)).verdict.total

        assert (total.other.unsent, total.other.missed, total.extra_freight) == (1, 1, Decimal(0))

    def test_extra_freight_is_the_difference(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """Every lane two euros dearer, three requests: six euros."""
        promised(database, "R-1", "R-2", "R-3")
        lanes = tuple(
            lane.model_copy(update={"freight": Money(amount=lane.freight.amount + 2, currency="EUR")})
            for lane in pack.lanes
        )
        verdict = replay(with_changes(pack, lanes=lanes)).verdict

        assert verdict.total.extra_freight == Decimal(6)
        assert sum((each.extra_freight for each in verdict.by_country), Decimal(0)) == Decimal(6)

    def test_a_cheaper_way_that_keeps_the_date_is_taken(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """Venlo made cheaper than Copenhagen: it sends, the date is kept, the depots' rows say so."""
        promised(database, "R-1")
        lanes = tuple(
            lane.model_copy(update={"freight": Money(amount=Decimal(1), currency="EUR")})
            if (lane.depot, lane.to.country) == ("NL-VNL", "DK") else lane
            for lane in pack.lanes
        )  # fmt: skip
        by_depot = {each.name: each for each in replay(with_changes(pack, lanes=lanes)).verdict.by_depot}

        assert (by_depot[COPENHAGEN].live.sent, by_depot[COPENHAGEN].other.sent) == (1, 0)
        assert (by_depot["NL-VNL"].other.kept, by_depot["NL-VNL"].extra_freight < 0) == (1, True)

    def test_requests_outside_the_days_are_not_replayed(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """Both days inclusive, in UTC; refused requests never were parcels."""
        promised(database, "R-1", approved_at=APPROVED.replace(hour=0, minute=0))
        promised(database, "R-2", approved_at=APPROVED.replace(day=19, hour=23, minute=59))
        with database.write() as session:
            makers.request(session, "R-3", approved_at=APPROVED, state=RequestState.REFUSED)

        assert [each.request for each in replay(pack).replayed] == ["nordlyd/R-1"]

    def test_unpromised_requests_are_measured_by_the_live_policy(
        self, at_desk: Desk, database: Database, pack: Pack
    ) -> None:
        """Nothing was said yet: what the live policy would promise is the date to keep."""
        with database.write() as session:
            makers.partner(session)
            makers.request(session, "R-1", approved_at=APPROVED, state=RequestState.HELD)
        tested = replay(stricter(pack))

        assert (tested.verdict.total.live.kept, tested.verdict.total.other.missed) == (1, 1)

    def test_two_currencies_are_not_compared(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """Sums of euros and crowns would be nonsense."""
        lanes = tuple(
            lane.model_copy(update={"freight": Money(amount=lane.freight.amount, currency="DKK")})
            for lane in pack.lanes
        )

        with pytest.raises(NotComparable, match="DKK, EUR"):
            replay(with_changes(pack, lanes=lanes))

    def test_facts_name_every_miss(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """For a machine: which request, what it would have got, and why."""
        promised(database, "R-1")
        (missed,) = facts(replay(stricter(pack)))["missed"]

        assert (missed["request"], missed["why"], missed["other"]["kept"]) == ("nordlyd/R-1", "cut-off passed", False)


class TestOtherPack:
    def test_one_file_replaces_its_namesake(self, pack: Pack, tmp_path: Path) -> None:
        """The other files are the base's; the version is that of the whole."""
        text = (SHIPPED / "depots.yaml").read_text("utf-8").replace("default: 15:00", "default: 12:00")
        (tmp_path / "depots.yaml").write_text(text, "utf-8")
        by_file, by_folder = other_pack(tmp_path / "depots.yaml"), other_pack(tmp_path)

        assert by_file.depot_by_code[COPENHAGEN].cutoffs.default.hour == 12
        assert by_file.lanes == pack.lanes
        assert by_file.version == by_folder.version != pack.version

    def test_a_strange_file_is_refused(self, tmp_path: Path) -> None:
        """A misspelt name must not be a silent replay of the same policy."""
        (tmp_path / "depot.yaml").write_text("depots: []\n")

        with pytest.raises(PolicyErrors, match=r"depots\.yaml"):
            other_pack(tmp_path)

    def test_nothing_there_is_refused(self, tmp_path: Path) -> None:
        """An empty folder, or none."""
        with pytest.raises(FileNotFoundError):
            other_pack(tmp_path)
        with pytest.raises(FileNotFoundError):
            other_pack(tmp_path / "nowhere")


class TestChart:
    def test_bars_are_as_long_as_their_numbers(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """Kept and missed of both policies add up to equal lengths; the numbers stand beside them."""
        promised(database, "R-1", "R-2")
        drawn = charts.svg(replay(stricter(pack)))
        root = ET.fromstring(drawn)
        bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("height") == str(charts.BAR)]
        texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
        widths = [float(each.get("width") or 0) for each in bars[:4]]

        assert widths[0] == widths[3] > widths[1] == widths[2] == 0
        assert "2 / 0" in texts
        assert "0 / 2" in texts

    def test_names_are_escaped(self, at_desk: Desk, database: Database, pack: Pack) -> None:
        """A depot called <b> is printed, not obeyed."""
        promised(database, "R-1")
        tested = replay(pack)
        (group,) = tested.verdict.by_depot
        named = replace(tested, verdict=replace(tested.verdict, by_depot=(replace(group, name="<b>&"),)))

        assert "&lt;b&gt;&amp;" in charts.svg(named)

    def test_an_empty_backtest_is_drawn_too(self, at_desk: Desk, pack: Pack) -> None:
        """No requests, no division by zero."""
        assert "0 requests" in charts.svg(replay(pack))

    def test_files_are_written_by_their_ending(
        self, at_desk: Desk, database: Database, pack: Pack, tmp_path: Path
    ) -> None:
        """SVG and PNG; anything else is refused."""
        promised(database, "R-1")
        tested = replay(pack)
        charts.write_chart(tested, tmp_path / "out.svg")
        charts.write_chart(tested, tmp_path / "out.png")

        assert (tmp_path / "out.svg").read_text("utf-8").startswith("<svg ")
        assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
        with pytest.raises(charts.UnknownChart, match=r"\.svg or \.png"):
            charts.write_chart(tested, tmp_path / "out.gif")
