"""The effective cut-off is the earlier of two limits on the depot's own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from calendars.cutoffs import CutoffRule
from infra.policy.model import Commitment, Pack
from tasks.rules.radar import Deadline, DepotDay, Fallback, Lost, Way, deadline, fallback, has_everything
from tasks.rules.sourcing import Offer, Wanted

FRIDAY, MONDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)
LONG_AGO = datetime(2026, 11, 19, 14, tzinfo=UTC)


def day(**changes: Any) -> DepotDay:
    facts: dict[str, Any] = {
        "zone": "Europe/Copenhagen", "cutoff": CutoffRule.of(time(15)), "pickup": time(16, 30), "packing_minutes": 45,
        "handling_business_days": 0,
    }  # fmt: skip
    return DepotDay(**{**facts, **changes})


@pytest.mark.parametrize(
    ("changes", "at", "limit"),
    [
        pytest.param({}, datetime(2026, 11, 20, 14, 0, tzinfo=UTC), "cut-off", id="15:00 before 15:45"),
        pytest.param({"packing_minutes": 120}, datetime(2026, 11, 20, 13, 30, tzinfo=UTC), "packing",
                     id="16:30 less two hours is 14:30"),
        pytest.param({"packing_minutes": 90}, datetime(2026, 11, 20, 14, 0, tzinfo=UTC), "cut-off", id="a tie"),
        pytest.param({"zone": "America/Mexico_City"}, datetime(2026, 11, 20, 21, 0, tzinfo=UTC), "cut-off",
                     id="UTC-6"),
        pytest.param({"handling_business_days": 1}, LONG_AGO, "cut-off", id="the cut-off it rides lies before"),
    ],
)  # fmt: skip
def test_the_earlier_limit_counts(changes: dict[str, Any], at: datetime, limit: str) -> None:
    """Cut-off, or pick-up minus packing; local to the depot."""
    assert deadline(day(**changes), FRIDAY, LONG_AGO) == Deadline(at=at, limit=limit)


def test_summer_and_winter_time_differ_by_an_hour() -> None:
    """The same wall clock on both sides of the change of October 2026."""
    summer, winter = (deadline(day(), on, LONG_AGO).at for on in (date(2026, 10, 23), date(2026, 10, 26)))

    assert (summer.hour, winter.hour) == (13, 14)


def test_a_started_minute_is_gone() -> None:
    """59 seconds left are no minute; one second too late is minus one."""
    limit = Deadline(at=datetime(2026, 11, 20, 14, tzinfo=UTC), limit="cut-off")

    assert limit.minutes_left(datetime(2026, 11, 20, 13, 59, 1, tzinfo=UTC)) == 0
    assert limit.minutes_left(datetime(2026, 11, 20, 14, 0, 1, tzinfo=UTC)) == -1


class TestStock:
    def test_lines_of_one_part_are_counted_together(self) -> None:
        """Three in stock, two and two wanted: not enough."""
        wanted = [Wanted(line=1, part="A", quantity=2), Wanted(line=2, part="A", quantity=2)]

        assert not has_everything(wanted, "X", lambda _depot, _part: 3, {})
        assert has_everything(wanted, "X", lambda _depot, _part: 4, {})

    def test_a_substitute_will_do(self) -> None:
        """None of A, one of B, which may go instead."""
        wanted = [Wanted(line=1, part="A", quantity=1)]
        free = {"B": 1}

        assert has_everything(wanted, "X", lambda _depot, part: free.get(part, 0), {"A": ("B",)})
        assert not has_everything(wanted, "X", lambda _depot, part: free.get(part, 0), {"A": ("C",)})


class TestFallback:
    MISSED = datetime(2026, 11, 20, 14, tzinfo=UTC)
    LATER = datetime(2026, 11, 20, 15, tzinfo=UTC)

    def way(self, pack: Pack, place: int, freight: str, arrive_on: date = MONDAY, **changes: Any) -> Way:
        offer = Offer(
            lane=pack.lanes[place], distance_km=100 + place, ship_on=FRIDAY, arrive_on=arrive_on, provisional=False,
            freight=Decimal(freight),
        )  # fmt: skip
        return Way(**{"offer": offer, "until": self.LATER, "in_stock": True, **changes})

    def found(self, *ways: Way) -> Fallback | Lost:
        return fallback(
            ways, missed_at=self.MISSED, freight=Decimal("10.00"), promised_on=MONDAY, commitment=Commitment.ARRIVE
        )

    def test_the_cheapest_that_keeps(self, pack: Pack) -> None:
        """Not the nearest, and its price against the way missed."""
        answer = self.found(self.way(pack, 0, "15.00"), self.way(pack, 1, "12.50"))

        assert isinstance(answer, Fallback)
        assert (answer.service, answer.extra_cost) == (pack.lanes[1].service, Decimal("2.50"))

    def test_too_late_dear_or_empty_ways_do_not_count(self, pack: Pack) -> None:
        """A later date, a cut-off of the same hour, an empty shelf: the promise is lost, and the best date is said."""
        answer = self.found(
            self.way(pack, 0, "1.00", TUESDAY),
            self.way(pack, 1, "1.00", TUESDAY, until=self.MISSED),
            self.way(pack, 2, "1.00", in_stock=False),
        )

        assert answer == Lost(best_on=TUESDAY)

    def test_a_cut_off_of_the_same_instant_is_missed_too(self, pack: Pack) -> None:
        """Whoever missed 15:00 has missed the other depot's 15:00."""
        assert isinstance(self.found(self.way(pack, 0, "1.00", until=self.MISSED)), Lost)

    def test_no_ways_at_all(self) -> None:
        """Nobody has the parts."""
        assert self.found() == Lost(best_on=None)
