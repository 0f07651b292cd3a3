"""What travels between us and any carrier: frozen values, no carrier's dialect in them.

Built by `tasks.shipments`; each adapter's `outgoing.py` translates them. Weights in grams, sizes in millimetres,
money as Decimal with its ISO 4217 currency, dates local to the depot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Leg(StrEnum):
    """Which way a parcel goes."""

    OUTBOUND = "outbound"
    RETURN = "return"


class LabelFormat(StrEnum):
    ZPL = "ZPL"
    PDF = "PDF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A sender or a receiver. `phone` is E.164; `subdivision` the ISO 3166-2 part after the dash."""

    company: str
    contact: str
    phone: str
    email: str
    street: str
    street2: str | None = None
    city: str
    postal_code: str
    subdivision: str | None = None
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    weight_g: int
    size_mm: tuple[int, int, int]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsItem:
    description: str
    hs_code: str
    origin: str
    quantity: int
    value: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Customs:
    """Only where the lane asks for papers."""

    incoterm: str
    duty_payer: str
    documents: tuple[str, ...]
    items: tuple[CustomsItem, ...]
    reason: str = "Replacement of defective equipment under service contract, no sale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Book one parcel, freight billed to `account` (ours, always: M7).

    `reference` is the 16-character client reference: the same on every attempt, and what `find` looks for.
    On the return leg `ship_from` is the customer and `ship_to` the depot; the payer stays the same.
    """

    reference: str
    leg: Leg
    service: str
    account: str
    ship_on: date
    ship_from: Party
    ship_to: Party
    parcel: Parcel
    label: LabelFormat = LabelFormat.ZPL
    saturday: bool = False
    customs: Customs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The carrier's bytes, never re-encoded."""

    format: LabelFormat
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A shipment the carrier knows under our reference."""

    shipment_id: str
    tracking_number: str
    booked_at: datetime | None
    voided: bool
    charge: Money | None = None
    label: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingKey:
    """What a carrier needs to void or re-print."""

    shipment_id: str
    tracking_number: str
    reference: str
