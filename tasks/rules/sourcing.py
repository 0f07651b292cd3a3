"""From which depot, by which service, with which parts? The cheapest lane that keeps the promise and has everything.

Asked by `tasks.stock`. One depot sends all lines: two parcels for one visit are two things to lose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from geopy.distance import great_circle

from infra.policy.model import Commitment, Lane, Pack


@lru_cache(maxsize=100_000)
def distance_km(depot: tuple[float, float], site: tuple[float, float]) -> int:
    """Great-circle distance between two (latitude, longitude), whole kilometres."""
    kilometres: float = great_circle(depot, site).km
    return round(kilometres)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One way to send it. Dates are local: `ship_on` to the depot, `arrive_on` to the site."""

    lane: Lane
    distance_km: int
    ship_on: date
    arrive_on: date
    provisional: bool
    freight: Decimal
    """For comparison only, in the pack's one currency."""

    def promised_on(self, commitment: Commitment) -> date:
        return self.ship_on if commitment is Commitment.SHIP else self.arrive_on

    @property
    def depot(self) -> str:
        return self.lane.depot


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    line: int
    part: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What goes for one line; `part` differs from what was asked for where a substitute goes."""

    line: int
    asked: str
    part: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """An offer that was not taken, and why."""

    depot: str
    service: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    offer: Offer
    supplies: tuple[Supply, ...]
    keeps_promise: bool
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backordered:
    """No depot that can reach the site has everything. `missing` names the parts short at the nearest one."""

    missing: tuple[str, ...]
    lost: tuple[Lost, ...]


Free = Callable[[str, str], int]
"""(depot, part) -> units on hand and not reserved."""


def best_promise(offers: Sequence[Offer], commitment: Commitment) -> Offer:
    """The offer the promise is made from, whatever the stock: earliest promised date, then cheapest, then nearest."""
    return min(offers, key=lambda offer: _rank(offer, commitment))


def losing(offers: Sequence[Offer], taken: Offer, commitment: Commitment) -> tuple[Lost, ...]:
    """The offers `best_promise` did not take, best first, each with the reason."""
    promised_on = taken.promised_on(commitment)
    in_order = sorted(offers, key=lambda offer: _rank(offer, commitment))
    return tuple(_not_needed(other, taken, promised_on, commitment) for other in in_order if other is not taken)


def weight_g(wanted: Sequence[Wanted], pack: Pack) -> int:
    """Grams of the parts asked for, by which freight is compared. A part the pack does not know weighs nothing."""
    known = ((pack.part_by_number.get(line.part), line.quantity) for line in wanted)
    return sum(part.weight_g * quantity for part, quantity in known if part is not None)


def _rank(offer: Offer, commitment: Commitment) -> tuple[date, Decimal, int, str, str]:
    return offer.promised_on(commitment), offer.freight, offer.distance_km, offer.depot, offer.lane.service


def stands_for_nbd(lane: Lane, commitment: Commitment) -> bool:
    """The lane's own commitment covers the plan's: what arrives on the next business day also ships on it."""
    return lane.commitment is Commitment.ARRIVE or lane.commitment is commitment


def source(
    wanted: Sequence[Wanted],
    offers: Sequence[Offer],
    *,
    promised_on: date,
    commitment: Commitment,
    free: Free,
    pack: Pack,
) -> Sourced | Backordered:
    """The cheapest lane that keeps `promised_on` and has every line, substitutes included; else the earliest that has.

    `offers` must not be empty. Losing offers come back with the reason, best first.
    """
    lost: list[Lost] = []
    short: dict[str, tuple[str, ...]] = {}
    in_order = sorted(offers, key=lambda offer: _preference(offer, promised_on, commitment))
    for offer in in_order:
        supplies, missing = _supplies(wanted, offer.depot, free, pack)
        if not missing:
            keeps = offer.promised_on(commitment) <= promised_on
            rest = [_not_needed(other, offer, promised_on, commitment) for other in in_order[len(lost) + 1 :]]
            return Sourced(offer=offer, supplies=supplies, keeps_promise=keeps, lost=(*lost, *rest))
        short.setdefault(offer.depot, missing)
        lost.append(Lost(depot=offer.depot, service=offer.lane.service, why=f"short of {', '.join(missing)}"))
    return Backordered(missing=next(iter(short.values())), lost=tuple(lost))


def _preference(offer: Offer, promised_on: date, commitment: Commitment) -> tuple[date, Decimal, int, str, str]:
    # among those that keep the promise the date no longer matters: freight does, which a near depot has the least of
    day = max(promised_on, offer.promised_on(commitment))
    return day, offer.freight, offer.distance_km, offer.depot, offer.lane.service


def _not_needed(other: Offer, taken: Offer, promised_on: date, commitment: Commitment) -> Lost:
    if other.promised_on(commitment) > promised_on:
        why = f"would promise {other.promised_on(commitment)}"
    elif other.freight > taken.freight:
        why = f"freight {other.freight}, taken {taken.freight}"
    else:
        why = f"{other.distance_km} km away, taken {taken.distance_km} km"
    return Lost(depot=other.depot, service=other.lane.service, why=why)


def _supplies(
    wanted: Sequence[Wanted], depot: str, free: Free, pack: Pack
) -> tuple[tuple[Supply, ...], tuple[str, ...]]:
    taken: dict[str, int] = {}
    supplies, missing = [], []
    for line in wanted:
        part = _part_for(line, depot, free, taken, pack)
        if part is None:
            missing.append(line.part)
            continue
        taken[part] = taken.get(part, 0) + line.quantity
        supplies.append(Supply(line=line.line, asked=line.part, part=part, quantity=line.quantity))
    return tuple(supplies), tuple(missing)


def _part_for(line: Wanted, depot: str, free: Free, taken: Mapping[str, int], pack: Pack) -> str | None:
    for part in (line.part, *pack.part_by_number[line.part].substitutes):
        if free(depot, part) - taken.get(part, 0) >= line.quantity:
            return part
    return None
