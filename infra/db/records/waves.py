"""Waves, and the claims under which runs advance rows."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Instant, Key
from infra.db.records.base import Base


class Claim(Base):
    """One run's right to advance rows. Its id is the fence: it only ever rises."""

    __tablename__ = "claim"
    # without AUTOINCREMENT SQLite may give a number out again after a delete, and a fence must never come back
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40))
    host: Mapped[str] = mapped_column(String(80))
    process: Mapped[str] = mapped_column(String(40), comment="pid and start time: tells a dead holder from a live one")
    taken_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class Wave(Base):
    """The parcels of one depot that one run released for one cut-off: one pick list."""

    __tablename__ = "wave"
    __table_args__ = (UniqueConstraint("depot", "ship_on", "number"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    depot: Mapped[str] = mapped_column(String(16))
    ship_on: Mapped[date] = mapped_column(comment="local to the depot")
    number: Mapped[int] = mapped_column(comment="1 is the first release of the day")
    cutoff_at: Mapped[datetime] = mapped_column(Instant)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    fence: Mapped[int] = mapped_column(Key, comment="claim that opened it")
    released_at: Mapped[datetime | None] = mapped_column(Instant, comment="when its pick list was stored")
