"""What would we promise to an address that need not be on record?

Called by `dispatch promise`. Needs no database and no Prefect, changes nothing and keeps nothing, so any number of
threads or processes may ask at once. Stock is not looked at: a quote says what the lanes can do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from calendars import snapshot
from calendars.overrides import Layer
from infra.clock import aware_utc
from infra.policy.model import Pack
from tasks.rules import explaining
from tasks.rules.closures import LayeredPromiser, require_known
from tasks.rules.promising import Site, Working
from tasks.rules.sourcing import Offer
from tasks.wording import Teller, teller


class NotQuoted(ValueError):
    """There is no such depot, place or lane; the message names what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Both dates of one lane. `ship_on` is local to the depot, `arrive_on` to the site."""

    depot: str
    service: str
    name: str
    """What the carrier calls the service."""
    stands_for: str
    """`arrive`, `ship` or `none`: which of the dates the lane keeps as next business day."""
    ship_on: date
    arrive_on: date
    provisional: bool
    cutoff_at: datetime
    """UTC: an approval up to this instant, inclusive, gets the same dates."""
    freight: Decimal
    currency: str
    working: tuple[str, ...]
    versions: dict[str, str]


_PLACE = re.compile(r"(?P<country>[A-Za-z]{2})(?:-(?P<subdivision>[A-Za-z0-9]{1,3}))?(?:/(?P<postal_code>[^/]{1,16}))?")


def place(text: str, *, city: str = "") -> Site:
    """`DE-BY/80331`, `US/94105`, `LU`: country, subdivision where it matters, postal code. Raises `NotQuoted`."""
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise NotQuoted(f"{text!r} is not COUNTRY[-SUBDIVISION]/POSTCODE, for example DE-BY/80331 or GB/EC1A 1BB")
    subdivision = found["subdivision"]
    return Site(
        country=found["country"].upper(),
        subdivision=subdivision.upper() if subdivision else None,
        postal_code=(found["postal_code"] or "").strip(),
        city=city,
    )


def quote(
    pack: Pack,
    to: Site,
    approved_at: datetime,
    *,
    depot: str | None = None,
    service: str | None = None,
    layers: Sequence[Layer] = (),
    language: str = "en",
) -> list[Quote]:
    """What each lane would promise, best first: earliest at the site, then earliest out, then cheapest.

    `approved_at` is aware. `service` is an id (`ups:express_saver`) or its part after the colon. `layers` are closures
    to reckon with. Raises `NotQuoted`, `NaiveInstantError`, `UnknownScope`, `UnknownLanguageError`.
    """
    if depot is not None and depot not in pack.depot_by_code:
        raise NotQuoted(f"there is no depot {depot!r}; there are {', '.join(sorted(pack.depot_by_code))}")
    calendars = snapshot.load()
    require_known(layers, pack, calendars)
    promiser = LayeredPromiser(pack, calendars, layers)
    offers = promiser.offers(to, aware_utc(approved_at))
    chosen = [offer for offer in offers if depot in {None, offer.depot} and _is(service, offer)]
    if not chosen:
        raise NotQuoted(_why_none(to, offers, promiser))
    chosen.sort(key=lambda offer: (offer.arrive_on, offer.ship_on, offer.freight, offer.depot, offer.lane.service))
    told = teller(language, pack)
    found = [(offer, promiser.working(offer.lane, to, approved_at)) for offer in chosen]
    return [_quoted(offer, working, told) for offer, working in found]


def _is(service: str | None, offer: Offer) -> bool:
    return service is None or service in {offer.lane.service, offer.lane.service.partition(":")[2]}


def _why_none(to: Site, offers: Sequence[Offer], promiser: LayeredPromiser) -> str:
    where = f"{to.country}{'-' + to.subdivision if to.subdivision else ''} {to.postal_code}".strip()
    if promiser.region(to) is None:
        return f"{where}: there is no such country or subdivision (ISO 3166)"
    if not offers:
        return f"no lane of the policy pack leads to {where}, or the calendars do not reach that day"
    lanes = ", ".join(f"{offer.depot} {offer.lane.service}" for offer in offers)
    return f"no such lane to {where}; there are {lanes}"


def _quoted(offer: Offer, found: Working, told: Teller) -> Quote:
    pack = told.pack
    return Quote(
        depot=offer.depot,
        service=offer.lane.service,
        name=pack.service_by_id[offer.lane.service].name,
        stands_for=str(offer.lane.commitment),
        ship_on=offer.ship_on,
        arrive_on=offer.arrive_on,
        provisional=offer.provisional,
        cutoff_at=found.cutoff_at,
        freight=offer.freight,
        currency=offer.lane.freight.currency,
        working=tuple(told.all(explaining.working(found.trace))),
        versions={**found.versions, "policy": pack.version},
    )
