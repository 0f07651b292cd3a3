"""Every way a request could be sent, with its dates: policy lanes meeting compiled calendars.

One `Promiser` per policy pack and calendar snapshot, kept on the desk and shared by threads. Lanes are compiled once
per depot, service and destination calendar; after that an offer is a table look-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any

from calendars.cutoffs import CutoffRule
from calendars.operating import BeyondHorizon, OperatingCalendar
from calendars.promises import Destination, Origin, Promise, compile_lane, epoch_seconds
from calendars.promises import Lane as CompiledLane
from calendars.regions import RegionMatch, UnknownRegion, calendar_key, resolve_region
from calendars.snapshot import Snapshot
from infra.policy.model import Depot, Lane, Pack, Service
from infra.policy.questions import lanes_to
from tasks.rules.places import principal_town
from tasks.rules.sourcing import Offer, distance_km

LANES_KEPT = 2_000
"""Compiled lanes in memory, some 100 kB each: a wave over the whole world stays below the budget of a worker."""

Dates = tuple[int, int, bool]
"""Ship and arrive as ordinals, and whether they are provisional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a part is wanted, as far as dates and distances are concerned."""

    country: str
    subdivision: str | None
    postal_code: str
    city: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneKey:
    """All that the dates of a lane depend on: many policy lanes share one set of tables."""

    depot: str
    service: str
    calendar: str
    zone: str
    country: str
    transit: int
    customs: int
    until_pickup: bool
    """The day counts until the parcel can still be packed for the pick-up, not until the cut-off for approvals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """How a promise came about, ready for the record."""

    cutoff_at: datetime
    versions: dict[str, str]
    trace: tuple[dict[str, Any], ...]


