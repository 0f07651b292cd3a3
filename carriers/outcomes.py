"""The four things a carrier call can have done, and the one place that decides which.

    asked to book
    ├── Booked       it exists, here are its numbers
    ├── Rejected     it surely does not exist, and asking again changes nothing
    ├── RetryAfter   it surely does not exist: the call never happened as far as the carrier is concerned
    └── Unknown      it may exist: never ask again, look it up

The ledger (`tasks.shipments`) acts on the class alone; the attributes are evidence for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from carriers.model import Label, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """`label` is None when the carrier's answer carried none we can read: fetch it later, the booking stands."""

    shipment_id: str
    tracking_number: str
    charge: Money | None
    label: Label | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAfter:
    wait: timedelta
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """`evidence` says what was seen: a time-out, a status, a body that does not parse."""

    evidence: str


BookingOutcome = Booked | Rejected | RetryAfter | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLate:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    pass


VoidOutcome = Voided | TooLate | NotFound | RetryAfter | Unknown
