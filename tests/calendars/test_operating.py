"""What a calendar says of a day, and how calendars combine."""

from __future__ import annotations

import pickle
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.operating import (
    BeyondHorizon,
    CalendarError,
    DifferentWindows,
    OperatingCalendar,
    Override,
    weekly,
)
from calendars.snapshot import load

DAYS = st.dates(date(2025, 1, 1), date(2032, 6, 30))
REGIONS = st.sampled_from(["DE-NW", "SA", "CN", "US-NY", "HK+policy", "NP", "BN", "JP", "CH-SO+policy"])


def region(key: str) -> OperatingCalendar:
    return load().calendar(key)


@given(REGIONS, DAYS, st.integers(1, 60))
def test_adding_and_counting_agree(key, day, count):
    """Counting the open days up to the n-th open day gives n."""
    calendar = region(key)

    assert calendar.count(day, calendar.add(day, count)) == count


@given(REGIONS, DAYS, st.integers(1, 60))
def test_added_day_is_open_and_later(key, day, count):
    """The n-th business day is open and strictly after the start."""
    reached = region(key).add(day, count)

    assert reached > day
    assert region(key).is_open(reached)


@given(REGIONS, DAYS)
def test_next_open_skips_only_closed_days(key, day):
    """From a day to the next open one, everything skipped is closed and has a reason."""
    calendar = region(key)
    reached = calendar.next_open(day)

    skipped = [day + timedelta(days=n) for n in range((reached - day).days)]
    assert all(calendar.why_closed(entry) for entry in skipped)
    assert calendar.is_open(reached)


@given(REGIONS, REGIONS, DAYS)
def test_intersection_is_open_where_both_are(left, right, day):
    """`&` is open exactly where both calendars are, and names whoever is closed."""
    both = region(left) & region(right)

    assert both.is_open(day) == (region(left).is_open(day) and region(right).is_open(day))
    assert bool(both.why_closed(day)) == (not both.is_open(day))


def test_calendars_cannot_be_added():
    """There is no `+`, which in the library drops the weekend of a Sunday-Thursday week."""
    with pytest.raises(TypeError):
        region("SA") + region("US-NY")  # type: ignore[operator]


def test_intersection_keeps_both_weekends():
    """Saudi Arabia and the United States together: neither Friday nor Sunday is open."""
    both = region("SA") & region("US-NY")

    assert not both.is_open(date(2026, 10, 16))
    assert not both.is_open(date(2026, 10, 18))


def test_adding_nothing_stays():
    """Zero business days later is the same day, open or not."""
    assert region("DE-NW").add(date(2026, 2, 14), 0) == date(2026, 2, 14)


def test_counting_backwards_is_refused():
    """A negative count is a mistake of the caller."""
    with pytest.raises(ValueError, match="forward"):
        region("DE-NW").add(date(2026, 2, 14), -1)


@pytest.mark.parametrize("day", [date(2023, 12, 31), date(2101, 7, 4)])
def test_days_outside_the_window_are_refused(day):
    """Nothing is known outside the window, so nothing is said: never a silent working day."""
    with pytest.raises(BeyondHorizon):
        region("US").is_open(day)


def test_day_beyond_the_horizon_is_doubtful():
    """Sri Lanka's table ends in 2026: 2027 is answered, and marked."""
    assert region("LK").is_doubtful(date(2027, 1, 14))
    assert "2026-12-31" in region("LK").why_doubtful(date(2027, 1, 14))
    assert not region("LK").is_doubtful(date(2026, 12, 30))


def test_estimated_days_are_doubtful_with_neighbours():
    """An estimated Eid may come a day earlier or later, so three days are doubtful; a week later none is."""
    calendar = region("EG")

    assert "estimated" in calendar.why_closed(date(2026, 5, 26))
    assert [calendar.is_doubtful(date(2026, 5, day)) for day in (24, 25, 26)] == [False, True, True]
    assert not calendar.is_doubtful(date(2026, 11, 11))


def test_override_makes_a_doubtful_day_certain():
    """A decree that names the day ends the doubt, whichever way it decides."""
    day = date(2027, 10, 8)
    decree = Override(first=day, last=day, open=True, reason="State Council")

    assert region("CN").is_doubtful(day)
    assert not region("CN").with_overrides([decree], layer="decree").is_doubtful(day)


