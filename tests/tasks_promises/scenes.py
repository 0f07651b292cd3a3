"""How these tests get to their moment: covered requests, promised and reserved by the steps of a wave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from calendars import snapshot
from calendars.overrides import Layer, layers_from_csv
from infra import clock
from infra.db.engine import Database
from infra.db.records import Base, Partner, Request, Stock
from infra.db.records import Promise as PromiseRow
from infra.db.states import RequestState
from infra.policy.model import Pack
from tasks import promises, stock, waves
from tasks.live_calendars import Calendars
from tests import makers

HANDSET = "HND-1001"
COPENHAGEN, VENLO, FRANKFURT = "DK-CPH", "NL-VNL", "DE-FRA"
APPROVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
"""A Friday morning; from Copenhagen to Copenhagen it ships that day and arrives on Monday 23 November."""

Record = TypeVar("Record", bound=Base)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year, month, day, hour, minute


def promised(
    database: Database, *numbers: str, depots: Sequence[str] = (COPENHAGEN,), reserve: bool = True, **changes: Any
) -> None:
    """One promised request per number, in Copenhagen unless said otherwise, reserved where a depot has the part."""
    with database.write() as session:
        if session.get(Partner, "nordlyd") is None:
            makers.partner(session)
        for depot in depots:
            if session.get(Stock, (depot, HANDSET)) is None:
                makers.stock(session, HANDSET, depot=depot, on_hand=100)
        for number in numbers:
            facts = {"state": RequestState.COVERED, "approved_at": APPROVED, "lines": {HANDSET: 1}, **changes}
            makers.request(session, number, **facts)
    with clock.held(utc(2026, 11, 20, 9)):
        fence = waves.open_wave().fence
        promises.promise(fence)
        if reserve:
            stock.reserve(fence)
        waves.close_wave(fence)


def closures(*rows: str) -> Calendars:
    """The shipped regions under closures: `depot/DK-CPH,2026-11-20,2026-11-20,no,,strike,`."""
    text = "\n".join(("scope,from,to,open,cutoff,reason,source", *rows)) + "\n"
    layers: tuple[Layer, ...] = layers_from_csv(text, file="closures.csv") if rows else ()
    return Calendars(snapshot=snapshot.load(), layers=layers)


def write_closures(folder: Path, *rows: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(("scope,from,to,open,cutoff,reason,source", *rows)) + "\n"
    (folder / "closures.csv").write_text(text, encoding="utf-8")
    return folder


STRIKE = "depot/DK-CPH,2026-11-20,2026-11-20,no,,warning strike,ops/1"
"""Friday is lost in Copenhagen: ships Monday, arrives Tuesday 24 November."""


def with_changes(pack: Pack, **changes: Any) -> Pack:
    """A pack with other entries; made anew, because a copy would keep the old look-up tables."""
    return Pack(**{name: getattr(pack, name) for name in Pack.model_fields} | changes)


def rows(database: Database, record: type[Record], *where: Any) -> list[Record]:
    """Records in the order of their primary key, detached."""
    with database.read() as session:
        found = list(session.scalars(select(record).where(*where).order_by(*record.__table__.primary_key.columns)))
        session.expunge_all()
    return found


def revisions(database: Database, number: str = "R-1") -> list[PromiseRow]:
    (request,) = rows(database, Request, Request.number == number)
    found = rows(database, PromiseRow, PromiseRow.request_id == request.id)
    return sorted(found, key=lambda promise: promise.revision)
