"""The cut-off radar: open work by minutes to the effective cut-off, with what can still keep each promise after it.

Called by `dispatch radar` and by `flows.watch_promises`. Reads only, in five statements whatever the number of
requests; the judgement is `tasks.rules.radar`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from infra import clock
from infra.db.records import Consignee, Promise, Request, RequestLine, Stock
from infra.db.states import RequestState
from infra.policy.model import Commitment
from tasks.desk import Desk, desk
from tasks.live_calendars import live_promiser
from tasks.recorded_promises import latest_promises
from tasks.rules.closures import LayeredPromiser
from tasks.rules.promising import Site
from tasks.rules.radar import (
    Deadline,
    DepotDay,
    Fallback,
    Lost,
    Way,
    deadline,
    fallback,
    has_everything,
)
from tasks.rules.sourcing import Free, Offer, Wanted, best_promise

ON_THE_RADAR = (
    RequestState.APPROVED,
    RequestState.COVERED,
    RequestState.HELD,
    RequestState.PROMISED,
    RequestState.BACKORDERED,
    RequestState.RESERVED,
    RequestState.BOOKING,
    RequestState.BOOKED,
)
"""What somebody or the next wave can still get onto the pick list; after that the pick-up itself is the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blip:
    """One open request at the depot its promise rides on."""

    request: str
    """partner/number"""
    state: str
    depot: str
    service: str
    zone: str
    deadline: Deadline
    minutes_left: int
    promised_on: date
    commitment: str
    is_promised: bool
    """False: nothing was said yet, the date is what the best lane could promise."""
    if_missed: Fallback | Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """An open request, and the promise it rides on where there is one."""

    id: int
    name: str
    state: str
    site: Site
    approved_at: datetime
    commitment: Commitment
    lines: tuple[Wanted, ...]
    weight_g: int
    reserved_at: str | None
    depot: str | None
    service: str | None
    ship_on: date
    promised_on: date
    cutoff_at: datetime


def radar(*, depot: str | None = None) -> list[Blip]:
    """Every open request, the most urgent first; those at `depot` alone where one is named.

    A request nobody promised yet is shown at the depot the promise would be made from. Requests that no lane reaches
    are not on the radar: they are held, and `dispatch holds` says so.
    """
    at_desk, now = desk(), clock.now()
    screen = _Screen(at_desk, live_promiser(at_desk), now)
    with at_desk.database.read() as session:
        screen.read_stock(session)
        rows = _open_requests(session, at_desk)
    blips = [blip for each in rows if (blip := screen.blip(each, depot)) is not None]
    return sorted(blips, key=lambda blip: (blip.deadline.at, blip.depot, blip.request))


