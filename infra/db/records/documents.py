"""Documents: what was printed or received as bytes, by content."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Instant, Key
from infra.db.records.base import Base


class Document(Base):
    """Bytes in the document store. `sha256` is also the key there, so equal content is stored once."""

    __tablename__ = "document"
    __table_args__ = (Index("ix_document_wave_id", "wave_id"), Index("ix_document_request_id", "request_id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), comment="label, return_label, pick_list, packing_slips, …")
    media_type: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120), comment="file name for a person")
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(comment="bytes")
    partner: Mapped[str | None] = mapped_column(String(40), comment="NULL: the depot's own paper")
    request_id: Mapped[int | None] = mapped_column(Key)
    booking_id: Mapped[int | None] = mapped_column(Key)
    wave_id: Mapped[int | None] = mapped_column(Key)
    stored_at: Mapped[datetime] = mapped_column(Instant)
