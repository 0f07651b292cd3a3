"""Bookings: the journal that makes a paid parcel happen exactly once."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Amount, Evidence, Instant, Key
from infra.db.records.base import Base, Claimable
from infra.db.states import BookingState

STATE_LIST = ", ".join(f"'{state}'" for state in BookingState)


class Booking(Claimable, Base):
    """One parcel on one leg. The reference is the same on every attempt; a new generation is a person's decision."""

    __tablename__ = "booking"
    __table_args__ = (
        ForeignKeyConstraint(["partner", "request_id"], ["request.partner", "request.id"], ondelete="CASCADE"),
        UniqueConstraint("request_id", "leg", "generation"),
        UniqueConstraint("reference"),
        CheckConstraint(f"state IN ({STATE_LIST})", name="known_state"),
        CheckConstraint("leg IN ('outbound', 'return')", name="known_leg"),
        Index("ix_booking_state_due", "state", "due_at"),
        Index("ix_booking_tracking_number", "tracking_number"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(String(40))
    request_id: Mapped[int] = mapped_column(Key)
    leg: Mapped[str] = mapped_column(String(8))
    generation: Mapped[int] = mapped_column(default=1)
    reference: Mapped[str] = mapped_column(String(16), comment="ours, at the carrier; Crockford base32 of an HMAC")
    carrier: Mapped[str] = mapped_column(String(20))
    service: Mapped[str] = mapped_column(String(40), comment="service id of the policy pack")
    depot: Mapped[str] = mapped_column(String(16))
    ship_on: Mapped[date] = mapped_column(comment="local to the depot")
    state: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int] = mapped_column(default=0, comment="calls whose bytes may have left")
    due_at: Mapped[datetime | None] = mapped_column(Instant, comment="nothing to do before this")
    intent_at: Mapped[datetime | None] = mapped_column(Instant)
    unknown_since: Mapped[datetime | None] = mapped_column(Instant)
    look_ups: Mapped[int] = mapped_column(default=0, comment="since the last attempt, failed ones too")
    negatives: Mapped[int] = mapped_column(default=0, comment="look-ups since the last attempt that found nothing")
    request_sha256: Mapped[str | None] = mapped_column(String(64), comment="of what was sent")
    shipment_id: Mapped[str | None] = mapped_column(String(60))
    tracking_number: Mapped[str | None] = mapped_column(String(60))
    charge: Mapped[Decimal | None] = mapped_column(Amount)
    currency: Mapped[str | None] = mapped_column(String(3))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    label_id: Mapped[int | None] = mapped_column(Key, comment="document; NULL while the carrier owes the label")


class BookingStep(Base):
    """Append-only: everything that was tried and learnt about a booking, in order."""

    __tablename__ = "booking_step"
    __table_args__ = (Index("ix_booking_step_booking_id", "booking_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    booking_id: Mapped[int] = mapped_column(Key)
    attempt: Mapped[int]
    fence: Mapped[int] = mapped_column(Key)
    at: Mapped[datetime] = mapped_column(Instant)
    what: Mapped[str] = mapped_column(String(24))
    evidence: Mapped[dict[str, Any]] = mapped_column(Evidence)
