"""The working of one promise, in words: which day was skipped, by whom, and why. Called by `promises.Lane.promise`.

Support and tests both live on it, so it is walked day by day from the calendars, not read from the tables' shortcuts:
only the days that the tables found are given, and the walk leads from one to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Protocol

from calendars.lanes import Destination, Origin
from calendars.operating import OperatingCalendar
from calendars.zones import zone

_ONE_DAY = timedelta(days=1)

StepKind = Literal[
    "approved", "local", "late", "skipped", "cutoff", "handling", "ship", "dispatch", "transit", "customs", "arrive"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStep:
    """One step. `at` is an aware instant in the zone of the party, `on` a date local to it."""

    kind: StepKind
    party: str
    """depot, pickup, carrier, destination, receiving or customs; `request` for the approval."""
    reason: str
    on: date | None = None
    at: datetime | None = None

    def __str__(self) -> str:
        when = self.at.isoformat(sep=" ") if self.at else f"{self.on:%Y-%m-%d %a}"
        return f"{when} {self.party}: {self.kind} - {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDays:
    """The days of one promise, as the tables have them."""

    previous: date
    """The open depot day before `release`: its cut-off had passed."""
    release: date
    ready: date
    ship: date
    base: date
    due: date
    cleared: date
    arrive: date
    cutoff_at: datetime


class CompiledLane(Protocol):
    """What a walk needs of a lane."""

    @property
    def origin(self) -> Origin: ...
    @property
    def destination(self) -> Destination: ...
    @property
    def moving(self) -> OperatingCalendar: ...
    @property
    def transit_business_days(self) -> int: ...
    @property
    def customs_business_days(self) -> int: ...


_Party = tuple[str, OperatingCalendar]


def _days(after: date, to: date) -> Iterator[date]:
    """Dates in (after, to]."""
    while after < to:
        after += _ONE_DAY
        yield after


def _skips(day: date, parties: tuple[_Party, ...]) -> Iterator[TraceStep]:
    """A step per party that is closed on `day`."""
    for party, calendar in parties:
        if reason := calendar.why_closed(day):
            yield TraceStep(kind="skipped", party=party, on=day, reason=reason)


def _counted(
    kind: Literal["handling", "transit", "customs"],
    after: date,
    to: date,
    parties: tuple[_Party, ...],
) -> Iterator[TraceStep]:
    """Each day in (after, to]: skipped by somebody, or counted."""
    number = 0
    for day in _days(after, to):
        closed = tuple(_skips(day, parties))
        yield from closed
        if not closed:
            number += 1
            yield TraceStep(kind=kind, party=parties[0][0], on=day, reason=f"{kind} business day {number}")


def _until_release(lane: CompiledLane, local: datetime, days: LaneDays) -> Iterator[TraceStep]:
    """From the local day of the approval to the day whose cut-off it meets."""
    depot = lane.origin.open_calendar
    for day in _days(local.date() - _ONE_DAY, days.release - _ONE_DAY):
        yield from _skips(day, (("depot", depot),))
        if depot.is_open(day):
            wall = lane.origin.cutoff.on(day)
            at = f"approved at {local:%H:%M:%S}, " if day == local.date() else ""
            reason = f"{at}cut-off was {wall:%H:%M}"
            yield TraceStep(kind="late", party="depot", on=day, reason=reason)


def walk(lane: CompiledLane, approved_at: datetime, epoch: int, days: LaneDays) -> tuple[TraceStep, ...]:
    """Every step from the approval to the date. `epoch` is the approval in whole seconds: the margin to the cut-off."""
    return tuple(_steps(lane, approved_at, epoch, days))


def _steps(lane: CompiledLane, approved_at: datetime, epoch: int, days: LaneDays) -> Iterator[TraceStep]:
    origin, destination = lane.origin, lane.destination
    here = zone(origin.zone)
    local = approved_at.astimezone(here)
    yield TraceStep(kind="approved", party="request", at=approved_at.astimezone(UTC), reason="approval instant")
    yield TraceStep(kind="local", party="depot", at=local, reason=f"local time of {origin.depot} ({origin.zone})")
    yield from _until_release(lane, local, days)
    margin = timedelta(seconds=int(days.cutoff_at.timestamp()) - epoch)
    yield TraceStep(
        kind="cutoff",
        party="depot",
        at=days.cutoff_at.astimezone(here),
        reason=f"cut-off of {days.release} met with {margin} to spare",
    )
    depot: _Party = ("depot", origin.open_calendar)
    yield from _counted("handling", days.release, days.ready, (depot,))
    collecting = (depot, ("pickup", origin.pickup)) if origin.pickup else (depot,)
    for day in _days(days.ready - _ONE_DAY, days.ship - _ONE_DAY):
        yield from _skips(day, collecting)
    yield TraceStep(kind="ship", party="depot", on=days.ship, reason=f"leaves {origin.depot}")
    if days.base != days.ship:
        reason = f"already {days.base} in {destination.zone} when it leaves at {origin.dispatch:%H:%M}"
        yield TraceStep(kind="dispatch", party="destination", on=days.base, reason=reason)
    yield from _arrival(lane, days)


def _arrival(lane: CompiledLane, days: LaneDays) -> Iterator[TraceStep]:
    destination = lane.destination
    delivery: _Party = ("destination", destination.delivery)
    yield from _counted("transit", days.base, days.due, (("carrier", lane.moving), delivery))
    yield from _counted("customs", days.due, days.cleared, (("customs", destination.customs_calendar),))
    for day in _days(days.cleared - _ONE_DAY, days.arrive - _ONE_DAY):
        yield from _skips(day, (delivery, ("receiving", destination.receiving_calendar)))
    yield TraceStep(kind="arrive", party="destination", on=days.arrive, reason="delivery day")


def doubts(lane: CompiledLane, days: LaneDays) -> tuple[str, ...]:
    """Why the promise is provisional: each inspected day that may still change, with its party; each reason once."""
    origin, destination = lane.origin, lane.destination
    spans = [
        ("depot", origin.open_calendar, days.previous, days.ship),
        ("pickup", origin.pickup or origin.open_calendar, days.ready - _ONE_DAY, days.ship),
        ("carrier", lane.moving, days.base, days.due),
        ("destination", destination.delivery, days.base, days.arrive),
        ("customs", destination.customs_calendar, days.due, days.cleared),
        ("receiving", destination.receiving_calendar, days.cleared - _ONE_DAY, days.arrive),
    ]
    found = ((party, calendar.why_doubtful(day)) for party, calendar, after, to in spans for day in _days(after, to))
    return tuple(dict.fromkeys(f"{party}: {reason}" for party, reason in found if reason))
