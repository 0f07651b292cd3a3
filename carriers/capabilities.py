"""What each carrier can do, as data: read by the ledger to choose how an Unknown is resolved.

Figures are defaults for a new policy pack; the pack's own `CarrierTerms` win. Where a figure comes from a third
party's page and not from the carrier's contract, `sources` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from carriers.model import LabelFormat, Leg


class LookUp(StrEnum):
    """What a search by our reference can prove."""

    NONE = "none"
    """Nothing: an Unknown goes to a person."""
    EVENTUAL = "eventual"
    """A hit proves existence; no hit proves nothing before the settle window is over."""


class Idempotency(StrEnum):
    """What stops the second of two equal bookings, at the carrier."""

    NONE = "none"
    BUY_ONCE = "buy_once"
    """A draft is bought by its id; the second purchase is refused."""


class Billing(StrEnum):
    """When an unused label costs money."""

    ON_LABEL = "on_label"
    """At booking: orphans must be voided."""
    ON_SCAN = "on_scan"
    """At the first scan: an unprinted orphan is free."""
    PREPAID = "prepaid"
    """From a wallet at booking, refunded later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    carrier: str
    look_up: LookUp
    idempotency: Idempotency
    billing: Billing
    settle: timedelta
    """Client time-out + longest server work + index lag: an empty look-up before that proves nothing."""
    void_window: dict[Leg, timedelta | None]
    """From booking; None where the carrier cannot void that leg by API."""
    label_again: bool
    """Whether `CarrierPort.label` can ever answer. False: the label of the booking is the only one, keep it."""
    label_formats: frozenset[LabelFormat]
    returns: bool
    saturday: bool
    reference_max: int
    sources: str


_QUARTER = timedelta(minutes=15)
_NINETY_DAYS = timedelta(days=90)

CAPABILITIES: MappingProxyType[str, Capabilities] = MappingProxyType(
    {
        record.carrier: record
        for record in (
            Capabilities(
                carrier="ups",
                look_up=LookUp.EVENTUAL,
                idempotency=Idempotency.NONE,
                billing=Billing.ON_LABEL,
                settle=_QUARTER,
                void_window={Leg.OUTBOUND: _NINETY_DAYS, Leg.RETURN: timedelta(hours=24)},
                label_again=True,
                label_formats=frozenset({LabelFormat.ZPL}),
                returns=True,
                saturday=True,
                reference_max=35,
                sources="UPS Shipping and Tracking OpenAPI 2026-07-21; void windows from a third party's help page",
            ),
            Capabilities(
                carrier="fedex",
                look_up=LookUp.EVENTUAL,
                idempotency=Idempotency.NONE,
                billing=Billing.ON_SCAN,
                settle=_QUARTER,
                void_window={Leg.OUTBOUND: _NINETY_DAYS, Leg.RETURN: _NINETY_DAYS},
                label_again=False,
                label_formats=frozenset({LabelFormat.ZPL, LabelFormat.PDF}),
                returns=True,
                saturday=True,
                reference_max=30,
                sources="FedEx Ship and Track OpenAPI; void until tendered, 90 days is the outer bound",
            ),
            Capabilities(
                carrier="dhl_express",
                look_up=LookUp.EVENTUAL,
                idempotency=Idempotency.NONE,
                billing=Billing.ON_SCAN,
                settle=_QUARTER,
                void_window={Leg.OUTBOUND: None, Leg.RETURN: None},
                label_again=True,
                label_formats=frozenset({LabelFormat.ZPL, LabelFormat.PDF}),
                returns=True,
                saturday=True,
                reference_max=35,
                sources="MyDHL API 3.1.1: no cancel end point for shipments, an unused waybill is not billed",
            ),
            Capabilities(
                carrier="dhl_parcel_de",
                look_up=LookUp.NONE,
                idempotency=Idempotency.NONE,
                billing=Billing.ON_SCAN,
                settle=_QUARTER,
                void_window={Leg.OUTBOUND: timedelta(hours=12), Leg.RETURN: None},
                label_again=True,
                label_formats=frozenset({LabelFormat.ZPL, LabelFormat.PDF}),
                returns=True,
                saturday=True,
                reference_max=35,
                sources="DHL Parcel DE Shipping 2.2: void until the account's day-end close-out (for example 18:00)",
            ),
            Capabilities(
                carrier="gls",
                look_up=LookUp.EVENTUAL,
                idempotency=Idempotency.NONE,
                billing=Billing.ON_SCAN,
                settle=_QUARTER,
                void_window={Leg.OUTBOUND: timedelta(hours=12), Leg.RETURN: timedelta(hours=12)},
                label_again=False,
                label_formats=frozenset({LabelFormat.ZPL, LabelFormat.PDF}),
                returns=True,
                saturday=True,
                reference_max=35,
                sources="GLS ShipIT and Track&Trace 1.0.7; void is a contract matter, half a day is cautious",
            ),
            Capabilities(
                carrier="easypost",
                look_up=LookUp.EVENTUAL,
                idempotency=Idempotency.BUY_ONCE,
                billing=Billing.PREPAID,
                settle=timedelta(minutes=5),
                void_window={Leg.OUTBOUND: timedelta(days=30), Leg.RETURN: timedelta(days=30)},
                label_again=True,
                label_formats=frozenset({LabelFormat.ZPL, LabelFormat.PDF}),
                returns=True,
                saturday=True,
                reference_max=30,
                sources="EasyPost client 10.7: buy is refused the second time (SHIPMENT.POSTAGE.EXISTS); USPS 30 days",
            ),
        )
    }
)
