"""The carrier's side of the world: accepts, bills, voids, shows. Dialects translate to it and back.

Nothing here knows an API. Called from the server's one thread, never in two places at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from carriers.sandbox.faults import Fault, FaultPlan, Operation, draw
from carriers.sandbox.ledger import Booking, Ledger
from carriers.sandbox.virtual_clock import VirtualClock

NOW = "clock"
"""Name of the remembered instant: a restarted world does not go back in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How this world behaves. Seconds of waiting are real, `late_seconds` and `index_lag_seconds` are virtual."""

    hang_seconds: float = 2.0
    latency_ms: float = 0.0
    late_seconds: float = 300.0
    index_lag_seconds: float = 0.0
    """The longest a booking stays invisible to look-ups; each reference has its own share of it, fixed by the seed."""
    token_seconds: int = 14_399
    retry_after_seconds: int = 1
    accounts: frozenset[str] = frozenset()
    """Accounts that may be billed; empty: every well-formed one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A booking a dialect has read and found valid."""

    carrier: str
    account: str
    reference: str
    leg: str
    service: str
    ship_on: date
    origin: str
    destination: str
    amount: Decimal
    currency: str
    request: bytes


class Voiding(StrEnum):
    DONE = "done"
    ALREADY = "already"
    TOO_LATE = "too_late"
    NOT_FOUND = "not_found"


class World:
    def __init__(self, ledger: Ledger, clock: VirtualClock, *, plan: FaultPlan, habits: Habits) -> None:
        self.ledger = ledger
        self.clock = clock
        self.plan = plan
        self.habits = habits
        self.faults_given: Counter[str] = Counter()
        remembered = ledger.fact(NOW)
        if remembered and (before := datetime.fromisoformat(remembered)) > clock.now():
            clock.move_to(before)

    @contextmanager
    def request(self, operation: Operation, key: str) -> Iterator[Fault | None]:
        """One request as one transaction: the attempt is counted together with what it does."""
        with self.ledger.transaction():
            attempt = self.ledger.count_attempt(operation, key)
            fault = self.plan.fault_for(operation, key, attempt)
            if fault is not None:
                self.faults_given[f"{operation}:{fault}"] += 1
            yield fault

    def accept(self, draft: Draft, *, number: Callable[[int], str], late: bool = False) -> Booking:
        """Book and bill, whether or not the reference was booked before: no carrier here deduplicates.

        `number` makes the shipment number from a large whole number; it is tried again until the number is free.
        """
        booking = self._booking(draft, self._free_number(draft, number), late=late)
        self.ledger.add(booking)
        return booking

    def shown(self, carrier: str, account: str, reference: str) -> Sequence[Booking]:
        """What a look-up by reference shows at this moment."""
        now = self.clock.now()
        return [
            booking
            for booking in self.ledger.by_reference(reference, now)
            if booking.carrier == carrier and booking.account == account and booking.visible_at <= now
        ]

    def by_number(self, carrier: str, number: str) -> Booking | None:
        found = self.ledger.by_number(number, self.clock.now())
        return found if found is not None and found.carrier == carrier else None

    def void(self, carrier: str, number: str, *, window: Callable[[Booking], timedelta]) -> Voiding:
        """Cancel and refund within the carrier's window, counted from acceptance."""
        now = self.clock.now()
        booking = self.by_number(carrier, number)
        if booking is None:
            return Voiding.NOT_FOUND
        if booking.voided_at is not None:
            return Voiding.ALREADY
        if now > booking.accepted_at + window(booking):
            return Voiding.TOO_LATE
        self.ledger.void(booking, now)
        return Voiding.DONE

    def knows_account(self, account: str) -> bool:
        return not self.habits.accounts or account in self.habits.accounts

    def move_clock(self, instant: datetime) -> None:
        """Raises `ClockGoesBack`."""
        self.clock.move_to(instant)
        self.ledger.remember(NOW, self.clock.now().astimezone(UTC).isoformat())

    def summary(self) -> dict[str, Any]:
        """The truth in figures: what the tests assert on."""
        now = self.clock.now()
        accepted = self.ledger.accepted(now)
        live = [booking for booking in accepted if booking.voided_at is None]
        by_reference: dict[str, list[str]] = {}
        for booking in live:
            by_reference.setdefault(booking.reference, []).append(booking.shipment_id)
        return {
            "now": now.isoformat(),
            "accepted": len(accepted),
            "voided": len(accepted) - len(live),
            "billed": len(live),
            "still_to_come": self.ledger.still_to_come(now),
            "references": len({booking.reference for booking in accepted}),
            "references_with_several_live": {ref: ids for ref, ids in by_reference.items() if len(ids) > 1},
            "by_leg": _by_leg(accepted),
            "owed": {currency: str(amount) for currency, amount in sorted(self.ledger.billed(now).items())},
            "faults_given": dict(sorted(self.faults_given.items())),
        }

    def _booking(self, draft: Draft, number: str, *, late: bool) -> Booking:
        accepted_at = self.clock.now() + timedelta(seconds=self.habits.late_seconds if late else 0)
        share, _ = draw(self.plan.seed, "index lag", draft.reference)
        return Booking(
            carrier=draft.carrier,
            account=draft.account,
            reference=draft.reference,
            leg=draft.leg,
            service=draft.service,
            shipment_id=number,
            tracking_number=number,
            ship_on=draft.ship_on,
            origin=draft.origin,
            destination=draft.destination,
            accepted_at=accepted_at,
            visible_at=accepted_at + timedelta(seconds=share * self.habits.index_lag_seconds),
            amount=draft.amount,
            currency=draft.currency,
            request=draft.request,
        )

    def _free_number(self, draft: Draft, number: Callable[[int], str]) -> str:
        ordinal = self.ledger.times_booked(draft.reference)
        for salt in range(1_000):
            _, large = draw(self.plan.seed, draft.carrier, draft.reference, ordinal, salt)
            if self.ledger.number_is_free(candidate := number(large)):
                return candidate
        raise RuntimeError("no free shipment number in a thousand tries: the number space is full")


def _by_leg(accepted: Sequence[Booking]) -> dict[str, dict[str, int]]:
    legs: dict[str, dict[str, int]] = {}
    for booking in accepted:
        figures = legs.setdefault(booking.leg, {"accepted": 0, "billed": 0, "voided": 0})
        figures["accepted"] += 1
        figures["voided" if booking.voided_at else "billed"] += 1
    return legs
