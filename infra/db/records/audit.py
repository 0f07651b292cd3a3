"""The audit log: who did what, when, to which row; hash-chained per partner, append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Evidence, Instant, Key
from infra.db.records.base import Base


class AuditEntry(Base):
    """One change. `hash` covers this entry and `previous`, so an edit, a removal or a swap shows in `verify`."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_object", "kind", "object_id"),)

    partner: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False, comment="1 is the first of the chain")
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(80), comment="person, or the run that did it")
    kind: Mapped[str] = mapped_column(String(20), comment="request, booking, hold, …")
    object_id: Mapped[int] = mapped_column(Key)
    action: Mapped[str] = mapped_column(String(40), comment="received, approved>covered, …")
    detail: Mapped[dict[str, Any]] = mapped_column(Evidence, comment="reason and evidence; no personal data")
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of a partner's chain: the row that appends are serialised on, and what is anchored outside."""

    __tablename__ = "audit_head"

    partner: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(Key)
    hash: Mapped[str] = mapped_column(String(64))
