"""Which calendars promises are made from: each publication is a row, the newest one is live, none is ever changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Evidence, Instant, Key
from infra.db.records.base import Base


class CalendarVersion(Base):
    """One publication: a compiled snapshot of all regions, and the closures people wrote down on top of it."""

    __tablename__ = "calendar_version"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    snapshot: Mapped[str] = mapped_column(String(12), comment="version of the compiled regions")
    snapshot_files: Mapped[dict[str, Any]] = mapped_column(
        Evidence, comment="its files: name -> key in the document store"
    )
    layers: Mapped[list[dict[str, Any]]] = mapped_column(
        Evidence, comment="strike days, closed depots, half days; later ones win"
    )
    digest: Mapped[str] = mapped_column(String(12), comment="of snapshot and layers: equal content, equal digest")
    published_at: Mapped[datetime] = mapped_column(Instant)
    published_by: Mapped[str] = mapped_column(String(80))