class _Screen:
    """One reading of the shelves and one instant, under which all requests are judged."""

    def __init__(self, at_desk: Desk, promiser: LayeredPromiser, now: datetime) -> None:
        self._pack, self._promiser, self._now = at_desk.pack, promiser, now
        self._day = lru_cache(maxsize=None)(self._depot_day)
        self._shelves: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._substitutes = {part.number: part.substitutes for part in self._pack.parts}

    def read_stock(self, session: Session) -> None:
        for depot, part, free in session.execute(select(Stock.depot, Stock.part, Stock.on_hand - Stock.allocated)):
            self._shelves[depot, part] = free

    def blip(self, each: _Open, only: str | None) -> Blip | None:
        taken = self._taken(each)
        if taken is None or (only is not None and taken.depot != only):
            return None
        limit = deadline(self._day(taken.depot, taken.service), taken.ship_on, taken.cutoff_at)
        return Blip(
            request=each.name,
            state=each.state,
            depot=taken.depot,
            service=taken.service,
            zone=self._pack.depot_by_code[taken.depot].zone,
            deadline=limit,
            minutes_left=limit.minutes_left(self._now),
            promised_on=taken.promised_on,
            commitment=str(each.commitment),
            is_promised=each.depot is not None,
            if_missed=self._if_missed(each, taken, limit),
        )

    def _taken(self, each: _Open) -> _Ridden | None:
        """The way the request rides: the promise's, or what the best lane could promise. None where there is none."""
        if each.depot is not None and each.service is not None:
            if each.depot not in self._pack.depot_by_code or each.service not in self._pack.service_by_id:
                return None  # the policy has since dropped it: `dispatch calendars rebuild` and a person see to that
            return _Ridden(
                depot=each.depot, service=each.service, ship_on=each.ship_on, promised_on=each.promised_on,
                cutoff_at=each.cutoff_at,
            )  # fmt: skip
        offers = self._promiser.offers(each.site, each.approved_at, weight_g=each.weight_g)
        if not offers:
            return None
        best = best_promise(offers, each.commitment)
        return _Ridden(
            depot=best.depot, service=best.lane.service, ship_on=best.ship_on,
            promised_on=best.promised_on(each.commitment),
            cutoff_at=self._promiser.working(best.lane, each.site, each.approved_at).cutoff_at,
        )  # fmt: skip

    def _if_missed(self, each: _Open, taken: _Ridden, limit: Deadline) -> Fallback | Lost:
        missed = max(limit.at, self._now)
        after = missed + timedelta(seconds=1)
        offers = self._promiser.offers(each.site, after, weight_g=each.weight_g)
        ways = [self._way(offer, each, after) for offer in offers]
        freight = {(offer.depot, offer.lane.service): offer.freight for offer in offers}
        return fallback(
            ways,
            missed_at=missed,
            freight=freight.get((taken.depot, taken.service), Decimal(0)),
            promised_on=taken.promised_on,
            commitment=each.commitment,
        )

    def _way(self, offer: Offer, each: _Open, after: datetime) -> Way:
        in_stock = each.reserved_at == offer.depot or has_everything(
            each.lines, offer.depot, self._free, self._substitutes
        )
        day = self._day(offer.depot, offer.lane.service)
        # with handling days the cut-off it rides lies before the ship day, and after `after` because the offer does
        return Way(offer=offer, until=deadline(day, offer.ship_on, after).at, in_stock=in_stock)

    @property
    def _free(self) -> Free:
        return lambda depot, part: self._shelves[depot, part]

    def _depot_day(self, code: str, service: str) -> DepotDay:
        depot = self._pack.depot_by_code[code]
        return DepotDay(
            zone=depot.zone,
            cutoff=self._promiser.origin(code, service).cutoff,
            pickup=depot.pickup,
            packing_minutes=depot.packing_minutes,
            handling_business_days=depot.handling_business_days,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ridden:
    depot: str
    service: str
    ship_on: date
    promised_on: date
    cutoff_at: datetime


def _open_requests(session: Session, at_desk: Desk) -> list[_Open]:
    lines: defaultdict[int, list[Wanted]] = defaultdict(list)
    for request_id, line, part, quantity in session.execute(
        select(RequestLine.request_id, RequestLine.line, RequestLine.part, RequestLine.quantity)
        .join(Request, Request.id == RequestLine.request_id)
        .where(Request.state.in_(ON_THE_RADAR))
        .order_by(RequestLine.request_id, RequestLine.line)
    ):
        lines[request_id].append(Wanted(line=line, part=part, quantity=quantity))
    latest = latest_promises(Request.state.in_(ON_THE_RADAR))
    rows = session.execute(
        select(
            Request.id, Request.partner, Request.number, Request.state, Request.plan, Request.approved_at,
            Request.country, Request.subdivision, Request.postal_code, Consignee.city,
            Request.depot.label("reserved_at"), Promise.depot, Promise.service, Promise.commitment,
            Promise.ship_on, Promise.arrive_on, Promise.cutoff_at,
        )
        .join(Consignee, Consignee.request_id == Request.id)
        .outerjoin(latest, latest.c.request_id == Request.id)
        .outerjoin(Promise, Promise.id == latest.c.promise_id)
        .where(Request.state.in_(ON_THE_RADAR))
    )  # fmt: skip
    weight = _weights(at_desk)
    return [_open(row, tuple(lines[row.id]), weight, at_desk) for row in rows]


def _weights(at_desk: Desk) -> Callable[[Sequence[Wanted]], int]:
    of = {part.number: part.weight_g for part in at_desk.pack.parts}
    return lambda lines: sum(of.get(line.part, 0) * line.quantity for line in lines)


def _open(
    row: Row[*tuple[Any, ...]], lines: tuple[Wanted, ...], weight: Callable[[Sequence[Wanted]], int], at_desk: Desk
) -> _Open:
    commitment = Commitment(row.commitment or at_desk.pack.plan_by_code[row.plan].commitment)
    return _Open(
        id=row.id, name=f"{row.partner}/{row.number}", state=row.state, approved_at=row.approved_at, lines=lines,
        site=Site(country=row.country, subdivision=row.subdivision, postal_code=row.postal_code, city=row.city),
        weight_g=weight(lines), reserved_at=row.reserved_at, depot=row.depot, service=row.service,
        ship_on=row.ship_on or date.min, cutoff_at=row.cutoff_at or row.approved_at, commitment=commitment,
        promised_on=(row.ship_on if commitment is Commitment.SHIP else row.arrive_on) or date.min,
    )  # fmt: skip


def facts(blip: Blip, currency: str) -> dict[str, Any]:
    """A blip for a machine; instants in UTC."""
    missed = blip.if_missed
    return {
        "request": blip.request, "state": blip.state, "depot": blip.depot, "service": blip.service,
        "minutes_left": blip.minutes_left, "effective_cutoff_at": blip.deadline.at.isoformat(),
        "effective_cutoff_local": blip.deadline.at.astimezone(ZoneInfo(blip.zone)).isoformat(),
        "limit": blip.deadline.limit, "promised_on": blip.promised_on.isoformat(), "commitment": blip.commitment,
        "is_promised": blip.is_promised,
        "if_missed": {
            "keeps": isinstance(missed, Fallback), "currency": currency,
            **_plain(missed),
        },
    }  # fmt: skip


def _plain(missed: Fallback | Lost) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
        for name, value in asdict(missed).items()
    }


def row(blip: Blip) -> list[str]:
    """A blip for a table: minutes, cut-off on the depot's clock, depot, request, state, date, what is left."""
    there = blip.deadline.at.astimezone(ZoneInfo(blip.zone))
    mark = "" if blip.is_promised else "?"
    return [
        str(blip.minutes_left), f"{there:%a %H:%M}{' (packing)' if blip.deadline.limit == 'packing' else ''}",
        blip.depot, blip.request, blip.state, f"{blip.promised_on:%d %b}{mark}", _left(blip),
    ]  # fmt: skip


def _left(blip: Blip) -> str:
    missed = blip.if_missed
    if isinstance(missed, Lost):
        return f"lost: {missed.best_on:%a %d %b}" if missed.best_on else "lost: no stock"
    if (missed.depot, missed.service) == (blip.depot, blip.service):
        return "kept by the next one"
    elsewhere = "" if missed.depot == blip.depot else f"{missed.depot} "
    faster = "" if missed.service == blip.service else f"{missed.service.partition(':')[2]} "
    return f"{elsewhere}{faster}{missed.extra_cost:+}"
