"""Compact forms stand for exactly the records they say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.policy.authoring import (
    DepotStock,
    LaneGroup,
    Papers,
    Quantity,
    Remote,
    Shelving,
    bins_of,
    opening_stock,
    remote_lane,
)
from infra.policy.model import Commitment, Money

GROUP = LaneGroup(
    name="Home",
    depots=("X",),
    service="ups:express",
    commitment=Commitment.ARRIVE,
    transit_business_days=1,
    to={"ES": Decimal("9.40")},
    freight_per_extra_kg=Decimal("0.90"),
)
BORDER = Papers(documents=("invoice",), incoterm="DDP", duty_payer="vendor", customs_business_days=1)
OTHER = Papers(documents=("licence",), incoterm="DDU", duty_payer="consignee", customs_business_days=3)
SHELVING = Shelving(aisles="AB", racks=2, levels=2, positions=3)


def remote(*, days: int = 1) -> Remote:
    return Remote(name="Isles", country="ES", prefixes=("07",), extra_days=days, extra_freight=Decimal(8))


def test_group_becomes_a_lane() -> None:
    """Depot, country and freight come from the group, money gets the file's currency."""
    lane = GROUP.lane("X", "ES", None, "EUR")

    assert (lane.depot, lane.to.country, lane.to.postal_prefixes) == ("X", "ES", ())
    assert lane.freight == Money(amount=Decimal("9.40"), currency="EUR")
    assert lane.customs_documents == ()
    assert lane.customs_business_days == 0


def test_remote_lane_is_later_dearer_and_less_promised() -> None:
    """One day more, 8.00 more (9.40 + 8.00 = 17.40), and `ship` instead of `arrive`."""
    lane = remote_lane(GROUP.lane("X", "ES", None, "EUR"), remote(), None)

    assert lane.transit_business_days == 2
    assert lane.freight.amount == Decimal("17.40")
    assert lane.commitment is Commitment.SHIP
    assert lane.to.postal_prefixes == ("07",)


def test_remote_without_delay_keeps_the_promise() -> None:
    """A place that is only dearer still gets it on the desk the next day."""
    assert remote_lane(GROUP.lane("X", "ES", None, "EUR"), remote(days=0), None).commitment is Commitment.ARRIVE


def test_place_behind_a_border_loses_the_promise() -> None:
    """Customs papers alone end `arrive`, because customs takes its day."""
    lane = remote_lane(GROUP.lane("X", "ES", None, "EUR"), remote(days=0), BORDER)

    assert lane.commitment is Commitment.SHIP
    assert (lane.customs_documents, lane.customs_business_days) == (("invoice",), 1)


def test_border_of_the_lane_beats_the_place() -> None:
    """A lane that crosses a customs border anyway keeps its own papers."""
    lane = remote_lane(GROUP.lane("X", "ES", OTHER, "EUR"), remote(), BORDER)

    assert (lane.customs_documents, lane.incoterm, lane.customs_business_days) == (("licence",), "DDU", 3)


@given(st.integers(0, 23))
def test_every_slot_has_its_own_bin(slot: int) -> None:
    """Slots and bins correspond one to one, in walking order: 2 aisles x 2 racks x 2 levels x 3 positions = 24."""
    bins = [SHELVING.bin(each) for each in range(SHELVING.slots)]

    assert SHELVING.slots == 24
    assert sorted(set(bins)) == bins
    assert bins.index(SHELVING.bin(slot)) == slot


def test_full_hall_still_has_a_bin_each() -> None:
    """As many parts as bins fit without a collision."""
    parts = tuple(f"P-{number}" for number in range(24))
    bins = bins_of(parts, DepotStock(percent=100), SHELVING)

    assert set(bins) == set(parts)
    assert len(set(bins.values())) == 24


def test_new_part_moves_no_other_without_a_collision() -> None:
    """Adding a part to a roomy hall leaves the others where they were."""
    roomy = Shelving(aisles="ABCDEFGH", racks=99, levels=9, positions=99)
    before = bins_of(("P-1", "P-2"), DepotStock(percent=100), roomy)
    after = bins_of(("P-0", "P-1", "P-2"), DepotStock(percent=100), roomy)

    assert before == {part: after[part] for part in before}


@pytest.mark.parametrize(("percent", "expected"), [(100, 7), (50, 4), (1, 1), (150, 11)])
def test_share_is_rounded_up(percent: int, expected: int) -> None:
    """7 x 50 % = 3.5 -> 4; 7 x 1 % = 0.07 -> 1; 7 x 150 % = 10.5 -> 11: never less than the share."""
    quantities = (Quantity(parts="P-*", on_hand=7), Quantity(parts="*", on_hand=99))
    (stock,) = opening_stock("X", DepotStock(percent=percent), ("P-1",), quantities, SHELVING)

    assert stock.on_hand == expected


def test_exceptions_beat_the_rule() -> None:
    """A written quantity and a written bin stand as written."""
    exceptions = DepotStock(percent=100, on_hand={"P-1": 0}, bins={"P-1": "A-01-1-02"})
    (stock,) = opening_stock("X", exceptions, ("P-1",), (Quantity(parts="*", on_hand=7),), SHELVING)

    assert (stock.on_hand, stock.bin) == (0, "A-01-1-02")
