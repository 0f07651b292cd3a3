"""How people write the compact parts of a policy pack, and what that stands for.

`infra.policy.pack` reads these from YAML and expands them into the records of `infra.policy.model`. A lane table of
several hundred rows would hide its rules; a group of depots, countries and one service shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Literal
from zlib import crc32

from pydantic import Field

from infra.policy.model import (
    Commitment,
    CountryCode,
    Frozen,
    Lane,
    LaneEnd,
    Money,
    OpeningStock,
    Service,
    Weekday,
)

CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Bin = Annotated[str, Field(pattern=r"^[A-Z]-\d{2}-\d-\d{2}$")]
"""Aisle-rack-level-position, for example A-03-2-07: sorting it is walking it."""
PostalPrefix = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,8}$")]
"""Beginning of a postal code without blanks and hyphens; GB: area or whole district, `KA27` is not under `KA2`."""


class Closures(Frozen):
    """A carrier's own holidays, shared by its services."""

    through: date
    """Last day the list speaks for, inclusive."""
    days: dict[date, str]
    """Day -> its name, for the person who reviews the list."""


class ServiceEntry(Frozen):
    """A carrier's service; its carrier is the part of `id` before the colon."""

    id: Annotated[str, Field(pattern=r"^[a-z_]+:[a-z0-9_]+$")]
    code: str
    name: str
    weekdays: tuple[Weekday, ...]
    closures: str
    return_service: str | None = None

    @property
    def carrier(self) -> str:
        return self.id.partition(":")[0]

    def service(self, closures: Closures) -> Service:
        return Service(
            id=self.id,
            carrier=self.carrier,
            code=self.code,
            name=self.name,
            weekdays=self.weekdays,
            return_service=self.return_service,
            closed_on=tuple(sorted(closures.days)),
            closed_through=closures.through,
        )


class Papers(Frozen):
    """What a customs border asks for."""

    documents: tuple[str, ...] = Field(min_length=1)
    incoterm: Literal["DAP", "DDP", "DDU"]
    duty_payer: Literal["vendor", "consignee"]
    customs_business_days: int = Field(ge=0, le=30)


class Remote(Frozen):
    """Places of a country that every service reaches later and dearer, or over a customs border of their own."""

    name: str
    country: CountryCode
    prefixes: tuple[PostalPrefix, ...] = Field(min_length=1)
    extra_days: int = Field(ge=0, le=10)
    extra_freight: Decimal = Field(ge=0)
    papers: str | None = None
    """Needed there although the lane to the rest of the country needs none."""


class LaneGroup(Frozen):
    """Lanes that differ only in depot, country and freight. `to`: country -> list freight up to 5 kg."""

    name: str
    depots: tuple[str, ...] = Field(min_length=1)
    service: str
    commitment: Commitment
    transit_business_days: int = Field(ge=1, le=20)
    to: dict[CountryCode, Annotated[Decimal, Field(gt=0)]] = Field(min_length=1)
    freight_per_extra_kg: Annotated[Decimal, Field(gt=0)] | None = None
    papers: str | None = None
    return_label: Literal["prepaid", "customer_pays"] | None = None

    def lane(self, depot: str, country: str, papers: Papers | None, currency: str) -> Lane:
        """The lane to a country at large."""
        extra = self.freight_per_extra_kg
        lane = Lane(
            depot=depot,
            to=LaneEnd(country=country),
            service=self.service,
            commitment=self.commitment,
            transit_business_days=self.transit_business_days,
            freight=Money(amount=self.to[country], currency=currency),
            freight_per_extra_kg=None if extra is None else Money(amount=extra, currency=currency),
            return_label=self.return_label,
        )
        return lane.model_copy(update=_customs(papers))


def remote_lane(general: Lane, remote: Remote, papers: Papers | None) -> Lane:
    """`general` as it reaches a remote place: later, dearer, and no longer promised on the desk by the next day.

    The commitment falls from `arrive` to `ship`, as comparable vendors do for remote places; `papers` counts only
    where the general lane crosses no customs border of its own.
    """
    dearer = Money(amount=general.freight.amount + remote.extra_freight, currency=general.freight.currency)
    late = general.commitment is Commitment.ARRIVE and (remote.extra_days > 0 or papers is not None)
    changes: dict[str, object] = {
        "to": LaneEnd(country=remote.country, postal_prefixes=remote.prefixes),
        "transit_business_days": general.transit_business_days + remote.extra_days,
        "freight": dearer,
        "commitment": Commitment.SHIP if late else general.commitment,
    }
    if not general.customs_documents:
        changes |= _customs(papers)
    return general.model_copy(update=changes)


def _customs(papers: Papers | None) -> dict[str, object]:
    if papers is None:
        return {}
    return {
        "customs_documents": papers.documents,
        "incoterm": papers.incoterm,
        "duty_payer": papers.duty_payer,
        "customs_business_days": papers.customs_business_days,
    }


class Shelving(Frozen):
    """How every depot numbers its bins."""

    aisles: Annotated[str, Field(pattern=r"^[A-Z]+$")]
    racks: int = Field(ge=1, le=99)
    levels: int = Field(ge=1, le=9)
    positions: int = Field(ge=1, le=99)

    @property
    def slots(self) -> int:
        return len(self.aisles) * self.racks * self.levels * self.positions

    def bin(self, slot: int) -> str:
        """The bin of a slot number from 0: positions run fastest, aisles slowest."""
        rest, position = divmod(slot, self.positions)
        rest, level = divmod(rest, self.levels)
        aisle, rack = divmod(rest, self.racks)
        return f"{self.aisles[aisle]}-{rack + 1:02}-{level + 1}-{position + 1:02}"


class Quantity(Frozen):
    """How many of the parts whose number matches a shell pattern a depot of 100 percent opens with."""

    parts: str
    on_hand: int = Field(ge=0)

    def matches(self, part: str) -> bool:
        return fnmatchcase(part, self.parts)


class DepotStock(Frozen):
    """One depot's share of the quantities, and what differs there."""

    percent: int = Field(ge=1, le=1000)
    on_hand: dict[str, int] = Field(default_factory=dict)
    """Part -> quantity instead of the rule's: zero is what makes back orders and re-sourcing happen."""
    bins: dict[str, Bin] = Field(default_factory=dict)
    """Part -> a fixed place instead of the computed one."""


def opening_stock(
    depot: str, stock: DepotStock, parts: tuple[str, ...], quantities: tuple[Quantity, ...], shelving: Shelving
) -> Iterator[OpeningStock]:
    """One depot's bins and quantities; the first matching rule counts, a share is rounded up.

    Every part must match a rule and the shelving must have room: `infra.policy.consistency` has checked both.
    """
    bins = bins_of(parts, stock, shelving)
    for part in parts:
        rule = next(each for each in quantities if each.matches(part))
        share = -(-rule.on_hand * stock.percent // 100)
        yield OpeningStock(depot=depot, part=part, bin=bins[part], on_hand=stock.on_hand.get(part, share))


def bins_of(parts: tuple[str, ...], stock: DepotStock, shelving: Shelving) -> dict[str, str]:
    """A bin for every part. A checksum of the part number picks it, so that a new part moves hardly any other."""
    taken = {bin_: part for part, bin_ in stock.bins.items()}
    for part in parts:
        if part in stock.bins:
            continue
        slot = crc32(part.encode()) % shelving.slots
        while shelving.bin(slot) in taken:
            slot = (slot + 1) % shelving.slots
        taken[shelving.bin(slot)] = part
    return {part: bin_ for bin_, part in taken.items()}
