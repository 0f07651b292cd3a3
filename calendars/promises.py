"""The promise: which day it ships, which day it arrives, and the working behind both dates.

    release  = first depot day whose cut-off is not before the approval      (the exact second is on time)
    ready    = handling business days later; ship = first pick-up day from there
    base     = the later of ship and the destination's local date at dispatch  (matters across the date line)
    arrive   = transit days after base over carrier and delivery days, customs days, then the first receiving day

Tasks call `compile_lane` once per lane and snapshot, then `lane.quick` or `promise_batch` for many requests and
`lane.promise` for the receipt of one. The plan's wording (`ship` or `arrive`) is the caller's: both are computed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from calendars.cutoffs import CutoffRule
from calendars.lanes import (
    BUCKET_SECONDS,
    Destination,
    IntColumn,
    LaneTables,
    Origin,
    OriginTables,
    bucket_edges,
    every_day,
    lane_tables,
)
from calendars.operating import BeyondHorizon, CalendarError, NeverOpen, OperatingCalendar
from calendars.traces import LaneDays, TraceStep, doubts, walk
from calendars.zones import DAY_SECONDS, EPOCH_ORDINAL, TZDATA_VERSION

__all__ = [
    "CutoffRule",
    "Destination",
    "Lane",
    "LaneBook",
    "NaiveApproval",
    "Origin",
    "Promise",
    "TraceStep",
    "compile_lane",
    "latest",
    "promise_batch",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NaiveApproval(CalendarError):
    """The approval instant has no zone: say which, for example 2026-11-20T14:05:00+01:00."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Both dates of one approval, with the evidence: `ship_by` is the depot's date, `arrive_on` the site's."""

    approved_at: datetime
    """UTC."""
    ship_by: date
    arrive_on: date
    provisional: bool
    provisional_reason: str
    """Empty when the promise is firm."""
    cutoff_at: datetime
    """The instant (UTC) of the cut-off this approval rides: until then, inclusive, the promise holds."""
    versions: tuple[tuple[str, str], ...]
    """Of tzdata, the snapshot and every calendar used, by name."""
    trace: tuple[TraceStep, ...]

    def promised(self, commitment: Literal["ship", "arrive"]) -> date:
        """The date the plan's wording promises; the other one is a target."""
        return self.ship_by if commitment == "ship" else self.arrive_on

    def explain(self) -> str:
        """The working, one line per step."""
        return "\n".join(str(step) for step in self.trace)


