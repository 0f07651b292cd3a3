"""Which cut-off counts on which day."""

from __future__ import annotations

from datetime import UTC, date, time

import numpy as np
import pytest

from calendars.cutoffs import BadCutoff, CutoffRule

RULE = CutoffRule.of(time(15), by_weekday={"FRI": time(13)}, by_date={date(2026, 12, 25): time(0)})


@pytest.mark.parametrize(
    ("day", "wall"),
    [
        (date(2026, 12, 24), time(15)),
        (date(2026, 12, 18), time(13)),
        (date(2026, 12, 25), time(0)),
    ],
    ids=["default", "weekday", "date-beats-weekday-even-at-midnight"],
)
def test_date_beats_weekday_beats_default(day, wall):
    """The most special cut-off counts; midnight is a time like any other."""
    assert RULE.on(day) == wall
    assert RULE.seconds(np.array([day.toordinal()])).tolist() == [wall.hour * 3600]


@pytest.mark.parametrize("wall", [time(14, tzinfo=UTC), time(14, 0, 0, 1)])
def test_zoned_and_fractional_times_are_refused(wall):
    """The depot has the zone, and cut-offs are whole seconds."""
    with pytest.raises(BadCutoff):
        CutoffRule(default=wall)


def test_unknown_weekday_is_refused():
    """A misspelt weekday must not fall back to the default in silence."""
    with pytest.raises(BadCutoff):
        CutoffRule.of(time(14), by_weekday={"FRIDAY": time(12)})  # type: ignore[dict-item]
