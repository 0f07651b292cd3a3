"""Origin and destination of a lane, and the tables a promise is read from.

Everything that depends on calendars, zones, cut-offs, handling, pick-up, transit and customs is computed here once per
lane, for every open day of the window, vectorised; a promise is then a look-up. Called by `promises.compile_lane` only.
Days are offsets into the window; the window's length stands for "beyond it".
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from calendars.cutoffs import CutoffRule, second_of_day
from calendars.operating import CalendarError, DifferentWindows, NeverOpen, OperatingCalendar, Override, Weekday, weekly
from calendars.zones import DAY_SECONDS, EPOCH_ORDINAL, IntArray, offsets, zone

BoolArray = npt.NDArray[np.bool_]
IntColumn = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A depot as the promise sees it. `cutoff` and `dispatch` are wall-clock times in `zone`."""

    depot: str
    zone: str
    calendar: OperatingCalendar
    """Its region's public holidays with the depot's own closures applied (`with_overrides`)."""
    cutoff: CutoffRule
    weekdays: tuple[Weekday, ...] | None = None
    """The depot's working week, replacing its region's; None keeps the region's."""
    dispatch: time = time(17)
    """When the parcel leaves."""
    handling_business_days: int = 0
    pickup: OperatingCalendar | None = None
    """Days on which the carrier collects; None: whenever the depot is open."""

    def __post_init__(self) -> None:
        zone(self.zone)
        second_of_day(self.dispatch)
        if self.handling_business_days < 0:
            raise CalendarError(f"depot {self.depot}: handling_business_days is negative")

    @property
    def open_calendar(self) -> OperatingCalendar:
        """C_o: the calendar under the depot's own working week."""
        return self.calendar if self.weekdays is None else _own_week(self.calendar, self.weekdays)


@lru_cache(maxsize=1024)
def _own_week(calendar: OperatingCalendar, weekdays: tuple[Weekday, ...]) -> OperatingCalendar:
    return calendar.with_weekdays(weekdays)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the parcel is handed over."""

    zone: str
    delivery: OperatingCalendar
    """Days on which the place can be delivered to: its region's (and town's) business days."""
    receiving: OperatingCalendar | None = None
    """Days on which the consignee takes goods in; None: every delivery day."""
    customs: OperatingCalendar | None = None
    """Business days of the country's customs; None: the delivery calendar."""
    blackouts: tuple[Override, ...] = ()
    """Closed ranges of this consignee (inventory, site works)."""

    def __post_init__(self) -> None:
        zone(self.zone)
        if any(entry.open for entry in self.blackouts):
            raise CalendarError("a blackout closes days; to open one, override the receiving calendar")

    @property
    def customs_calendar(self) -> OperatingCalendar:
        return self.customs or self.delivery

    @property
    def receiving_calendar(self) -> OperatingCalendar:
        """R without the blackouts."""
        if self.receiving is None and not self.blackouts:
            return every_day(self.delivery.first, self.delivery.last)
        base = self.receiving or every_day(self.delivery.first, self.delivery.last)
        return base.with_overrides(self.blackouts, layer="blackout")


@lru_cache(maxsize=16)
def every_day(first: int, last: int) -> OperatingCalendar:
    """A party that never closes; the window is given in ordinals, inclusive."""
    return weekly("every day", first=date.fromordinal(first), last=date.fromordinal(last))


def _open(calendar: OperatingCalendar) -> BoolArray:
    return np.frombuffer(calendar.open_days, dtype=np.bool_)


class _Days:
    """Members of a calendar: the k-th after a day, the first from a day on, the doubtful ones between two days."""

    def __init__(self, is_open: BoolArray, doubtful: BoolArray) -> None:
        size = len(is_open)
        self.members = np.append(np.flatnonzero(is_open), size)
        self._before = np.zeros(size + 2, dtype=np.int64)
        np.cumsum(is_open, out=self._before[1 : size + 1])
        self._before[size + 1] = self._before[size] + 1
        self._doubts = np.zeros(size + 2, dtype=np.int64)
        np.cumsum(doubtful, out=self._doubts[1 : size + 1])
        self._doubts[size + 1] = self._doubts[size]

    @staticmethod
    def of(*calendars: OperatingCalendar) -> _Days:
        """Days on which all are open; doubtful where any is, because a skipped day was inspected too."""
        is_open, doubtful = _open(calendars[0]), _doubtful(calendars[0])
        for other in calendars[1:]:
            is_open, doubtful = is_open & _open(other), doubtful | _doubtful(other)
        return _Days(is_open, doubtful)

    def first_from(self, days: IntArray) -> IntArray:
        """First member on or after each day."""
        return self._member(self._before[days])

    def after(self, days: IntArray, count: int) -> IntArray:
        """The `count`-th member strictly after each day; 0 is the day itself."""
        return self._member(self._before[days + 1] + count - 1) if count else days

    def _member(self, index: IntArray) -> IntArray:
        found: IntArray = self.members[np.minimum(index, len(self.members) - 1)]
        return found

    def any_doubt(self, after: IntArray, to: IntArray) -> BoolArray:
        """Whether a doubtful day lies in (after, to]."""
        result: BoolArray = self._doubts[to + 1] > self._doubts[after + 1]
        return result


def _doubtful(calendar: OperatingCalendar) -> BoolArray:
    return np.frombuffer(calendar.doubtful_days, dtype=np.bool_)


