"""The outbox: what somebody must be told, written in the transaction that made it true."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Evidence, Instant, Key
from infra.db.records.base import Base, Claimable


class OutboxMessage(Claimable, Base):
    """One message to one reader. `occasion` is unique, so that saying a thing twice is impossible."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        UniqueConstraint("occasion"),
        CheckConstraint("state IN ('due', 'sent', 'given_up')", name="known_state"),
        Index("ix_outbox_message_state_due", "state", "due_at"),
        Index("ix_outbox_message_request_id", "request_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    occasion: Mapped[str] = mapped_column(String(120), comment="what is said to whom, once: dispatched/17/partner")
    channel: Mapped[str] = mapped_column(String(12), comment="email")
    kind: Mapped[str] = mapped_column(String(40), comment="which letter")
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    partner: Mapped[str | None] = mapped_column(String(40))
    request_id: Mapped[int | None] = mapped_column(Key)
    wave_id: Mapped[int | None] = mapped_column(Key)
    facts: Mapped[dict[str, Any]] = mapped_column(Evidence, comment="what the letter says, without layout")
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Instant)
    written_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    last_problem: Mapped[str | None] = mapped_column(String(300))
