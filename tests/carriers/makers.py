"""Facts to test carriers with: every maker gives a valid one, keywords change what the test is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from carriers.model import Book, BookingKey, Customs, CustomsItem, Leg, Money, Parcel, Party
from carriers.outcomes import Booked
from carriers.transport import Credentials, TimeOuts

ACCOUNT = "A1B2C3"
SHIP_ON = date(2026, 11, 20)
MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
HASTY = TimeOuts(connect_s=1.0, read_s=0.4, write_s=1.0, pool_s=5.0, total_s=2.0)
"""Gives up long before the sandbox stops hanging."""

VENLO = Party(
    company="Forward Stocking Venlo",
    contact="Ops desk",
    phone="+31771234567",
    email="venlo@example.com",
    street="Ubroekweg 1",
    city="Venlo",
    postal_code="5928 NN",
    country="NL",
)
COPENHAGEN = Party(
    company="Søndergård A/S",
    contact="Åse Nørgaard",
    phone="+4533123456",
    email="aase@example.com",
    street="Vesterbrogade 12",
    street2="3. sal",
    city="København V",
    postal_code="1620",
    country="DK",
)
LOUISVILLE = Party(
    company="Forward Stocking Louisville",
    contact="Ops desk",
    phone="+15025551234",
    email="louisville@example.com",
    street="1 Air Ring Road",
    city="Louisville",
    postal_code="40213",
    subdivision="KY",
    country="US",
)
BOSTON = Party(
    company="Harbor Clinic",
    contact="Dana Reyes",
    phone="+16175550100",
    email="dana@example.com",
    street="2 Beacon Street",
    city="Boston",
    postal_code="02110-1234",
    subdivision="MA",
    country="US",
)
GENEVA = replace(
    COPENHAGEN, company="Clinique SA", street="Rue du Lac 3", city="Genève", postal_code="1201", country="CH"
)
PARCEL = Parcel(weight_g=2000, size_mm=(300, 110, 205), description="Conference phone base unit")


def credentials(**changes: str) -> Credentials:
    return Credentials(**({"account": ACCOUNT, "client_id": "client", "client_secret": "s3cret-value"} | changes))


def outbound(reference: str = "7Q2M9XK4T0VB3HZC", **changes: Any) -> Book:
    wanted = Book(
        reference=reference,
        leg=Leg.OUTBOUND,
        service="65",
        account=ACCOUNT,
        ship_on=SHIP_ON,
        ship_from=VENLO,
        ship_to=COPENHAGEN,
        parcel=PARCEL,
    )
    return replace(wanted, **changes)


def inside_us(reference: str = "7Q2M9XK4T0VB3HZC", **changes: Any) -> Book:
    return outbound(reference, **({"service": "01", "ship_from": LOUISVILLE, "ship_to": BOSTON} | changes))


def back(wanted: Book, reference: str = "RET0000000000001") -> Book:
    """The return leg of `wanted`."""
    return replace(wanted, reference=reference, leg=Leg.RETURN, ship_from=wanted.ship_to, ship_to=wanted.ship_from)


def customs(**changes: Any) -> Customs:
    item = CustomsItem(
        description="Conference phone base unit, new, replacement under service contract",
        hs_code="851718",
        origin="MX",
        quantity=2,
        value=Money(amount=Decimal("310.00"), currency="EUR"),
    )
    papers = Customs(incoterm="DAP", duty_payer="consignee", documents=("commercial_invoice",), items=(item,))
    return replace(papers, **changes)


def key_of(booked: Booked, reference: str) -> BookingKey:
    return BookingKey(shipment_id=booked.shipment_id, tracking_number=booked.tracking_number, reference=reference)
