"""How the tests of the steps get to the moment they are about: records made, a run opened, earlier steps done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from carriers.port import CarrierPort
from infra import clock
from infra.db.engine import Database
from infra.db.records import (
    AuditEntry,
    Base,
    Booking,
    BookingStep,
    Certification,
    Hold,
    OutboxMessage,
    Request,
    Reservation,
    Stock,
)
from infra.db.records import Promise as PromiseRow
from infra.db.states import BookingState
from infra.ledger.claims import Fence
from infra.ledger.references import client_reference
from infra.policy.model import Pack
from infra.settings import Settings
from infra.storage import DocumentStore
from tasks import coverage, pick_lists, promises, shipments, stock, waves
from tasks.desk import Desk
from tasks.pick_lists import Released
from tasks.rules.promising import Promiser
from tests import makers
from tests.conftest import NOON

KEY = "k" * 40
HANDSET = "HND-1001"
"""Fits Sonata phones only (voice), has no substitute."""
STAND = "STD-1001"
"""As the handset."""
DONGLE, DONGLE_USB_C = "DNG-0500", "DNG-0510"
"""Cascade; the second may go instead of the first."""
COPENHAGEN, VENLO, FRANKFURT = "DK-CPH", "NL-VNL", "DE-FRA"
"""Depots with next-day lanes to Copenhagen: 5 km, 639 km and 680 km away."""
FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)

Record = TypeVar("Record", bound=Base)


def desk_at(
    home: Path, database: Database, *, documents: DocumentStore, pack: Pack, promiser: Promiser, carrier: CarrierPort
) -> Desk:
    """A desk with everything on it and no settings of this machine."""
    settings = Settings(home=home, reference_key=SecretStr(KEY), booking_calls_at_once=4)
    made = Desk(
        settings=settings, database=database, documents=documents, pack=pack, actor="a-test",
        _connected={carrier.code: carrier},
    )  # fmt: skip
    made.__dict__["promiser"] = promiser  # compiled once per session: a cached property takes it as its own
    return made


def like(one: Desk) -> Desk:
    """A second process at the same record: everything the same but its threads."""
    home, carrier = one.settings.home, one.carrier("ups")
    return desk_at(home, one.database, documents=one.documents, pack=one.pack, promiser=one.promiser, carrier=carrier)


def with_changes(pack: Pack, **changes: Any) -> Pack:
    """A pack with other entries; made anew, because a copy would keep the old look-up tables."""
    return Pack(**{name: getattr(pack, name) for name in Pack.model_fields} | changes)


def lose_lanes(at_desk: Desk, *, depot: str | None = None, country: str | None = None) -> None:
    """A reviewed pack without the lanes from a depot, or to a country, comes into force at this desk."""
    pack = at_desk.pack
    left = tuple(lane for lane in pack.lanes if lane.depot != depot and lane.to.country != country)
    assert len(left) < len(pack.lanes)
    work_by(at_desk, with_changes(pack, lanes=left))


def work_by(at_desk: Desk, pack: Pack) -> None:
    """Another pack comes into force at this desk; promises are made by it too."""
    calendars = at_desk.promiser._snapshot
    at_desk.pack = pack
    at_desk.__dict__["promiser"] = Promiser(pack, calendars)


def partner_under_contract(session: Session, **changes: Any) -> None:
    """Nordlyd, certified for Sonata and Cascade, with contract C-1."""
    makers.partner(session)
    makers.contract(session, **changes)
    session.add_all(
        Certification(partner="nordlyd", family=family, until=date(2026, 12, 31)) for family in ("sonata", "cascade")
    )


def approved(database: Database, *numbers: str, depots: Sequence[str] = (COPENHAGEN,), on_hand: int = 10) -> None:
    """One approved request per number, each for one handset that `depots` have on the shelf."""
    with database.write() as session:
        partner_under_contract(session)
        for depot in depots:
            makers.stock(session, HANDSET, depot=depot, on_hand=on_hand)
        for number in numbers:
            makers.request(session, number, lines={HANDSET: 1})


def open_run() -> Fence:
    return waves.open_wave().fence


def reserved(database: Database, *numbers: str) -> Fence:
    """As `approved`, then a run that has covered, promised and reserved."""
    approved(database, *numbers)
    fence = open_run()
    coverage.cover(fence)
    promises.promise(fence)
    stock.reserve(fence)
    return fence


def planned(database: Database, *numbers: str) -> Fence:
    """As `reserved`, and the bookings are planned."""
    fence = reserved(database, *numbers)
    shipments.plan_bookings(fence)
    return fence


def booked(database: Database, *numbers: str) -> Fence:
    """As `planned`, and every parcel is booked and labelled."""
    fence = planned(database, *numbers)
    book_due(fence)
    shipments.finish_bookings(fence)
    return fence


def book_due(fence: Fence) -> dict[str, int]:
    return shipments.book(fence, shipments.due_bookings(fence, BookingState.PLANNED))


def look_up_due(fence: Fence) -> dict[str, int]:
    return shipments.resolve_unknown(fence, shipments.due_bookings(fence, BookingState.UNKNOWN))


def advance_all(fence: Fence) -> tuple[dict[str, int], tuple[Released, ...]]:
    """The steps of a dispatch wave in their order, as plain functions: calls by outcome, and what was released."""
    calls = advance_to_booked(fence)
    return calls, pick_lists.release(fence)


def advance_to_booked(fence: Fence) -> dict[str, int]:
    """The same up to the labels."""
    coverage.cover(fence)
    promises.promise(fence)
    stock.reserve(fence)
    shipments.plan_bookings(fence)
    calls = Counter(look_up_due(fence)) + Counter(book_due(fence))
    shipments.finish_bookings(fence)
    return dict(calls)


def run_wave(at: datetime = NOON) -> tuple[dict[str, int], tuple[Released, ...]]:
    """A whole run at an instant: opened, advanced, closed."""
    with clock.held(at):
        fence = open_run()
        came = advance_all(fence)
        waves.close_wave(fence)
    return came


def reference(number: str = "R-1", leg: str = "outbound") -> str:
    """The reference the carrier is given for a request of Nordlyd's."""
    return client_reference(KEY.encode(), partner="nordlyd", number=number, leg=leg, generation=1)


