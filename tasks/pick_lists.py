"""The step that releases: booked -> released, with a pick list, packing slips and one print file of labels per wave.

Called by `flows.dispatch_wave`. First the wave is opened and its requests put into it, then the papers are made and
stored, then everything is written at once: requests released, documents on record, warehouse, partners and sites told.
A run killed in between leaves booked requests in an unreleased wave; the next run prints that same wave.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from carriers.links import tracking_url
from infra import clock
from infra.db.records import Booking, Consignee, Document, Partner, Promise, Request, Reservation, Stock, Wave
from infra.db.rows import add_rows
from infra.db.states import BookingState, RequestState
from infra.documents import pick_list
from infra.documents.brand import Brand
from infra.documents.packing_slip import Item, Owed, PrepaidReturn, ReturnAtOwnCost, Slip, print_slips
from infra.documents.pick_list import PickLine, PickList
from infra.ledger.changes import Change
from infra.ledger.claims import Fence
from infra.policy.model import Depot
from infra.storage import content_key
from tasks import claimed
from tasks.desk import Desk, desk
from tasks.outbox import Telling, tell
from tasks.recorded_promises import latest_promises

PARCELS_IN_A_WAVE = 120
"""More become the next wave of the day: a list one picker finishes within the hour, eight pages long."""

PRESSES = 2
"""Waves whose papers are set at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """What goes for one line of a request."""

    part: str
    instead_of: str | None
    quantity: int
    bin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """One request about to leave: everything its papers and letters say."""

    request_id: int
    partner: str
    number: str
    plan: str
    language: str
    serial: str | None
    consignee: Consignee
    commitment: str
    promised_arrival: date
    carrier: str
    service: str
    reference: str
    tracking_number: str
    label: str
    return_label: str | None
    supplies: tuple[Supplied, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedWave:
    id: int
    depot: str
    ship_on: date
    number: int
    cutoff_at: datetime
    opened_at: datetime

    @property
    def name(self) -> str:
        """As printed and spoken: NL-VNL-20261120-1."""
        return f"{self.depot}-{self.ship_on:%Y%m%d}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One document of a wave, stored."""

    kind: str
    name: str
    media_type: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a wave's release came to."""

    wave: str
    depot: str
    ship_on: date
    requests: int
    papers: tuple[Paper, ...]
    changes: tuple[Change, ...]


def release(fence: Fence) -> tuple[Released, ...]:
    """Release every claimed booked request, one wave per depot and shipping day. Repeating it finds nothing to do."""
    at_desk = desk()
    with at_desk.database.write() as session:
        waves = _open_waves(session, fence)
    # typst lets other threads run while it sets pages
    with ThreadPoolExecutor(PRESSES, thread_name_prefix="press") as presses:
        return tuple(presses.map(lambda wave: _release_wave(wave, fence, at_desk), waves))


def _open_waves(session: Session, fence: Fence) -> list[OpenedWave]:
    groups: dict[tuple[str, date], list[int]] = defaultdict(list)
    cutoffs: dict[tuple[str, date], datetime] = {}
    for request_id, depot, ship_on, cutoff_at in session.execute(_waiting(fence)):
        groups[depot, ship_on].append(request_id)
        cutoffs[depot, ship_on] = min(cutoff_at, cutoffs.get((depot, ship_on), cutoff_at))
    for (depot, ship_on), ids in sorted(groups.items()):
        for start in range(0, len(ids), PARCELS_IN_A_WAVE):
            wave_id = _new_wave(session, depot, ship_on, cutoffs[depot, ship_on], fence)
            session.execute(
                update(Request)
                .where(Request.id.in_(ids[start : start + PARCELS_IN_A_WAVE]), Request.fence == fence.number)
                .values(wave_id=wave_id)
                .execution_options(synchronize_session=False)
            )
    mine = select(Request.wave_id).where(Request.fence == fence.number, Request.state == RequestState.BOOKED)
    unreleased = (
        select(Wave)
        .where(Wave.id.in_(mine), Wave.released_at.is_(None))
        .order_by(Wave.depot, Wave.ship_on, Wave.number)
    )
    return [
        OpenedWave(
            id=wave.id,
            depot=wave.depot,
            ship_on=wave.ship_on,
            number=wave.number,
            cutoff_at=wave.cutoff_at,
            opened_at=wave.opened_at,
        )
        for wave in session.scalars(unreleased)
    ]


def _waiting(fence: Fence):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a Select of four columns, named in its only use
    # of this run's requests alone: the promises of all time are many
    latest = latest_promises(Request.fence == fence.number, Request.state == RequestState.BOOKED)
    return (
        select(Request.id, Booking.depot, Booking.ship_on, Promise.cutoff_at)
        .join(Booking, (Booking.request_id == Request.id) & (Booking.leg == "outbound"))
        .join(latest, latest.c.request_id == Request.id)
        .join(Promise, Promise.id == latest.c.promise_id)
        .where(Request.fence == fence.number, Request.state == RequestState.BOOKED, Request.wave_id.is_(None))
        .where(Booking.state == BookingState.CONFIRMED)
        .order_by(Request.id)
    )


def _new_wave(session: Session, depot: str, ship_on: date, cutoff_at: datetime, fence: Fence) -> int:
    before = session.scalar(select(func.max(Wave.number)).where(Wave.depot == depot, Wave.ship_on == ship_on)) or 0
    wave = Wave(
        depot=depot, ship_on=ship_on, number=before + 1, cutoff_at=cutoff_at, opened_at=clock.now(), fence=fence.number
    )
    session.add(wave)
    session.flush()
    return wave.id


def _release_wave(wave: OpenedWave, fence: Fence, at_desk: Desk) -> Released:
    with at_desk.database.read() as session:
        leaving = _leaving(session, wave, fence)
        partners = {partner.code: _brand(partner) for partner in session.scalars(select(Partner))}
        emails = {partner.code: (partner.email, partner.language) for partner in session.scalars(select(Partner))}
    papers = _papers(wave, leaving, partners, at_desk)
    changes = tuple(_change(each, wave) for each in leaving)
    with at_desk.database.write() as session:
        claimed.renew(session, fence)
        claimed.move(session, changes, fence=fence, at_desk=at_desk)
        session.execute(update(Wave).where(Wave.id == wave.id).values(released_at=clock.now()))
        add_rows(session, Document, [_row(paper, wave) for paper in papers])
        tell(session, [_to_warehouse(wave, leaving, papers, at_desk)])
        tell(session, [_to_partner(each, *emails[each.partner], at_desk) for each in leaving])
        tell(session, [_to_site(each, at_desk) for each in leaving])
    return Released(
        wave=wave.name, depot=wave.depot, ship_on=wave.ship_on, requests=len(leaving), papers=papers, changes=changes
    )


# --- facts ----------------------------------------------------------------------------------------------------------


def _leaving(session: Session, wave: OpenedWave, fence: Fence) -> list[Leaving]:
    mine = [Request.wave_id == wave.id, Request.fence == fence.number, Request.state == RequestState.BOOKED]
    supplies = _supplies(session, mine)
    legs = _legs(session, mine)
    promised = _first_promises(session, mine)
    rows = session.execute(
        select(Request, Consignee).join(Consignee, Consignee.request_id == Request.id).where(*mine).order_by(Request.id)
    ).all()
    session.expunge_all()
    return [_one(request, to, legs[request.id], promised[request.id], supplies[request.id]) for request, to in rows]


def _one(
    request: Request,
    to: Consignee,
    legs: dict[str, tuple[Booking, str]],
    promised: tuple[str, date],
    supplies: list[Supplied],
) -> Leaving:
    outbound, label = legs["outbound"]
    assert outbound.tracking_number is not None, "a booked request has a tracking number"
    return Leaving(
        request_id=request.id,
        partner=request.partner,
        number=request.number,
        plan=request.plan,
        language=request.language,
        serial=request.serial,
        consignee=to,
        commitment=promised[0],
        promised_arrival=promised[1],
        carrier=outbound.carrier,
        service=outbound.service,
        reference=outbound.reference,
        tracking_number=outbound.tracking_number,
        label=label,
        return_label=legs["return"][1] if "return" in legs else None,
        supplies=tuple(supplies),
    )


def _supplies(session: Session, mine: Sequence[object]) -> dict[int, list[Supplied]]:
    found: dict[int, list[Supplied]] = defaultdict(list)
    query = (
        select(Reservation.request_id, Reservation.part, Reservation.instead_of, Reservation.quantity, Stock.bin)
        .join(Stock, (Stock.depot == Reservation.depot) & (Stock.part == Reservation.part))
        .join(Request, Request.id == Reservation.request_id)
        .where(*mine)  # type: ignore[arg-type]  # column expressions
        .order_by(Reservation.request_id, Reservation.line)
    )
    for request_id, part, instead_of, quantity, bin_code in session.execute(query):
        found[request_id].append(Supplied(part=part, instead_of=instead_of, quantity=quantity, bin=bin_code))
    return found


def _legs(session: Session, mine: Sequence[object]) -> dict[int, dict[str, tuple[Booking, str]]]:
    """Request -> leg -> (booking, key of its label)."""
    found: dict[int, dict[str, tuple[Booking, str]]] = defaultdict(dict)
    query = (
        select(Booking, Document.sha256)
        .join(Request, Request.id == Booking.request_id)
        .join(Document, Document.id == Booking.label_id)
        .where(*mine, Booking.state == BookingState.CONFIRMED)  # type: ignore[arg-type]  # column expressions
    )
    for booking, key in session.execute(query):
        found[booking.request_id][booking.leg] = booking, key
    return found


def _first_promises(session: Session, mine: Sequence[object]) -> dict[int, tuple[str, date]]:
    """Request -> what was promised (`ship` or `arrive`) and the arrival the taken lane gives."""
    found: dict[int, tuple[str, date]] = {}
    query = (
        select(Promise.request_id, Promise.commitment, Promise.arrive_on)
        .join(Request, Request.id == Promise.request_id)
        .where(*mine)  # type: ignore[arg-type]  # column expressions
        .order_by(Promise.revision)
    )
    for request_id, commitment, arrive_on in session.execute(query):
        found[request_id] = commitment, arrive_on
    return found


# --- papers ---------------------------------------------------------------------------------------------------------


def _papers(
    wave: OpenedWave, leaving: Sequence[Leaving], partners: dict[str, Brand], at_desk: Desk
) -> tuple[Paper, ...]:
    facts = _pick_list(wave, leaving, at_desk)
    leaving = _as_picked(leaving, facts)
    slips = print_slips([_slip(each, wave, partners, at_desk) for each in leaving], printed_at=wave.opened_at)
    return (
        _stored("pick_list", f"{wave.name}.pdf", "application/pdf", pick_list.pdf(facts), at_desk),
        _stored("pick_list", f"{wave.name}.csv", "text/csv", pick_list.csv(facts), at_desk),
        _stored("pick_list", f"{wave.name}.json", "application/json", pick_list.json(facts), at_desk),
        _stored("packing_slips", f"{wave.name}-slips.pdf", "application/pdf", slips.pdf, at_desk),
        _stored("labels", f"{wave.name}-labels.zpl", "application/zpl", _print_file(leaving, at_desk), at_desk),
    )


def _as_picked(leaving: Sequence[Leaving], facts: PickList) -> list[Leaving]:
    """In the order in which the picker meets the parcels, so that labels and slips come to hand as they are needed."""
    met = {line.reference: number for number, line in reversed([*enumerate(pick_list.in_bin_order(facts.lines))])}
    return sorted(leaving, key=lambda each: met[each.reference])


def _stored(kind: str, name: str, media_type: str, content: bytes, at_desk: Desk) -> Paper:
    at_desk.documents.store(content, media_type=media_type)
    return Paper(kind=kind, name=name, media_type=media_type, sha256=content_key(content), size=len(content))


def _print_file(leaving: Sequence[Leaving], at_desk: Desk) -> bytes:
    """The carriers' labels in the order of the pick list's parcels, each return label behind its outbound one."""
    keys = [key for each in leaving for key in (each.label, each.return_label) if key is not None]
    return b"\n".join(at_desk.documents.fetch(key) for key in keys)


def _pick_list(wave: OpenedWave, leaving: Sequence[Leaving], at_desk: Desk) -> PickList:
    depot = at_desk.pack.depot_by_code[wave.depot]
    services = Counter(each.service for each in leaving)
    return PickList(
        wave=wave.name,
        depot_code=depot.code,
        depot_name=depot.name,
        zone=depot.zone,
        cutoff_at=wave.cutoff_at,
        pickup_at=_pickup(depot, wave.ship_on),
        carrier=", ".join(sorted({each.carrier.upper() for each in leaving})),
        services=tuple((at_desk.pack.service_by_id[service].name, count) for service, count in services.most_common()),
        printed_at=wave.opened_at,
        lines=tuple(line for each in leaving for line in _lines(each, at_desk)),
    )


def _pickup(depot: Depot, ship_on: date) -> datetime:
    return datetime.combine(ship_on, depot.pickup, tzinfo=ZoneInfo(depot.zone))


def _lines(each: Leaving, at_desk: Desk) -> list[PickLine]:
    return [
        PickLine(
            bin=supply.bin,
            part=supply.part,
            description=at_desk.pack.part_by_number[supply.part].description,
            quantity=supply.quantity,
            request=each.number,
            partner=each.partner,
            reference=each.reference,
            tracking_number=each.tracking_number,
            company=each.consignee.company,
            city=each.consignee.city,
            country=each.consignee.country,
            substituted_for=supply.instead_of,
        )
        for supply in each.supplies
    ]


def _slip(each: Leaving, wave: OpenedWave, partners: dict[str, Brand], at_desk: Desk) -> Slip:
    to = each.consignee
    return Slip(
        reference=each.reference,
        brand=brand_of(each.plan, partners[each.partner], at_desk),
        language=each.language,
        country=to.country,
        request=each.number,
        ship_on=wave.ship_on,
        carrier=each.carrier.upper(),
        tracking_number=each.tracking_number,
        recipient=tuple(
            line
            for line in (to.company, to.contact, to.street, to.street2, f"{to.postal_code} {to.city}", to.country)
            if line
        ),
        items=tuple(_item(supply, at_desk) for supply in each.supplies),
        owed=_owed(each, wave, at_desk),
    )


def _item(supply: Supplied, at_desk: Desk) -> Item:
    part = at_desk.pack.part_by_number[supply.part]
    return Item(part=supply.part, description=part.description, quantity=supply.quantity)


def _owed(each: Leaving, wave: OpenedWave, at_desk: Desk) -> Owed:
    """The defective part comes back (M17): what was asked for, not the substitute that went."""
    depot = at_desk.pack.depot_by_code[wave.depot]
    owed = []
    for supply in each.supplies:
        number = supply.instead_of or supply.part
        description = at_desk.pack.part_by_number[number].description
        owed.append(Item(part=number, description=description, quantity=supply.quantity, serial=each.serial))
    address = depot.address
    lines = (address.company, address.street, f"{address.postal_code} {address.city}", address.country)
    way = (
        PrepaidReturn(carrier=each.carrier.upper())
        if each.return_label
        else ReturnAtOwnCost(number=each.reference, address=lines)
    )
    window = at_desk.pack.plan_by_code[each.plan].return_window_business_days
    return Owed(items=tuple(owed), business_days=window, way=way)


def _brand(partner: Partner) -> Brand:
    return Brand(name=partner.brand, email=partner.email)


def brand_of(plan: str, partner: Brand, at_desk: Desk) -> Brand:
    """Whose name stands on it: the partner's where the plan is branded, else the vendor's."""
    if at_desk.pack.plan_by_code[plan].brand == "partner":
        return partner
    return Brand(name=at_desk.settings.vendor_name, email=at_desk.settings.vendor_email)


# --- records and letters --------------------------------------------------------------------------------------------


def _change(each: Leaving, wave: OpenedWave) -> Change:
    return Change(
        request_id=each.request_id, partner=each.partner, number=each.number,
        before=RequestState.BOOKED, after=RequestState.RELEASED, detail={"wave": wave.name},
    )  # fmt: skip


def _row(paper: Paper, wave: OpenedWave) -> dict[str, object]:
    return {
        "kind": paper.kind, "name": paper.name, "media_type": paper.media_type, "sha256": paper.sha256,
        "size": paper.size, "wave_id": wave.id, "stored_at": clock.now(),
    }  # fmt: skip


def _to_warehouse(wave: OpenedWave, leaving: Sequence[Leaving], papers: Sequence[Paper], at_desk: Desk) -> Telling:
    depot = at_desk.pack.depot_by_code[wave.depot]
    lines = [supply for each in leaving for supply in each.supplies]
    return Telling(
        occasion=f"pick_list_ready/{wave.id}",
        kind="pick_list_ready",
        recipient=depot.email,
        language="en",
        wave_id=wave.id,
        facts={
            "wave": wave.name, "depot": depot.code, "cutoff_at": wave.cutoff_at.isoformat(),
            "pickup_at": _pickup(depot, wave.ship_on).isoformat(), "lines": len(lines), "parcels": len(leaving),
            "carrier": ", ".join(sorted({each.carrier.upper() for each in leaving})),
            "pieces": sum(supply.quantity for supply in lines), "files": [[each.name, each.sha256] for each in papers],
        },
    )  # fmt: skip


def _to_partner(each: Leaving, email: str, language: str, at_desk: Desk) -> Telling:
    return Telling(
        occasion=f"dispatched/{each.request_id}/partner",
        kind="dispatched",
        recipient=email,
        language=language,
        partner=each.partner,
        request_id=each.request_id,
        facts=_travel(each, at_desk),
    )


def _to_site(each: Leaving, at_desk: Desk) -> Telling:
    window = at_desk.pack.plan_by_code[each.plan].return_window_business_days
    more = {
        "contact": each.consignee.contact,
        "return_business_days": window,
        "return_label": each.return_label is not None,
    }
    return Telling(
        occasion=f"dispatched/{each.request_id}/site",
        kind="dispatched_site",
        recipient=each.consignee.email,
        language=each.language,
        partner=each.partner,
        request_id=each.request_id,
        facts=_travel(each, at_desk) | more,
    )


def _travel(each: Leaving, at_desk: Desk) -> dict[str, object]:
    to = each.consignee
    return {
        "request": each.number,
        "plan": each.plan,
        "carrier": each.carrier.upper(),
        "tracking_number": each.tracking_number,
        "tracking_url": tracking_url(each.carrier, each.tracking_number),
        "items": [
            [supply.part, at_desk.pack.part_by_number[supply.part].description, supply.quantity]
            for supply in each.supplies
        ],
        "arrive_on": each.promised_arrival.isoformat(),
        "promised": each.commitment == "arrive",
        "company": to.company,
        "city": to.city,
        "country": to.country,
    }
