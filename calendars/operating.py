"""OperatingCalendar: on which days one party is open, why not, and how sure we are.

Immutable and shareable between threads. Made by `snapshot` (regions), `overrides` (layers) and `weekly` (carriers);
read by `lanes` and `promises`, and by whoever counts business days (return windows).
Two calendars are combined with `&` (open where both are). There is no `+`: adding calendars is how weekends get lost.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from types import MappingProxyType
from typing import Literal, Protocol

Weekday = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
WEEKDAYS: tuple[Weekday, ...] = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

WEEKEND, HOLIDAY, MAKE_UP, ESTIMATED, HALF_DAY, FORCED_OPEN, FORCED_CLOSED, BEYOND = (1 << bit for bit in range(8))
"""What is known of a day, one bit each. A half day is an earlier cut-off, never a closed day."""


def _opens(flags: int) -> bool:
    if flags & FORCED_OPEN:
        return True
    if flags & FORCED_CLOSED:
        return False
    return bool(flags & MAKE_UP) or not flags & (WEEKEND | HOLIDAY)


def _doubts(flags: int) -> bool:
    """An explicit override is certain, whatever the calendar below it could not know."""
    return not flags & (FORCED_OPEN | FORCED_CLOSED) and bool(flags & (ESTIMATED | BEYOND))


_OPEN_TABLE = bytes(_opens(flags) for flags in range(256))
_DOUBT_TABLE = bytes(_doubts(flags) for flags in range(256))


class CalendarError(ValueError):
    """Base of this room's refusals.

    CalendarError
    ├── BeyondHorizon       no table for that day: recompile the snapshot with a wider window, or refuse
    ├── DifferentWindows    calendars of two snapshots were mixed
    ├── NeverOpen           no day left in the window: mend the calendar
    └── ContradictoryOverrides   one layer says open and closed for a day
    """


class BeyondHorizon(CalendarError):
    """The day lies outside the compiled window, so nothing is known about it."""


class DifferentWindows(CalendarError):
    """Calendars of different windows cannot be combined: load both from one snapshot."""


class NeverOpen(CalendarError):
    """The calendar has no open day left in its window."""


class ContradictoryOverrides(CalendarError):
    """One layer declares a day both open and closed: decide which."""


class HolidayNames(Protocol):
    """Looks up what a region calls a day; `snapshot` provides one that loads its texts only when asked."""

    def __getitem__(self, ordinal: int) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Days `first` to `last` (inclusive) are `open` or not, whatever the layers below say.

    `source` is evidence for people: a file and line, a decree, a ticket.
    """

    first: date
    last: date
    open: bool
    reason: str
    source: str = ""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise CalendarError(f"override ends before it starts: {self.first} to {self.last} ({self.reason})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """One closed day that is not simply the weekend."""

    on: date
    reason: str


def _tables(open_days: bytes, first: int) -> tuple[array[int], array[int]]:
    """Open days as ordinals, and for each day of the window how many open days lie before it."""
    days = array("i", (first + offset for offset, is_open in enumerate(open_days) if is_open))
    rank, seen = array("i", bytes(4 * (len(open_days) + 1))), 0
    for offset, is_open in enumerate(open_days):
        rank[offset] = seen
        seen += is_open
    rank[len(open_days)] = seen
    return days, rank


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OperatingCalendar:
    """Open and closed days of one party from `first` on, one flag byte per day.

    Equal when key and days are equal. Methods take and give `date`s; ordinals stay inside the room.
    """

    key: str
    """For example `DE-NW`, `SE+policy`, `carrier:ups`."""
    first: int
    """Ordinal of the window's first day."""
    flags: bytes
    through: date
    """Last day for which the data are reviewed; later days are provisional."""
    source: str = ""
    """Version of what it was made from, for the receipt."""
    names: HolidayNames | None = field(default=None, repr=False)
    notes: Mapping[int, str] = field(default_factory=dict, repr=False)
    """Reasons of overridden days, by ordinal."""
    parts: tuple[OperatingCalendar, ...] = field(default=(), repr=False)
    """What `&` combined."""
    open_days: bytes = field(init=False, repr=False)
    """1 or 0 per day."""
    doubtful_days: bytes = field(init=False, repr=False)
    """1 where the day is beyond `through` or rests on an estimated date."""
    version: str = field(init=False)
    _lazy: list[tuple[array[int], array[int]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        set_once = object.__setattr__
        set_once(self, "notes", MappingProxyType(dict(self.notes)))
        set_once(self, "open_days", self.flags.translate(_OPEN_TABLE))
        set_once(self, "doubtful_days", self.flags.translate(_DOUBT_TABLE))
        digest = blake2b(f"{self.key} {self.first} ".encode() + self.flags, digest_size=6)
        set_once(self, "version", digest.hexdigest())
        set_once(self, "_lazy", [])

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (
            self.key,
            self.first,
            self.flags,
            self.through,
            self.source,
            self.names,
            dict(self.notes),
            self.parts,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OperatingCalendar):
            return NotImplemented
        return (self.key, self.first, self.flags) == (other.key, other.first, other.flags)

    def __hash__(self) -> int:
        return hash(self.version)

    @property
    def last(self) -> int:
        """Ordinal of the window's last day, inclusive."""
        return self.first + len(self.flags) - 1

    def _offset(self, day: date) -> int:
        offset = day.toordinal() - self.first
        if not 0 <= offset < len(self.flags):
            raise BeyondHorizon(
                f"{day} is outside {date.fromordinal(self.first)} to {date.fromordinal(self.last)}, "
                f"the days known to calendar {self.key}",
            )
        return offset

    def _day_tables(self) -> tuple[array[int], array[int]]:
        # Built on first use. Two threads may both build them: the results are equal and either may win.
        if not self._lazy:
            self._lazy.append(_tables(self.open_days, self.first))
        return self._lazy[0]

    def is_open(self, day: date) -> bool:
        """Whether `day` is a business day here. Raises `BeyondHorizon`; see `is_doubtful` for how sure."""
        return bool(self.open_days[self._offset(day)])

    def is_doubtful(self, day: date) -> bool:
        """Whether what we say of `day` may still change: beyond `through`, or an estimated lunar date."""
        return bool(self.doubtful_days[self._offset(day)])

    def is_half_day(self, day: date) -> bool:
        """Whether the region calls it a half day: the day is open, the depot should set an earlier cut-off."""
        return bool(self.flags[self._offset(day)] & HALF_DAY)

    def next_open(self, day: date) -> date:
        """First open day on or after `day`. Raises `BeyondHorizon` when the window ends first."""
        return self._nth(self._day_tables()[1][self._offset(day)], day)

    def add(self, day: date, count: int) -> date:
        """`count`-th open day strictly after `day`; 0 is `day` itself. Raises `BeyondHorizon`; ValueError below 0."""
        if count < 0:
            raise ValueError("business days are only counted forward")
        offset = self._offset(day)
        return self._nth(self._day_tables()[1][offset + 1] + count - 1, day) if count else day

    def _nth(self, index: int, day: date) -> date:
        days = self._day_tables()[0]
        if index >= len(days):
            raise BeyondHorizon(f"calendar {self.key} has no such open day after {day} in its window")
        return date.fromordinal(days[index])

    def count(self, after: date, to: date) -> int:
        """How many open days lie in (after, to]; so `count(d, add(d, n)) == n`. Negative when `to` is earlier."""
        rank = self._day_tables()[1]
        return rank[self._offset(to) + 1] - rank[self._offset(after) + 1]

    def why_closed(self, day: date) -> str:
        """The reason in words; an empty string for an open day."""
        offset = self._offset(day)
        if self.open_days[offset]:
            return ""
        if self.parts:
            reasons = (part.why_closed(day) for part in self.parts)
            return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
        return self._own_reason(offset, self.flags[offset])

    def _own_reason(self, offset: int, flags: int) -> str:
        ordinal = self.first + offset
        if ordinal in self.notes:
            return self.notes[ordinal]
        if flags & HOLIDAY:
            name = self.names[ordinal] if self.names is not None else "holiday"
            return f"{name} [{self.key}]"
        return f"weekend ({WEEKDAYS[(ordinal - 1) % 7].title()}) [{self.key}]"

    def why_doubtful(self, day: date) -> str:
        """Why what we say of `day` is provisional; an empty string when it is not."""
        offset = self._offset(day)
        if not self.doubtful_days[offset]:
            return ""
        if self.parts:
            reasons = (part.why_doubtful(day) for part in self.parts)
            return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
        if self.flags[offset] & BEYOND:
            return f"{day} is beyond {self.through}, the reviewed horizon of {self.key}"
        return f"{day} lies at an estimated date of {self.key}: it is announced late"

    def closures(self, first: date, last: date) -> Iterator[Closure]:
        """Closed days in [first, last] that are not merely the weekend, in order."""
        for offset in range(self._offset(first), self._offset(last) + 1):
            ordinal = self.first + offset
            merely_weekend = not self.parts and not self.flags[offset] & (HOLIDAY | FORCED_CLOSED)
            if not self.open_days[offset] and not merely_weekend:
                day = date.fromordinal(ordinal)
                yield Closure(on=day, reason=self.why_closed(day))

    def __and__(self, other: OperatingCalendar) -> OperatingCalendar:
        """Open where both are open; doubtful where the outcome is. Raises `DifferentWindows`."""
        if (self.first, len(self.flags)) != (other.first, len(other.flags)):
            raise DifferentWindows(f"{self.key} and {other.key} cover different days")
        mine, theirs = (c.parts or (c,) for c in (self, other))
        return OperatingCalendar(
            key=f"{self.key} & {other.key}",
            first=self.first,
            flags=bytes(map(_both, self.flags, other.flags)),
            through=min(self.through, other.through),
            source="; ".join(dict.fromkeys(filter(None, (self.source, other.source)))),
            parts=(*mine, *theirs),
        )

    def with_weekdays(self, weekdays: Iterable[Weekday]) -> OperatingCalendar:
        """The same holidays under another working week: `weekdays` replace the region's. Make-up days stay open.

        Raises `CalendarError` for an empty week, an unknown name, and for a combined calendar (change its parts).
        """
        wanted = frozenset(weekdays)
        if not wanted or not wanted <= set(WEEKDAYS) or self.parts:
            raise CalendarError(f"cannot give {self.key} the working week {sorted(wanted)}")
        closed = bytes(WEEKEND * (name not in wanted) for name in WEEKDAYS)
        start = (self.first - 1) % 7
        flags = bytes((f & ~WEEKEND) | closed[(start + i) % 7] for i, f in enumerate(self.flags))
        week = "".join(name for name in WEEKDAYS if name in wanted)
        return replace_days(self, key=f"{self.key}@{week}", flags=flags)

    def with_overrides(self, overrides: Iterable[Override], *, layer: str = "override") -> OperatingCalendar:
        """The calendar with `overrides` applied in order, later entries winning.

        Days of an override outside the window are ignored: it may state more years than we compile.
        On a combined calendar the result stands alone; reasons of untouched days are still those of the parts.
        """
        flags, notes = bytearray(self.flags), dict(self.notes)
        for entry in overrides:
            mark = FORCED_OPEN if entry.open else FORCED_CLOSED
            first, last = max(entry.first.toordinal(), self.first), min(entry.last.toordinal(), self.last)
            for ordinal in range(first, last + 1):
                offset = ordinal - self.first
                flags[offset] = (flags[offset] & ~(FORCED_OPEN | FORCED_CLOSED)) | mark
                notes[ordinal] = f"{entry.reason} [{layer}{', ' + entry.source if entry.source else ''}]"
        if bytes(flags) == self.flags and notes == dict(self.notes):
            return self
        changed = bytes(flags)
        return replace_days(
            self, key=f"{self.key}/{layer}", flags=changed, notes=notes, names=_Fallback.of(self), parts=()
        )


@dataclass(frozen=True, slots=True)
class _Fallback:
    """Names of a calendar's days after an override: still those of the calendar below."""

    below: OperatingCalendar

    @staticmethod
    def of(below: OperatingCalendar) -> HolidayNames | None:
        return _Fallback(below) if below.parts else below.names

    def __getitem__(self, ordinal: int) -> str:
        return self.below.why_closed(date.fromordinal(ordinal))


def replace_days(
    calendar: OperatingCalendar,
    *,
    key: str,
    flags: bytes,
    notes: Mapping[int, str] | None = None,
    names: HolidayNames | None = None,
    parts: tuple[OperatingCalendar, ...] | None = None,
) -> OperatingCalendar:
    """A copy with other days; what is not given stays."""
    return replace(
        calendar,
        key=key,
        flags=flags,
        notes=calendar.notes if notes is None else notes,
        names=calendar.names if names is None else names,
        parts=calendar.parts if parts is None else parts,
    )


def _both(left: int, right: int) -> int:
    """Flags of a day two parties must both be open on: certain when either is certainly closed."""
    is_open = _opens(left) and _opens(right)
    surely_closed = any(not _opens(f) and not _doubts(f) for f in (left, right))
    doubtful = not surely_closed and (_doubts(left) or _doubts(right))
    beyond = (left | right) & (BEYOND | ESTIMATED) if doubtful else 0
    return (0 if is_open else HOLIDAY) | beyond


def _restored(  # noqa: PLR0917 - called by pickle only, which knows positions
    key: str,
    first: int,
    flags: bytes,
    through: date,
    source: str,
    names: HolidayNames | None,
    notes: dict[int, str],
    parts: tuple[OperatingCalendar, ...],
) -> OperatingCalendar:
    return OperatingCalendar(
        key=key, first=first, flags=flags, through=through, source=source, names=names, notes=notes, parts=parts
    )


def weekly(
    key: str,
    *,
    first: date,
    last: date,
    weekdays: Iterable[Weekday] = WEEKDAYS,
    closed_on: Iterable[date] = (),
    through: date | None = None,
    reason: str = "carrier holiday",
) -> OperatingCalendar:
    """A calendar of weekdays without public holidays, as carriers keep it; `closed_on` are its own holidays.

    `through` is the last day for which `closed_on` was reviewed (default: `last`).
    """
    wanted, closed, horizon = frozenset(weekdays), frozenset(closed_on), through or last
    if not wanted or not wanted <= set(WEEKDAYS):
        raise CalendarError(f"{key} cannot have the working week {sorted(wanted)}")
    days = [date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1)]
    flags = bytes(
        WEEKEND * (WEEKDAYS[day.weekday()] not in wanted) | HOLIDAY * (day in closed) | BEYOND * (day > horizon)
        for day in days
    )
    notes = {day.toordinal(): f"{reason} [{key}]" for day in closed}
    return OperatingCalendar(key=key, first=first.toordinal(), flags=flags, through=horizon, notes=notes)