class Promiser:
    """Answers for one pack and one snapshot; both are immutable, so its memory never goes stale."""

    def __init__(self, pack: Pack, snapshot: Snapshot) -> None:
        self._pack, self._snapshot = pack, snapshot
        self._origin = lru_cache(maxsize=None)(self._make_origin)
        self._carrier_days = lru_cache(maxsize=None)(self._make_carrier_days)
        self._compiled = lru_cache(maxsize=LANES_KEPT)(self._compile)
        self._match = lru_cache(maxsize=50_000)(self._resolve)

    def region(self, site: Site) -> RegionMatch | None:
        """The region whose days count at the site; None where no such region exists."""
        return self._match(site)

    def home_depot(self, site: Site) -> str | None:
        """The depot whose lane to the site costs least, the nearest of equals; None where no lane leads there."""
        region = self._match(site)
        lanes = lanes_to(self._pack, site.country, site.postal_code)
        if region is None or not lanes:
            return None
        return min(lanes, key=lambda lane: (lane.freight.amount, self._distance(lane, region), lane.depot)).depot

    def offers(
        self, site: Site, approved_at: datetime, *, planned_at: datetime | None = None, weight_g: int = 0
    ) -> tuple[Offer, ...]:
        """One offer per lane that leads to the site; empty where none does. Instants are aware.

        The dates are what the approval is entitled to; with `planned_at` they are what can still be done then: a
        parcel that cannot be packed before a day's pick-up any more leaves on the next. Where the postal code leaves
        the region open, the later date of the possible regions is offered.
        """
        region = self._match(site)
        if region is None:
            return ()
        epoch = epoch_seconds(approved_at)
        planned = epoch_seconds(planned_at) if planned_at else None
        offers = []
        for lane in lanes_to(self._pack, site.country, site.postal_code):
            dates = self._feasible(lane, region, epoch, planned)
            if dates is not None:
                offers.append(self._offer(lane, region, dates, weight_g))
        return tuple(offers)

    def working(self, lane: Lane, site: Site, approved_at: datetime, *, planned_at: datetime | None = None) -> Working:
        """The full working of one offer: the slow, explained way to the same dates."""
        region = self._match(site)
        assert region is not None, "a lane was offered to this site"
        promise = self._explained(lane, region, approved_at, until_pickup=False)
        if planned_at is not None:
            possible = self._explained(lane, region, planned_at, until_pickup=True)
            promise = max(promise, possible, key=lambda each: each.ship_by)
        return Working(
            cutoff_at=promise.cutoff_at,
            versions=dict(promise.versions),
            trace=tuple(_step(promise)),
        )

    def _explained(self, lane: Lane, region: RegionMatch, at: datetime, *, until_pickup: bool) -> Promise:
        lanes = (self._lane(lane, key, region, until_pickup=until_pickup) for key in _keys(region))
        return max((each.promise(at) for each in lanes), key=lambda each: (each.arrive_on, each.ship_by))

    def _feasible(self, lane: Lane, region: RegionMatch, epoch: int, planned: int | None) -> Dates | None:
        dates = self._dates(lane, region, epoch, until_pickup=False)
        if planned is None or dates is None:
            return dates
        possible = self._dates(lane, region, planned, until_pickup=True)
        return None if possible is None else max(dates, possible)

    def _dates(self, lane: Lane, region: RegionMatch, epoch: int, *, until_pickup: bool) -> Dates | None:
        lanes = (self._lane(lane, key, region, until_pickup=until_pickup) for key in _keys(region))
        try:
            return max((each.quick(epoch) for each in lanes), key=lambda dates: (dates[1], dates[0]))
        except BeyondHorizon:
            return None

    def _offer(self, lane: Lane, region: RegionMatch, dates: Dates, weight_g: int) -> Offer:
        ship, arrive, provisional = dates
        return Offer(
            lane=lane,
            distance_km=self._distance(lane, region),
            ship_on=date.fromordinal(ship),
            arrive_on=date.fromordinal(arrive),
            provisional=provisional,
            freight=_freight(lane, weight_g),
        )

    def _distance(self, lane: Lane, region: RegionMatch) -> int:
        depot = self._pack.depot_by_code[lane.depot]
        return distance_km((depot.latitude, depot.longitude), principal_town(region.zone))

    def _resolve(self, site: Site) -> RegionMatch | None:
        try:
            return resolve_region(
                site.country, site.subdivision, site.postal_code, city=site.city, snapshot=self._snapshot
            )
        except UnknownRegion:
            return None

    def _lane(self, lane: Lane, key: str, region: RegionMatch, *, until_pickup: bool) -> CompiledLane:
        return self._compiled(
            LaneKey(
                depot=lane.depot,
                service=lane.service,
                calendar=key,
                zone=region.zone,
                country=region.region.partition("-")[0],
                transit=lane.transit_business_days,
                customs=lane.customs_business_days,
                until_pickup=until_pickup,
            )
        )

    def _compile(self, key: LaneKey) -> CompiledLane:
        destination = Destination(
            zone=key.zone,
            delivery=self._snapshot.calendar(key.calendar),
            customs=self._snapshot.business_calendar(key.country) if key.customs else None,
        )
        return compile_lane(
            self._origin(key.depot, key.service, key.until_pickup),
            destination,
            carrier=self._carrier_days(key.service),
            transit_business_days=key.transit,
            customs_business_days=key.customs,
        )

    def _make_origin(self, code: str, service: str, until_pickup: bool) -> Origin:  # noqa: FBT001 - a key of the cache
        depot: Depot = self._pack.depot_by_code[code]
        rule = CutoffRule.of(last_packing(depot)) if until_pickup else cutoff_rule(depot, service)
        return Origin(
            depot=code,
            zone=depot.zone,
            calendar=self._snapshot.calendar(calendar_key(depot.calendar, snapshot=self._snapshot)),
            cutoff=rule,
            weekdays=tuple(depot.weekdays),
            dispatch=depot.pickup,
            handling_business_days=depot.handling_business_days,
            pickup=self._carrier_days(service),
        )

    def _make_carrier_days(self, service: str) -> OperatingCalendar:
        terms: Service = self._pack.service_by_id[service]
        return self._snapshot.weekly(terms.id, terms.weekdays, closed_on=terms.closed_on, through=terms.closed_through)


def cutoff_rule(depot: Depot, service: str) -> CutoffRule:
    """Until when an approval counts for the day, local to the depot; a service's own cut-off beats the weekday's."""
    cutoffs = depot.cutoffs
    own = cutoffs.by_service.get(service)
    return CutoffRule.of(own or cutoffs.default, by_weekday=None if own else cutoffs.by_weekday)


def last_packing(depot: Depot) -> time:
    """The last local time at which packing can begin and still meet the pick-up: 17:30 with 60 minutes is 16:30."""
    minutes = depot.pickup.hour * 60 + depot.pickup.minute - depot.packing_minutes
    return time(*divmod(max(minutes, 0), 60))


def _keys(region: RegionMatch) -> tuple[str, ...]:
    return (region.calendar, *region.alternatives)


def _freight(lane: Lane, weight_g: int) -> Decimal:
    """List cost: the base up to 5 kg, then so much for every kilogram begun."""
    if lane.freight_per_extra_kg is None or weight_g <= 5_000:
        return lane.freight.amount
    return lane.freight.amount + lane.freight_per_extra_kg.amount * -(-(weight_g - 5_000) // 1_000)


def _step(promise: Promise) -> list[dict[str, Any]]:
    return [
        {
            "kind": step.kind,
            "party": step.party,
            "reason": step.reason,
            "on": step.on.isoformat() if step.on else None,
            "at": step.at.isoformat() if step.at else None,
        }
        for step in promise.trace
    ]
