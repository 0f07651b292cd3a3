"""Until when an approval rides today's wave: the depot's wall-clock cut-off, per weekday and per date.

A half day is an earlier cut-off on that date, never a closed day. One rule per depot and service: a service with
cut-offs of its own gets an Origin of its own. Read by `lanes`, which turns the rule into instants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property

import numpy as np

from calendars.operating import WEEKDAYS, CalendarError, Weekday
from calendars.zones import IntArray


class BadCutoff(CalendarError):
    """A cut-off must be a local wall-clock time in whole seconds, without a zone: the depot has the zone."""


def second_of_day(wall: time) -> int:
    """Seconds since local midnight. Raises `BadCutoff` for a time with a zone or with fractions of a second."""
    if wall.tzinfo is not None or wall.microsecond:
        raise BadCutoff(f"{wall.isoformat()}: {BadCutoff.__doc__}")
    return (wall.hour * 60 + wall.minute) * 60 + wall.second


@dataclass(frozen=True, kw_only=True)
class CutoffRule:
    """The latest approval that still counts for a day; the exact second is on time.

    A date beats a weekday, a weekday beats the default. Hashable; build it with `CutoffRule.of` from mappings.
    """

    default: time
    by_weekday: tuple[tuple[Weekday, time], ...] = ()
    by_date: tuple[tuple[date, time], ...] = ()

    def __post_init__(self) -> None:
        for wall in (self.default, *(w for _, w in self.by_weekday), *(w for _, w in self.by_date)):
            second_of_day(wall)
        if not {name for name, _ in self.by_weekday} <= set(WEEKDAYS):
            raise BadCutoff(f"unknown weekday in {self.by_weekday}")

    @staticmethod
    def of(
        default: time,
        *,
        by_weekday: Mapping[Weekday, time] | None = None,
        by_date: Mapping[date, time] | None = None,
    ) -> CutoffRule:
        """From the mappings a policy file gives."""
        return CutoffRule(
            default=default,
            by_weekday=tuple(sorted((by_weekday or {}).items())),
            by_date=tuple(sorted((by_date or {}).items())),
        )

    @cached_property
    def _lookup(self) -> tuple[dict[date, time], dict[Weekday, time]]:
        return dict(self.by_date), dict(self.by_weekday)

    def on(self, day: date) -> time:
        """The local cut-off of `day`."""
        dates, weekdays = self._lookup
        return dates.get(day, weekdays.get(WEEKDAYS[day.weekday()], self.default))

    def seconds(self, days: IntArray) -> IntArray:
        """`on` for many ordinals at once, in seconds of the day."""
        week = np.array([second_of_day(dict(self.by_weekday).get(name, self.default)) for name in WEEKDAYS])
        found = week[(days - 1) % 7].astype(np.int64)
        for day, wall in self.by_date:
            found[days == day.toordinal()] = second_of_day(wall)
        return found
