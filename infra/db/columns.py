"""Column types that refuse what must never be stored: naive instants and float money.

Used by every record in `infra.db.records`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, Numeric, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from infra.clock import aware_utc


class Instant(TypeDecorator[datetime]):
    """A point in time: aware in, UTC stored, aware UTC out.

    SQLite keeps no zone and would silently store local wall time, so there it is ISO text in UTC with microseconds,
    which also sorts. Raises `NaiveInstantError` for a datetime without a zone.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        instant = aware_utc(value)
        return instant.isoformat(timespec="microseconds") if dialect.name == "sqlite" else instant

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromisoformat(value)
        instant: datetime = value.astimezone(UTC)
        return instant


class Amount(TypeDecorator[Decimal]):
    """Money without its currency (which stands in the column beside it); refuses floats."""

    impl = Numeric(14, 4)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # SQLite's numbers are floats: text keeps every digit
        return dialect.type_descriptor(String(24) if dialect.name == "sqlite" else Numeric(14, 4))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is money and must be a Decimal")
        return str(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else Decimal(value).normalize() + Decimal("0.00")


Key = BigInteger().with_variant(Integer(), "sqlite")
"""A surrogate key. On SQLite only INTEGER is the row id and counts by itself."""

Evidence = JSON().with_variant(JSONB(), "postgresql")
"""Machine-readable facts beside a decision; never personal data."""