def epoch_seconds(approved_at: datetime) -> int:
    """Whole seconds since 1970, rounded up: a fraction of a second past the cut-off is late. Raises `NaiveApproval`."""
    if approved_at.tzinfo is None or approved_at.utcoffset() is None:
        raise NaiveApproval(f"{approved_at.isoformat()}: {NaiveApproval.__doc__}")
    return -((_EPOCH - approved_at) // timedelta(seconds=1))


class Lane:
    """A compiled lane: tables of every cut-off of the window. Never changed, shareable between threads, picklable."""

    __slots__ = (
        "_arrive",
        "_bucket",
        "_cutoff",
        "_opens",
        "_provisional",
        "_ship",
        "_start",
        "carrier",
        "customs_business_days",
        "destination",
        "origin",
        "tables",
        "transit_business_days",
    )

    def __init__(
        self,
        *,
        origin: Origin,
        destination: Destination,
        carrier: OperatingCalendar | None,
        transit_business_days: int,
        customs_business_days: int,
        tables: LaneTables,
    ) -> None:
        self.origin, self.destination, self.carrier = origin, destination, carrier
        self.transit_business_days, self.customs_business_days = transit_business_days, customs_business_days
        self.tables = tables
        self._start, self._opens = tables.origin.start, tables.origin.opens
        self._bucket, self._cutoff, self._ship = tables.origin.bucket, tables.origin.cutoff_at, tables.origin.ship_on
        self._arrive = array("i", tables.arrive.tobytes())
        self._provisional = tuple(tables.provisional.tolist())

    def quick(self, epoch: int) -> tuple[int, int, bool]:
        """(ship ordinal, arrive ordinal, provisional) for an approval at `epoch`, whole seconds since 1970.

        Ordinals as in `date.fromordinal`. Raises `BeyondHorizon` outside the compiled window.
        """
        if epoch < self._opens:
            raise self._refusal(epoch)
        try:
            row = self._bucket[(epoch - self._start) // BUCKET_SECONDS]
            while self._cutoff[row] < epoch:
                row += 1
            return self._ship[row], self._arrive[row], self._provisional[row]
        except IndexError:
            # rows whose chain leaves the window have no arrival
            raise self._refusal(epoch) from None

    def _refusal(self, epoch: int) -> BeyondHorizon:
        window = self.tables.origin
        first, last = date.fromordinal(window.first), date.fromordinal(window.first + window.days - 1)
        asked = date.fromordinal(EPOCH_ORDINAL + epoch // DAY_SECONDS)
        return BeyondHorizon(f"approval on {asked}: the whole chain must lie between {first} and {last}")

    def promise(self, approved_at: datetime) -> Promise:
        """The full promise with its receipt. `approved_at` is aware. Raises `NaiveApproval`, `BeyondHorizon`."""
        epoch = epoch_seconds(approved_at)
        _, _, provisional = self.quick(epoch)
        days = self._days_of(int(np.searchsorted(self.tables.origin.cutoff, epoch)))
        return Promise(
            approved_at=approved_at.astimezone(UTC),
            ship_by=days.ship,
            arrive_on=days.arrive,
            provisional=provisional,
            provisional_reason="; ".join(doubts(self, days)) if provisional else "",
            cutoff_at=days.cutoff_at,
            versions=self.versions,
            trace=walk(self, approved_at, epoch, days),
        )

    def _days_of(self, row: int) -> LaneDays:
        here, there = self.tables.origin, self.tables
        previous = int(here.release[row - 1]) if row else here.first - 1
        columns = (here.release, here.ready, here.ship, there.base, there.due, there.cleared, there.arrive)
        release, ready, ship, base, due, cleared, arrive = (date.fromordinal(int(column[row])) for column in columns)
        return LaneDays(
            previous=date.fromordinal(previous),
            release=release,
            ready=ready,
            ship=ship,
            base=base,
            due=due,
            cleared=cleared,
            arrive=arrive,
            cutoff_at=datetime.fromtimestamp(int(here.cutoff[row]), UTC),
        )

    @property
    def moving(self) -> OperatingCalendar:
        """K: days on which the carrier moves parcels."""
        return self.carrier or every_day(self.destination.delivery.first, self.destination.delivery.last)

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """What the promise was made from, by name."""
        parties = {
            "depot": self.origin.open_calendar,
            "pickup": self.origin.pickup,
            "carrier": self.carrier,
            "delivery": self.destination.delivery,
            "receiving": self.destination.receiving,
            "customs": self.destination.customs,
        }
        used = {name: calendar for name, calendar in parties.items() if calendar is not None}
        sources = sorted({calendar.source for calendar in used.values() if calendar.source})
        return (
            ("tzdata", TZDATA_VERSION),
            *(("data", source) for source in sources),
            *((f"{name} {calendar.key}", calendar.version) for name, calendar in used.items()),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _lane, (
            self.origin,
            self.destination,
            self.carrier,
            self.transit_business_days,
            self.customs_business_days,
        )


def compile_lane(
    origin: Origin,
    destination: Destination,
    *,
    carrier: OperatingCalendar | None = None,
    transit_business_days: int = 1,
    customs_business_days: int = 0,
) -> Lane:
    """Compiles one lane over the whole window of its calendars (a millisecond; keep it while the snapshot lives).

    `carrier` None: a network that moves every day, so only the ends decide. One transit day is the next business day.
    Raises `DifferentWindows`, `NeverOpen`, `CalendarError` for impossible lengths.
    """
    if transit_business_days < 1 or customs_business_days < 0:
        raise CalendarError("transit takes at least one business day, customs none or more")
    return _lane(origin, destination, carrier, transit_business_days, customs_business_days)


def _lane(
    origin: Origin,
    destination: Destination,
    carrier: OperatingCalendar | None,
    transit: int,
    customs: int,
) -> Lane:
    tables = lane_tables(origin, destination, carrier, transit, customs)
    if not len(tables.arrive):
        raise NeverOpen(f"no promise is possible from {origin.depot}: a calendar of the lane never opens")
    return Lane(
        origin=origin,
        destination=destination,
        carrier=carrier,
        transit_business_days=transit,
        customs_business_days=customs,
        tables=tables,
    )


def latest(promises: Iterable[Promise]) -> Promise:
    """The promise that surely holds when the destination is ambiguous: the one arriving last (then shipping last).

    Give it one promise per alternative region. Raises ValueError when there is none.
    """
    return max(promises, key=lambda promise: (promise.arrive_on, promise.ship_by, promise.provisional))


_ARRIVE_BITS, _SHIP_SHIFT = 10, 11
_BLOCK = 32_768
"""Rows worked on at once, so that the temporaries stay in the processor's cache."""


class LaneBook:
    """Many lanes of one window, their tables laid end to end for `promise_batch`. Keep it as long as its lanes."""

    __slots__ = ("_answer", "_bucket", "_cutoff", "_edges", "_first", "_opens", "_steps", "lanes")

    def __init__(self, lanes: Sequence[Lane]) -> None:
        origins = [lane.tables.origin for lane in lanes]
        if len({(origin.first, origin.days) for origin in origins}) != 1:
            raise CalendarError("a book holds at least one lane, all of one snapshot")
        self.lanes, self._first = tuple(lanes), origins[0].first
        self._edges = bucket_edges(origins[0].first, origins[0].days)
        self._opens = np.array([origin.opens for origin in origins], dtype=np.int64)
        sizes = [len(origin.cutoff_at) for origin in origins]
        ends = np.cumsum([0, *sizes])
        buckets = [np.frombuffer(origin.bucket, dtype=np.uint16).astype(np.int32) for origin in origins]
        self._bucket = np.concatenate([found + end for found, end in zip(buckets, ends, strict=False)], dtype=np.int32)
        self._cutoff = np.concatenate([_relative_cutoffs(origin) for origin in origins])
        self._answer = np.concatenate([_packed_answers(lane.tables) for lane in lanes])
        # How many cut-offs the fullest bucket holds: one, unless a date's exceptional one follows closely on another.
        self._steps = max(1, *(int(np.diff(found).max()) for found in buckets))

    def promise(
        self,
        lane_indices: npt.NDArray[Any],
        epochs: npt.NDArray[Any],
    ) -> tuple[IntColumn, IntColumn, npt.NDArray[np.bool_]]:
        """See `promise_batch`."""
        size = len(epochs)
        ship, arrive = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
        provisional = np.empty(size, dtype=np.bool_)
        scratch = _Scratch(min(size, _BLOCK))
        for low in range(0, size, _BLOCK):
            block = slice(low, low + _BLOCK)
            answer = self._answers(lane_indices[block], epochs[block], scratch)
            _unpack(answer, self._first, ship[block], arrive[block], provisional[block])
        return ship, arrive, provisional

    def _answers(
        self,
        lanes: npt.NDArray[Any],
        epochs: npt.NDArray[Any],
        scratch: _Scratch,
    ) -> IntColumn:
        """Packed answers of one block; the result lives in `scratch` until the next block."""
        size = len(epochs)
        seconds, slot, row, found = (buffer[:size] for buffer in scratch.buffers)
        outside = self._relative(lanes, epochs, seconds)
        np.floor_divide(seconds, np.int32(BUCKET_SECONDS), out=slot)
        slot += np.multiply(lanes, np.int32(len(self._edges)), out=found, casting="unsafe")
        # mode="clip" only skips a second check of indices that are inside by construction
        self._bucket.take(slot, out=row, mode="clip")
        for _ in range(self._steps):
            row += self._cutoff.take(row, out=found, mode="clip") < seconds
        answer = self._answer.take(row, out=slot, mode="clip")
        if outside is not None:
            answer[outside] = 0
        return answer

    def _relative(
        self,
        lanes: npt.NDArray[Any],
        epochs: npt.NDArray[Any],
        seconds: IntColumn,
    ) -> npt.NDArray[np.bool_] | None:
        """Fills `seconds` since the book's start; rows outside the window are marked and moved inside."""
        start, high = self._edges.start, self._edges.stop
        if epochs.min() >= self._opens.max() and epochs.max() < high:
            np.subtract(epochs, start, out=seconds, casting="unsafe")
            return None
        opens = self._opens[lanes]
        outside: npt.NDArray[np.bool_] = (epochs < opens) | (epochs >= high)
        np.subtract(np.where(outside, opens, epochs), start, out=seconds, casting="unsafe")
        return outside


class _Scratch:
    """Work space of one batch call, reused for each block: fresh memory costs more than the arithmetic."""

    __slots__ = ("buffers",)

    def __init__(self, size: int) -> None:
        self.buffers = tuple(np.empty(size, dtype=np.int32) for _ in range(4))


def _relative_cutoffs(origin: OriginTables) -> IntColumn:
    """Cut-offs in seconds since the window's start, which fit 32 bits, and the one that never comes."""
    relative = np.append(origin.cutoff - origin.start, np.iinfo(np.int32).max)
    return relative.astype(np.int32)


def _packed_answers(tables: LaneTables) -> IntColumn:
    """Ship day, days until arrival and the provisional bit in one number per row; 0 means beyond the window."""
    rows = len(tables.arrive)
    ship = tables.origin.ship[:rows]
    gap = tables.arrive - ship
    if gap.max() >= 1 << _ARRIVE_BITS:
        raise CalendarError("a lane takes more than 1023 days: mend its calendars")
    packed = np.zeros(len(tables.origin.cutoff_at), dtype=np.int32)
    packed[:rows] = ((ship - tables.origin.first + 1) << _SHIP_SHIFT) | (gap << 1) | tables.provisional
    return packed


def _unpack(
    answer: IntColumn,
    first: int,
    ship: IntColumn,
    arrive: IntColumn,
    provisional: npt.NDArray[np.bool_],
) -> None:
    np.right_shift(answer, _SHIP_SHIFT, out=ship)
    ship += np.int32(first - 1)
    np.bitwise_and(answer, 1, out=provisional, casting="unsafe")
    np.right_shift(answer, 1, out=arrive)
    arrive &= np.int32((1 << _ARRIVE_BITS) - 1)
    arrive += ship
    if not answer.all():
        known = answer != 0
        ship *= known
        arrive *= known
        provisional |= ~known


def promise_batch(
    lanes: Sequence[Lane] | LaneBook,
    lane_indices: npt.ArrayLike,
    epochs: npt.ArrayLike,
) -> tuple[IntColumn, IntColumn, npt.NDArray[np.bool_]]:
    """`Lane.quick` for many approvals: ship ordinals, arrive ordinals, provisional flags, in the order given.

    `lane_indices[i]` says which of `lanes` row i uses; `epochs` are whole seconds since 1970. A row outside the window
    has both ordinals 0 (`date.fromordinal(0)` raises) and is provisional: refuse it, the others stand.
    Pass a `LaneBook` to lay the tables end to end only once. Raises IndexError for a lane index out of range.
    """
    book = lanes if isinstance(lanes, LaneBook) else LaneBook(lanes)
    indices, instants = np.asarray(lane_indices), np.asarray(epochs)
    if indices.shape != instants.shape or not np.issubdtype(instants.dtype, np.integer):
        raise ValueError("lane indices and whole epoch seconds come in columns of one length")
    if len(indices) and not (indices.min() >= 0 and indices.max() < len(book.lanes)):
        raise IndexError(f"lane indices must be between 0 and {len(book.lanes) - 1}")
    return book.promise(indices, instants)