def test_later_override_wins():
    """A closure range with one day re-opened later is open on that day, closed around it."""
    layers = [
        Override(first=date(2026, 12, 24), last=date(2027, 1, 3), open=False, reason="closure"),
        Override(first=date(2026, 12, 28), last=date(2026, 12, 28), open=True, reason="shift"),
    ]
    calendar = region("DE-NW").with_overrides(layers, layer="depot")

    assert calendar.is_open(date(2026, 12, 28))
    assert calendar.why_closed(date(2026, 12, 29)) == "closure [depot]"


def test_override_leaves_the_original_alone():
    """Calendars are immutable: an override makes another one with another version."""
    plain = region("DE-NW")
    closed = plain.with_overrides([Override(first=date(2026, 2, 10), last=date(2026, 2, 10), open=False, reason="x")])

    assert plain.is_open(date(2026, 2, 10))
    assert closed.version != plain.version
    assert closed != plain


def test_override_keeps_other_reasons():
    """After an override the region's holidays are still named, also over a combined calendar."""
    entry = [Override(first=date(2026, 2, 10), last=date(2026, 2, 10), open=False, reason="x")]
    combined = (region("DE-NW") & region("US-NY")).with_overrides(entry)

    assert "Corpus Christi" in region("DE-NW").with_overrides(entry).why_closed(date(2026, 6, 4))
    assert "Corpus Christi" in combined.why_closed(date(2026, 6, 4))
    assert combined.is_open(date(2026, 2, 11))


def test_backward_override_is_refused():
    """An override that ends before it starts is a typing error, not an empty one."""
    with pytest.raises(CalendarError):
        Override(first=date(2026, 2, 2), last=date(2026, 2, 1), open=False, reason="x")


def test_weekdays_replace_the_weekend_not_the_holidays():
    """A depot working Monday to Saturday in NW is open on Saturdays and closed on Corpus Christi."""
    six_days = region("DE-NW").with_weekdays(["MON", "TUE", "WED", "THU", "FRI", "SAT"])

    assert six_days.is_open(date(2026, 6, 6))
    assert not six_days.is_open(date(2026, 6, 4))
    assert not six_days.is_open(date(2026, 12, 26))


def test_unknown_weekday_is_refused():
    """A misspelt weekday must not be a closed one."""
    with pytest.raises(CalendarError):
        region("DE-NW").with_weekdays(["MONDAY"])  # type: ignore[list-item]


def test_half_day_is_open():
    """Turkey's half day on 28 October is open; it asks for an earlier cut-off."""
    assert region("TR").is_open(date(2026, 10, 28))
    assert region("TR").is_half_day(date(2026, 10, 28))
    assert not region("TR").is_half_day(date(2026, 10, 27))


def test_carrier_week_has_its_own_holidays():
    """A carrier moves on a public holiday, and not on its own."""
    carrier = load().weekly("carrier:ups", weekdays=("MON", "TUE", "WED", "THU", "FRI"), closed_on=[date(2026, 12, 25)])

    assert carrier.is_open(date(2026, 6, 4))
    assert carrier.why_closed(date(2026, 12, 25)) == "carrier holiday [carrier:ups]"
    assert not carrier.is_open(date(2026, 6, 6))


def test_carrier_beyond_its_review_is_doubtful():
    """Carrier holidays are reviewed per year; after that the carrier's days are provisional."""
    carrier = load().weekly("carrier:ups", through=date(2026, 12, 31))

    assert carrier.is_doubtful(date(2027, 1, 4))
    assert not carrier.is_doubtful(date(2026, 12, 31))


def test_windows_must_match():
    """Calendars of two snapshots cannot be mixed in silence."""
    short = weekly("x", first=date(2026, 1, 1), last=date(2026, 12, 31))

    with pytest.raises(DifferentWindows):
        region("DE-NW") & short


def test_closures_leave_plain_weekends_out():
    """Closures of a week with a holiday: the holiday alone."""
    found = list(region("DE-NW").closures(date(2026, 6, 1), date(2026, 6, 7)))

    assert [closure.on for closure in found] == [date(2026, 6, 4)]


def test_calendar_survives_pickling():
    """A calendar sent to another process is the same one."""
    again = pickle.loads(pickle.dumps(region("DE-NW")))

    assert again == region("DE-NW")
    assert again.why_closed(date(2026, 6, 4)) == region("DE-NW").why_closed(date(2026, 6, 4))
