"""The promise backtest: past requests of the record, replayed under another policy pack.

Called by `dispatch backtest`. Reads only. Both packs meet the live calendars, closures included, and neither is asked
about stock: what a depot held on a day of last spring is not on record.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from infra.db.records import Consignee, Promise, Request, RequestLine
from infra.db.states import RequestState
from infra.ledger.claims import in_portions
from infra.policy.model import Commitment, Pack
from infra.policy.pack import SHIPPED, load_pack
from tasks.desk import Desk, desk
from tasks.live_calendars import live_promiser
from tasks.rules.backtesting import Cause, Replayed, Sent, Verdict, cause, cheapest_that_keeps, sent, verdict
from tasks.rules.closures import LayeredPromiser
from tasks.rules.promising import Site
from tasks.rules.sourcing import Offer, best_promise

NEVER_SENT = (RequestState.RECEIVED, RequestState.REFUSED, RequestState.CANCELLED)
"""Not replayed: under no policy would a parcel have left."""


class NotComparable(ValueError):
    """The two packs cannot be compared: their lanes are priced in different currencies, or plans are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What the replay came to. Days are of the approval instant in UTC, both inclusive."""

    since: date
    until: date
    live_version: str
    other_version: str
    currency: str
    verdict: Verdict
    replayed: tuple[Replayed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    id: int
    name: str
    site: Site
    commitment: Commitment
    approved_at: datetime
    weight_g: int
    promised_on: date | None


def other_pack(path: Path, *, base: Path | None = None) -> Pack:
    """The pack that differs from `base` (default: the shipped one) by the files in `path`: a folder, or one file.

    Only the files that change need to be there; the others are the base's. Raises `PolicyErrors`, FileNotFoundError.
    """
    files = sorted(path.glob("*.y*ml")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise FileNotFoundError(f"{path}: name a folder of policy files, or one policy file such as depots.yaml")
    with tempfile.TemporaryDirectory(prefix="backtest-") as scratch:
        folder = Path(scratch) / path.name
        shutil.copytree(base or SHIPPED, folder)
        for file in files:
            shutil.copy(file, folder / file.name)
        return load_pack(folder)


def backtest(other: Pack, *, since: date, until: date) -> Backtest:
    """Replays every request approved from `since` to `until` (UTC days, inclusive). Raises `NotComparable`."""
    at_desk = desk()
    currency = _currency(at_desk.pack, other)
    live = live_promiser(at_desk)
    others = LayeredPromiser(other, live.snapshot, live.layers, calendars_digest=live.calendars_digest)
    with at_desk.database.read() as session:
        past = _past(session, at_desk, since, until)
        replayed = [_replay(each, live, others) for each in past]
        replayed = _with_causes(session, past, replayed, live, others)
    return Backtest(
        since=since, until=until, live_version=at_desk.pack.version, other_version=other.version, currency=currency,
        verdict=verdict(replayed), replayed=tuple(replayed),
    )  # fmt: skip


def _currency(live: Pack, other: Pack) -> str:
    found = {lane.freight.currency for pack in (live, other) for lane in pack.lanes}
    if len(found) != 1:
        raise NotComparable(f"freight in {', '.join(sorted(found))}: bring both packs to one currency")
    return found.pop()


def _past(session: Session, at_desk: Desk, since: date, until: date) -> list[_Past]:
    first = datetime.combine(since, time(), tzinfo=UTC)
    last = datetime.combine(until + timedelta(days=1), time(), tzinfo=UTC)
    wanted = [
        Request.approved_at >= first, Request.approved_at < last,
        Request.state.not_in(NEVER_SENT),
    ]  # fmt: skip
    weights = _weights(session, at_desk.pack, wanted)
    rows = session.execute(
        select(
            Request.id, Request.partner, Request.number, Request.plan, Request.approved_at, Request.country,
            Request.subdivision, Request.postal_code, Consignee.city, Promise.commitment, Promise.ship_on,
            Promise.arrive_on,
        )
        .join(Consignee, Consignee.request_id == Request.id)
        .outerjoin(Promise, (Promise.request_id == Request.id) & (Promise.revision == 1))
        .where(*wanted)
        .order_by(Request.id)
    )  # fmt: skip
    return [_one(row, weights[row.id], at_desk.pack) for row in rows]


def _weights(session: Session, pack: Pack, wanted: Sequence[Any]) -> Mapping[int, int]:
    found: defaultdict[int, int] = defaultdict(int)
    query = (
        select(RequestLine.request_id, RequestLine.part, func.sum(RequestLine.quantity))
        .join(Request, Request.id == RequestLine.request_id)
        .where(*wanted)
        .group_by(RequestLine.request_id, RequestLine.part)
    )
    for request_id, number, quantity in session.execute(query):
        part = pack.part_by_number.get(number)
        found[request_id] += part.weight_g * int(quantity) if part else 0
    return found


def _one(row: Row[*tuple[Any, ...]], weight_g: int, pack: Pack) -> _Past:
    if row.commitment is None and row.plan not in pack.plan_by_code:
        raise NotComparable(f"{row.partner}/{row.number} has plan {row.plan}, which the live pack does not know")
    commitment = Commitment(row.commitment or pack.plan_by_code[row.plan].commitment)
    return _Past(
        id=row.id, name=f"{row.partner}/{row.number}", commitment=commitment, approved_at=row.approved_at,
        site=Site(country=row.country, subdivision=row.subdivision, postal_code=row.postal_code, city=row.city),
        weight_g=weight_g, promised_on=row.ship_on if commitment is Commitment.SHIP else row.arrive_on,
    )  # fmt: skip


def _replay(past: _Past, live: LayeredPromiser, other: LayeredPromiser) -> Replayed:
    here, there = (each.offers(past.site, past.approved_at, weight_g=past.weight_g) for each in (live, other))
    promised_on = past.promised_on or _date_to_keep(past, here or there)
    return Replayed(
        request=past.name,
        country=past.site.country,
        promised_on=promised_on,
        live=_sent(past, here, promised_on),
        other=_sent(past, there, promised_on),
    )


def _date_to_keep(past: _Past, offers: Sequence[Offer]) -> date:
    if not offers:
        return past.approved_at.date()  # nobody can send it, so nothing is compared with this
    return best_promise(offers, past.commitment).promised_on(past.commitment)


def _sent(past: _Past, offers: Sequence[Offer], promised_on: date) -> Sent | None:
    if not offers:
        return None
    return sent(cheapest_that_keeps(offers, promised_on, past.commitment), promised_on, past.commitment)


def _with_causes(
    session: Session, past: Sequence[_Past], replayed: Sequence[Replayed], live: LayeredPromiser,
    other: LayeredPromiser,
) -> list[Replayed]:  # fmt: skip
    """Adds why the other policy misses: against the receipt on record, or what the live policy would have written."""
    missed = [each.id for each, result in zip(past, replayed, strict=True) if not (result.other and result.other.kept)]
    recorded = _recorded_traces(session, missed)
    late = set(missed)
    found = []
    for each, result in zip(past, replayed, strict=True):
        if each.id in late:
            why = _cause(each, result, recorded.get(each.id), live, other)
            found.append(replace(result, why_missed=why))
        else:
            found.append(result)
    return found


def _cause(
    past: _Past, result: Replayed, recorded: Sequence[Mapping[str, Any]] | None, live: LayeredPromiser,
    other: LayeredPromiser,
) -> Cause:  # fmt: skip
    if result.other is None:
        return Cause.NO_LANE
    before = recorded or _trace(past, result.live, live)
    return cause(before, _trace(past, result.other, other))


def _trace(past: _Past, went: Sent | None, promiser: LayeredPromiser) -> Sequence[Mapping[str, Any]]:
    if went is None:
        return ()
    same = (went.depot, went.service)
    offers = promiser.offers(past.site, past.approved_at)
    lane = next(offer.lane for offer in offers if (offer.depot, offer.lane.service) == same)
    return promiser.working(lane, past.site, past.approved_at).trace


def _recorded_traces(session: Session, ids: Sequence[int]) -> dict[int, Sequence[Mapping[str, Any]]]:
    found: dict[int, Sequence[Mapping[str, Any]]] = {}
    for part in in_portions(ids):
        query = select(Promise.request_id, Promise.trace).where(Promise.request_id.in_(part), Promise.revision == 1)
        found |= {request_id: trace for request_id, trace in session.execute(query)}
    return found


def facts(tested: Backtest) -> dict[str, Any]:
    """A backtest for a machine; `missed` lists every request the other policy misses, and why."""
    return {
        "since": tested.since, "until": tested.until, "live_version": tested.live_version,
        "other_version": tested.other_version, "currency": tested.currency, **asdict(tested.verdict),
        "missed": [
            {
                "request": each.request, "country": each.country, "promised_on": each.promised_on,
                "live": each.live and asdict(each.live), "other": each.other and asdict(each.other),
                "why": each.why_missed,
            }
            for each in tested.replayed
            if each.why_missed is not None
        ],
    }  # fmt: skip
