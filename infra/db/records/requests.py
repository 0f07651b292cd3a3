"""Requests: the thing everything else hangs on, its lines, its receiver, and why it stands still."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Evidence, Instant, Key
from infra.db.records.base import Base, Claimable
from infra.db.states import RequestState

STATE_LIST = ", ".join(f"'{state}'" for state in RequestState)


class Request(Claimable, Base):
    """One approved replacement request. PII lives in `Consignee`, so that it can be erased alone."""

    __tablename__ = "request"
    __table_args__ = (
        UniqueConstraint("partner", "number"),
        UniqueConstraint("partner", "id"),
        CheckConstraint(f"state IN ({STATE_LIST})", name="known_state"),
        Index("ix_request_state_home_depot", "state", "home_depot"),
        Index("ix_request_fence", "fence"),
        Index("ix_request_partner_serial", "partner", "serial"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partner.code"))
    number: Mapped[str] = mapped_column(String(40), comment="the partner's own request number")
    content_sha256: Mapped[str] = mapped_column(String(64), comment="of the request as received, format-independent")
    state: Mapped[str] = mapped_column(String(16))
    state_since: Mapped[datetime] = mapped_column(Instant)

    plan: Mapped[str] = mapped_column(String(40))
    account: Mapped[str] = mapped_column(String(40))
    site: Mapped[str | None] = mapped_column(String(40))
    serial: Mapped[str | None] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(2))
    onsite_wanted: Mapped[bool]
    incident: Mapped[str | None] = mapped_column(String(60), comment="the cloud partner's incident number")
    diagnosed_by: Mapped[str] = mapped_column(String(120))
    diagnosed_at: Mapped[datetime] = mapped_column(Instant)
    finding: Mapped[str] = mapped_column(String(500))
    approved_by: Mapped[str] = mapped_column(String(120))
    approved_at: Mapped[datetime] = mapped_column(Instant)
    approval_zone: Mapped[str] = mapped_column(String(40), comment="as the sender wrote it")

    country: Mapped[str] = mapped_column(String(2))
    subdivision: Mapped[str | None] = mapped_column(String(6))
    postal_code: Mapped[str] = mapped_column(String(16))
    home_depot: Mapped[str | None] = mapped_column(String(16), comment="its lane costs least; NULL: no lane")
    depot: Mapped[str | None] = mapped_column(String(16), comment="where the parts are reserved")
    wave_id: Mapped[int | None] = mapped_column(ForeignKey("wave.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(Instant)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("intake_file.id"))
    file_row: Mapped[int | None] = mapped_column(comment="row as seen in Excel")


class RequestLine(Base):
    __tablename__ = "request_line"
    __table_args__ = (
        ForeignKeyConstraint(["partner", "request_id"], ["request.partner", "request.id"], ondelete="CASCADE"),
        CheckConstraint("quantity > 0", name="some"),
    )

    request_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="1 is the first")
    partner: Mapped[str] = mapped_column(String(40))
    part: Mapped[str] = mapped_column(String(40))
    quantity: Mapped[int]


class Consignee(Base):
    """Who receives: personal data, kept apart from the request so that erasing it breaks nothing."""

    __tablename__ = "consignee"
    __table_args__ = (
        ForeignKeyConstraint(["partner", "request_id"], ["request.partner", "request.id"], ondelete="CASCADE"),
    )

    request_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    partner: Mapped[str] = mapped_column(String(40))
    company: Mapped[str] = mapped_column(String(120))
    contact: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(20), comment="E.164")
    email: Mapped[str] = mapped_column(String(254))
    street: Mapped[str] = mapped_column(String(120))
    street2: Mapped[str | None] = mapped_column(String(120))
    city: Mapped[str] = mapped_column(String(80))
    postal_code: Mapped[str] = mapped_column(String(16))
    subdivision: Mapped[str | None] = mapped_column(String(6))
    country: Mapped[str] = mapped_column(String(2))


class Hold(Base):
    """Why a request stands still, who owns that, and what happens next. At most one open hold a request."""

    __tablename__ = "hold"
    __table_args__ = (
        ForeignKeyConstraint(["partner", "request_id"], ["request.partner", "request.id"], ondelete="CASCADE"),
        Index(
            "uq_hold_open",
            "request_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(String(40))
    request_id: Mapped[int] = mapped_column(Key)
    reason: Mapped[str] = mapped_column(String(60), comment="stable machine word")
    words: Mapped[str] = mapped_column(String(500), comment="the reason for a person, in English")
    owner: Mapped[str] = mapped_column(String(40), comment="role that decides: operations, contracts, partner, stock")
    next_step: Mapped[str] = mapped_column(String(300))
    resume_state: Mapped[str] = mapped_column(String(16), comment="where the request goes on when approved")
    evidence: Mapped[dict[str, Any]] = mapped_column(Evidence)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    decision: Mapped[str | None] = mapped_column(String(16))
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_because: Mapped[str | None] = mapped_column(String(500))
