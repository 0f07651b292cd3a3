"""What came in by file, and the rows that could not be taken: nothing is lost."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Instant, Key
from infra.db.records.base import Base


class IntakeFile(Base):
    __tablename__ = "intake_file"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    received_at: Mapped[datetime] = mapped_column(Instant)
    rows: Mapped[int]
    stored: Mapped[int] = mapped_column(comment="new requests")
    repeated: Mapped[int] = mapped_column(comment="rows that said again what is on record")
    rejected: Mapped[int] = mapped_column(comment="rows with at least one fault")


class RejectedRow(Base):
    """One fault of one row, as the sender was told."""

    __tablename__ = "rejected_row"
    __table_args__ = (Index("ix_rejected_row_file_id", "file_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("intake_file.id", ondelete="CASCADE"))
    row: Mapped[int] = mapped_column(comment="as seen in Excel")
    column: Mapped[str] = mapped_column(String(60))
    value: Mapped[str] = mapped_column(String(80))
    code: Mapped[str] = mapped_column(String(40))
    problem: Mapped[str] = mapped_column(String(300))
    remedy: Mapped[str] = mapped_column(String(300))
