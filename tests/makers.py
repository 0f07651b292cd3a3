"""Small ways to put things on record. Each maker states only what its caller leaves unsaid."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from infra.db.records import Consignee, Contract, Partner, Request, RequestLine, Stock
from infra.db.states import RequestState

APPROVED_AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def partner(session: Session, code: str = "nordlyd", **changes: Any) -> Partner:
    facts = {
        "name": "Nordlyd Kommunikation", "brand": "Nordlyd", "email": "ops@nordlyd.example.com",
        "language": "da", "zone": "Europe/Copenhagen",
    }  # fmt: skip
    made = Partner(code=code, **{**facts, **changes})
    session.add(made)
    session.flush()
    return made


def contract(session: Session, partner: str = "nordlyd", **changes: Any) -> Contract:
    facts = {
        "number": "C-1", "plan": "partner-plus", "account": "ACC-1", "sites": [], "categories": [], "onsite": False,
        "zone": "Europe/Copenhagen", "starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31),
    }  # fmt: skip
    made = Contract(partner=partner, **{**facts, **changes})
    session.add(made)
    session.flush()
    return made


def request(session: Session, number: str = "R-1", *, partner: str = "nordlyd", lines: dict[str, int] | None = None,
            consignee: dict[str, Any] | None = None, **changes: Any) -> Request:  # fmt: skip
    facts: dict[str, Any] = {
        "content_sha256": "0" * 64, "state": RequestState.APPROVED, "state_since": APPROVED_AT,
        "plan": "partner-plus", "account": "ACC-1", "serial": f"SN-{number}", "language": "da", "onsite_wanted": False,
        "diagnosed_by": "Expert", "diagnosed_at": APPROVED_AT, "finding": "No audio", "approved_by": "Desk",
        "approved_at": APPROVED_AT, "approval_zone": "Europe/Copenhagen",
        "country": "DK", "postal_code": "2100", "received_at": APPROVED_AT,
    }  # fmt: skip
    made = Request(partner=partner, number=number, **{**facts, **changes})
    session.add(made)
    session.flush()
    for line, (part, quantity) in enumerate((lines or {"HS-1": 1}).items(), start=1):
        session.add(RequestLine(request_id=made.id, line=line, partner=partner, part=part, quantity=quantity))
    receiver: dict[str, Any] = {
        "company": "Havnens Klinik", "contact": "Mette Holm", "phone": "+4533123456",
        "email": "mette@klinik.example.com", "street": "Strandvejen 1", "city": "København Ø",
        "postal_code": made.postal_code, "subdivision": made.subdivision, "country": made.country,
    }  # fmt: skip
    session.add(Consignee(request_id=made.id, partner=partner, **{**receiver, **(consignee or {})}))
    session.flush()
    return made


def stock(session: Session, part: str = "HS-1", *, depot: str = "CPH", on_hand: int = 10, **changes: Any) -> Stock:
    made = Stock(depot=depot, part=part, on_hand=on_hand, **{"bin": "A-01-1-01", "allocated": 0, **changes})
    session.add(made)
    session.flush()
    return made
