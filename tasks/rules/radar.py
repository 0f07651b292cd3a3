"""How long until it is too late, and what is left then: the judgement behind the cut-off radar.

Asked by `tasks.radar` for every open request. The effective cut-off is the earlier of the depot's cut-off and the last
minute at which packing can still begin before the carrier calls; the depot's wall clock counts, on its own ship day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from calendars.cutoffs import CutoffRule
from infra.policy.model import Commitment
from tasks.rules.sourcing import Free, Offer, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class DepotDay:
    """What the radar knows of a depot and a service. Wall-clock times are in `zone`."""

    zone: str
    cutoff: CutoffRule
    pickup: time
    packing_minutes: int
    handling_business_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Until when (UTC) a request must be under way, and which of the two limits is the earlier."""

    at: datetime
    limit: str
    """`cut-off` or `packing`."""

    def minutes_left(self, now: datetime) -> int:
        """Whole minutes, rounded down; negative once it has passed."""
        return (self.at - now) // timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Another way that still keeps the promise once this one is missed."""

    depot: str
    service: str
    until: datetime
    """Its own effective cut-off, UTC."""
    extra_cost: Decimal
    """Against the freight of the way missed; negative where it is cheaper. In the pack's one currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """No way left keeps it: the best date that could be promised instead; None where no lane has the parts."""

    best_on: date | None


@lru_cache(maxsize=50_000)
def deadline(day: DepotDay, ship_on: date, cutoff_at: datetime) -> Deadline:
    """The effective cut-off for a parcel that leaves on `ship_on` (local to the depot).

    Without handling days it is the cut-off of that same day; with them the one the promise rides, `cutoff_at` (UTC).
    The cut-off wins a tie. In the hour a clock change skips, a wall time counts as the instant it would have been.
    """
    zone = ZoneInfo(day.zone)
    by_cutoff = cutoff_at if day.handling_business_days else _instant(ship_on, day.cutoff.on(ship_on), zone)
    by_packing = last_packing_at(day, ship_on)
    if by_packing < by_cutoff:
        return Deadline(at=by_packing, limit="packing")
    return Deadline(at=by_cutoff, limit="cut-off")


def last_packing_at(day: DepotDay, ship_on: date) -> datetime:
    """The instant (UTC) at which packing must begin at the latest to meet the pick-up of `ship_on`."""
    return _instant(ship_on, day.pickup, ZoneInfo(day.zone)) - timedelta(minutes=day.packing_minutes)


def _instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)


def has_everything(wanted: Sequence[Wanted], depot: str, free: Free, substitutes: Mapping[str, Sequence[str]]) -> bool:
    """The depot has every line, or a substitute for it. Lines for one part are counted together."""
    taken: dict[str, int] = {}
    for line in wanted:
        for part in (line.part, *substitutes.get(line.part, ())):
            if free(depot, part) - taken.get(part, 0) >= line.quantity:
                taken[part] = taken.get(part, 0) + line.quantity
                break
        else:
            return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An offer as it stands when the first way is missed: its dates are those of an approval just after that."""

    offer: Offer
    until: datetime
    """Its own effective cut-off, UTC."""
    in_stock: bool


def fallback(
    ways: Sequence[Way], *, missed_at: datetime, freight: Decimal, promised_on: date, commitment: Commitment
) -> Fallback | Lost:
    """The cheapest way that keeps `promised_on` and whose own effective cut-off is after `missed_at`; then the nearest.

    `freight` is that of the way missed. Ways without stock are out. The effective cut-off is one limit for all of them:
    a depot whose cut-off is the same hour is no way out, even while its packers could still manage.
    """
    stocked = [way for way in ways if way.in_stock]
    ahead = [way for way in stocked if way.until > missed_at]
    keeping = [way for way in ahead if way.offer.promised_on(commitment) <= promised_on]
    if keeping:
        best = min(keeping, key=lambda way: (way.offer.freight, way.offer.distance_km, way.offer.lane.service))
        return Fallback(
            depot=best.offer.depot,
            service=best.offer.lane.service,
            until=best.until,
            extra_cost=best.offer.freight - freight,
        )
    return Lost(best_on=min((way.offer.promised_on(commitment) for way in stocked), default=None))
