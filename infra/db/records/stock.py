"""Stock and what is reserved of it. `allocated <= on_hand` is a constraint of the database, not a hope."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Instant, Key
from infra.db.records.base import Base


class Stock(Base):
    """What a depot holds of a part; what leaves lowers `on_hand` and `allocated` together."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("allocated >= 0", name="nothing_owed_twice"),
        CheckConstraint("allocated <= on_hand", name="never_oversold"),
    )

    depot: Mapped[str] = mapped_column(String(16), primary_key=True)
    part: Mapped[str] = mapped_column(String(40), primary_key=True)
    bin: Mapped[str] = mapped_column(String(20), comment="where the picker finds it; empty is unknown")
    on_hand: Mapped[int]
    allocated: Mapped[int] = mapped_column(default=0, comment="reserved and not yet out of the door")


class Reservation(Base):
    """So many of a part at a depot, for one line of one request; the key makes reserving twice impossible."""

    __tablename__ = "reservation"
    __table_args__ = (
        ForeignKeyConstraint(["partner", "request_id"], ["request.partner", "request.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["depot", "part"], ["stock.depot", "stock.part"]),
        CheckConstraint("quantity > 0", name="some"),
        Index("ix_reservation_depot_part", "depot", "part"),
    )

    request_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    partner: Mapped[str] = mapped_column(String(40))
    depot: Mapped[str] = mapped_column(String(16))
    part: Mapped[str] = mapped_column(String(40), comment="what goes")
    instead_of: Mapped[str | None] = mapped_column(String(40), comment="what was asked for, where a substitute goes")
    quantity: Mapped[int]
    reserved_at: Mapped[datetime] = mapped_column(Instant)
