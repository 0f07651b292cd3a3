"""Promise receipts: what was promised, from which depot by which service, and every step of the working."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Evidence, Instant, Key
from infra.db.records.base import Base


class Promise(Base):
    """One revision of a request's promise; a moved promise is a new row, the old one stays."""

    __tablename__ = "promise"
    __table_args__ = (
        ForeignKeyConstraint(["partner", "request_id"], ["request.partner", "request.id"], ondelete="CASCADE"),
        UniqueConstraint("request_id", "revision"),
        CheckConstraint("commitment IN ('ship', 'arrive')", name="known_commitment"),
        CheckConstraint("ship_on <= arrive_on", name="ships_before_it_arrives"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(String(40))
    request_id: Mapped[int] = mapped_column(Key)
    revision: Mapped[int] = mapped_column(comment="1 is the first")
    commitment: Mapped[str] = mapped_column(String(8), comment="which of the two dates the plan promises")
    ship_on: Mapped[date] = mapped_column(comment="local to the depot")
    arrive_on: Mapped[date] = mapped_column(comment="local to the site")
    provisional: Mapped[bool] = mapped_column(comment="a calendar on the way is not final")
    keeps_nbd: Mapped[bool] = mapped_column(comment="the promised date is the next business day the plan stands for")
    depot: Mapped[str] = mapped_column(String(16))
    service: Mapped[str] = mapped_column(String(40))
    cutoff_at: Mapped[datetime] = mapped_column(Instant, comment="the cut-off it rides")
    versions: Mapped[dict[str, Any]] = mapped_column(Evidence, comment="calendars, zones and policy it was computed by")
    trace: Mapped[list[dict[str, Any]]] = mapped_column(Evidence, comment="the working, day by day")
    alternatives: Mapped[list[dict[str, Any]]] = mapped_column(Evidence, comment="other depots and why they lost")
    made_at: Mapped[datetime] = mapped_column(Instant)
