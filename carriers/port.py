"""What every carrier adapter can be asked. `tasks.shipments` knows this and nothing more of a carrier.

An adapter is safe to share between threads, opens no transaction, never retries an effectful call, and puts a
time-out on every call. It raises `CarrierUnavailable` from look-ups only; bookings and voids answer with an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from carriers.model import Book, BookingKey, Found, Label
from carriers.outcomes import BookingOutcome, VoidOutcome


class CarrierUnavailable(Exception):
    """The carrier could not be asked; nothing was changed by asking. Ask again later."""


class CarrierPort(Protocol):
    code: str

    def book(self, wanted: Book) -> BookingOutcome: ...

    def find(self, reference: str, *, ship_on: date) -> Sequence[Found]:
        """Every shipment under `reference`, voided ones included. Empty means *not visible yet*, not *absent*."""
        ...

    def void(self, key: BookingKey) -> VoidOutcome: ...

    def label(self, key: BookingKey) -> Label | None:
        """The label again, or None while the carrier has none. Raises `CarrierUnavailable`."""
        ...

    def close(self) -> None: ...
