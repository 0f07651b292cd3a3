"""Partners, their contracts and their certifications: who may ask for what."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.db.columns import Evidence, Key
from infra.db.records.base import Base


class Partner(Base):
    __tablename__ = "partner"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    brand: Mapped[str] = mapped_column(String(120), comment="what slips and notices are headed with")
    email: Mapped[str] = mapped_column(String(254), comment="where the partner's notices go")
    language: Mapped[str] = mapped_column(String(2))
    zone: Mapped[str] = mapped_column(String(40), comment="IANA zone the partner reads dates in")


class Contract(Base):
    __tablename__ = "contract"
    __table_args__ = (
        UniqueConstraint("partner", "number"),
        CheckConstraint("starts_on <= ends_on", name="term_in_order"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partner.code"), index=True)
    number: Mapped[str] = mapped_column(String(40))
    plan: Mapped[str] = mapped_column(String(40), comment="plan code of the policy pack")
    account: Mapped[str] = mapped_column(String(40), comment="customer account or master account")
    sites: Mapped[list[str]] = mapped_column(Evidence, comment="site ids; empty is every site of the account")
    categories: Mapped[list[str]] = mapped_column(Evidence, comment="chosen categories, Enterprise only")
    onsite: Mapped[bool] = mapped_column(comment="the onsite option was bought")
    zone: Mapped[str] = mapped_column(String(40), comment="IANA zone in which the term ends")
    starts_on: Mapped[date] = mapped_column(comment="first day, inclusive")
    ends_on: Mapped[date] = mapped_column(comment="last day, inclusive, in `zone`")


class Certification(Base):
    __tablename__ = "certification"

    partner: Mapped[str] = mapped_column(ForeignKey("partner.code"), primary_key=True)
    family: Mapped[str] = mapped_column(String(40), primary_key=True, comment="product family of the policy pack")
    until: Mapped[date] = mapped_column(comment="last day, inclusive, in the contract's zone")
