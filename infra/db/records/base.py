"""What all records share: names of constraints, and the columns a claimable row has."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from infra.db.columns import Instant, Key


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Claimable:
    """A row that one run at a time may advance.

    `lease_until` is liveness: after it, anybody may claim the row. `fence` is safety: every claim brings a higher one,
    and a transition names the fence it was claimed under, so that a run that was thought dead changes nothing.
    """

    fence: Mapped[int] = mapped_column(Key, default=0, comment="number of the claim that may advance this row")
    lease_until: Mapped[datetime | None] = mapped_column(Instant, comment="free for everybody after this; NULL is free")