BUCKET_SECONDS = 43_200
"""Cut-offs of consecutive open days are normally 22 hours apart or more, so a bucket holds one of them at most."""
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OriginTables:
    """One row per open day of the depot, by cut-off; all lanes of the origin share it. Days are ordinals."""

    first: int
    days: int
    """Length of the window."""
    release: IntArray
    cutoff: IntArray
    """Epoch seconds; never decreasing."""
    ready: IntArray
    ship: IntArray
    """`first + days` where the chain leaves the window."""
    doubtful: BoolArray
    dispatch: IntArray
    """Epoch seconds at which the parcel leaves on `ship`."""
    opens: int
    """Epoch second of the window's first local midnight: earlier approvals are refused."""
    bucket: array[int]
    """Half day since `start` -> first row whose cut-off is not before it."""
    cutoff_at: array[int]
    """`cutoff` for scalar access, closed by an instant that never comes."""
    ship_on: array[int]

    @property
    def start(self) -> int:
        """Epoch second of bucket 0: a midnight UTC before any zone's first local midnight, the same for all lanes."""
        return bucket_edges(self.first, self.days)[0]


def bucket_edges(first: int, days: int) -> range:
    """Epoch seconds at which the buckets of a window begin."""
    start = (first - 2 - EPOCH_ORDINAL) * DAY_SECONDS
    return range(start, start + (days + 4) * DAY_SECONDS, BUCKET_SECONDS)


@lru_cache(maxsize=512)
def origin_tables(origin: Origin) -> OriginTables:
    """What happens at the depot for each of its open days. Raises `NeverOpen`, `DifferentWindows`."""
    depot = origin.open_calendar
    pickup = origin.pickup or depot
    _require_same_window(depot, pickup)
    size, first = len(depot.flags), depot.first
    open_days, collected = _Days.of(depot), _Days.of(depot, pickup)
    release = open_days.members[:-1]
    if not len(release):
        raise NeverOpen(f"depot {origin.depot} has no open day between the first and last day of {depot.key}")
    ready = open_days.after(release, origin.handling_business_days)
    ship = collected.first_from(ready)
    local = offsets(origin.zone, first, depot.last)
    # A date's exceptional cut-off can lie after the next day's: the first day still reachable is then the earlier one.
    cutoff = np.maximum.accumulate(local.instants(release + first, origin.cutoff.seconds(release + first)))
    previous = np.append(-1, release[:-1])
    edges = np.array(bucket_edges(first, size), dtype=np.int64)
    return OriginTables(
        first=first,
        days=size,
        release=release + first,
        cutoff=cutoff,
        ready=ready + first,
        ship=ship + first,
        doubtful=open_days.any_doubt(previous, ship) | _Days.of(pickup).any_doubt(ready - 1, ship),
        dispatch=local.instants(ship + first, np.full(len(ship), second_of_day(origin.dispatch))),
        opens=int(local.instants(np.array([first]), np.array([0]))[0]),
        bucket=array("H", np.searchsorted(cutoff, edges).astype(np.uint16).tobytes()),
        cutoff_at=array("q", np.append(cutoff, _NEVER).tobytes()),
        ship_on=array("i", (ship + first).astype(np.int32).tobytes()),
    )


def _require_same_window(*calendars: OperatingCalendar) -> None:
    windows = {(calendar.first, len(calendar.flags)) for calendar in calendars}
    if len(windows) > 1:
        raise DifferentWindows(
            "calendars of one lane must come from one snapshot: " + ", ".join(c.key for c in calendars)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LaneTables:
    """The origin's rows continued to the destination, as far as the whole chain stays inside the window; ordinals."""

    origin: OriginTables
    base: IntColumn
    due: IntColumn
    cleared: IntColumn
    arrive: IntColumn
    provisional: BoolArray


def lane_tables(
    origin: Origin,
    destination: Destination,
    carrier: OperatingCalendar | None,
    transit_business_days: int,
    customs_business_days: int,
) -> LaneTables:
    """The formal definition of a promise, for every release day at once.

    base = max(ship, destination's local date of the dispatch); due = base (+) n over carrier and delivery days;
    cleared = due (+) c over customs days; arrive = first day from there that is delivery and receiving day.
    """
    start = origin_tables(origin)
    moving = carrier or every_day(destination.delivery.first, destination.delivery.last)
    delivery, receiving, customs = destination.delivery, destination.receiving_calendar, destination.customs_calendar
    _require_same_window(origin.calendar, moving, delivery, receiving, customs)
    size, first = start.days, start.first
    there = offsets(destination.zone, first, first + size - 1).local_days(start.dispatch)
    base = np.minimum(np.maximum(start.ship, there) - first, size)
    due = _Days.of(moving, delivery).after(base, transit_business_days)
    cleared = _Days.of(customs).after(due, customs_business_days)
    arrive = _Days.of(delivery, receiving).first_from(cleared)
    doubt = (
        start.doubtful
        | _Days.of(delivery).any_doubt(base, arrive)
        | _Days.of(moving).any_doubt(base, due)
        | _Days.of(customs).any_doubt(due, cleared)
        | _Days.of(receiving).any_doubt(cleared - 1, arrive)
    )
    # Every step of the chain keeps the order of days, so the rows that stay inside the window come first.
    known = int(np.count_nonzero(arrive < size))
    columns = [(days[:known] + first).astype(np.int32) for days in (base, due, cleared, arrive)]
    return LaneTables(
        origin=start,
        base=columns[0],
        due=columns[1],
        cleared=columns[2],
        arrive=columns[3],
        provisional=doubt[:known],
    )