# --- what the record says -------------------------------------------------------------------------------------------


def rows(database: Database, record: type[Record], *where: Any) -> list[Record]:
    """Records in the order of their primary key, detached."""
    keys = record.__mapper__.primary_key
    with database.read() as session:
        found = list(session.scalars(select(record).where(*where).order_by(*keys)))
        session.expunge_all()
    return found


def states(database: Database) -> dict[str, str]:
    """Request number -> state."""
    return {each.number: each.state for each in rows(database, Request)}


def booking(database: Database, number: str = "R-1", leg: str = "outbound") -> Booking:
    (found,) = rows(database, Booking, Booking.reference == reference(number, leg))
    return found


def journal(database: Database, number: str = "R-1", leg: str = "outbound") -> list[str]:
    """What the booking journal says happened, in order."""
    steps = rows(database, BookingStep, BookingStep.booking_id == booking(database, number, leg).id)
    return [step.what for step in steps]


def only_hold(database: Database) -> Hold:
    (found,) = rows(database, Hold)
    return found


def audited(database: Database, kind: str = "request") -> list[str]:
    return [entry.action for entry in rows(database, AuditEntry, AuditEntry.kind == kind)]


def told(database: Database) -> list[str]:
    """Occasions of the outbox."""
    return [message.occasion for message in rows(database, OutboxMessage)]


def receipts(database: Database, number: str = "R-1") -> list[PromiseRow]:
    (request,) = rows(database, Request, Request.number == number)
    return sorted(rows(database, PromiseRow, PromiseRow.request_id == request.id), key=lambda promise: promise.revision)


def shelf(database: Database, depot: str = COPENHAGEN, part: str = HANDSET) -> tuple[int, int]:
    """(on hand, allocated)."""
    (found,) = rows(database, Stock, Stock.depot == depot, Stock.part == part)
    return found.on_hand, found.allocated


def reserved_units(database: Database) -> dict[tuple[str, str], int]:
    units: Counter[tuple[str, str]] = Counter()
    for each in rows(database, Reservation):
        units[each.depot, each.part] += each.quantity
    return dict(units)


@contextmanager
def counted(database: Database) -> Any:
    """Inside: the list grows by every statement that is sent; `executemany` counts once."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year, month, day, hour, minute
