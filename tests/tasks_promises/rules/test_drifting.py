"""Whether a promise moves, and whether the partner hears of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from infra.policy.model import Commitment, Pack
from tasks.rules.drifting import Standing, moves, now_offered, others, partner_hears
from tasks.rules.sourcing import Offer

FRIDAY, MONDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)


def offer(pack: Pack, depot: str, ship_on: date = FRIDAY, arrive_on: date = MONDAY) -> Offer:
    lane = next(lane for lane in pack.lanes_by_country["DK"] if lane.depot == depot and lane.service.endswith("saver"))
    return Offer(
        lane=lane, distance_km=1, ship_on=ship_on, arrive_on=arrive_on, provisional=False, freight=Decimal(1)
    )  # fmt: skip


def standing(commitment: Commitment = Commitment.ARRIVE, reserved_at: str | None = "DK-CPH") -> Standing:
    return Standing(
        commitment=commitment, ship_on=FRIDAY, arrive_on=MONDAY, depot="DK-CPH", service="ups:express_saver",
        reserved_at=reserved_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("commitment", "dates", "outcome"),
    [
        pytest.param(Commitment.ARRIVE, (FRIDAY, MONDAY), (False, False), id="as it was"),
        pytest.param(Commitment.ARRIVE, (FRIDAY, TUESDAY), (True, True), id="arrives later"),
        pytest.param(Commitment.ARRIVE, (date(2026, 11, 19), MONDAY), (True, False), id="only leaves earlier"),
        pytest.param(Commitment.SHIP, (MONDAY, MONDAY), (True, True), id="promised dispatch moves"),
        pytest.param(Commitment.SHIP, (FRIDAY, TUESDAY), (True, True), id="the expected day moves"),
    ],
)
def test_who_hears_of_what(
    pack: Pack, commitment: Commitment, dates: tuple[date, date], outcome: tuple[bool, bool]
) -> None:
    """Either date moves the record; the partner hears of the promised date and of the day of arrival."""
    new = offer(pack, "DK-CPH", *dates)

    assert (moves(standing(commitment), new), partner_hears(standing(commitment), new)) == outcome


def test_reserved_parts_answer_for_themselves(pack: Pack) -> None:
    """Venlo would be earlier, but the parcel lies in Copenhagen."""
    offers = (offer(pack, "DK-CPH", MONDAY, TUESDAY), offer(pack, "NL-VNL"))

    assert now_offered(standing(), offers) is offers[0]
    assert now_offered(standing(reserved_at=None), offers) is offers[1]


def test_a_lane_that_is_gone_answers_nothing(pack: Pack) -> None:
    """No guess: a person looks."""
    assert now_offered(standing(), (offer(pack, "NL-VNL"),)) is None
    assert now_offered(standing(), ()) is None


def test_the_others_are_listed_with_their_reason(pack: Pack) -> None:
    """What they would promise, and where the parts are; a service of the same depot needs no such excuse."""
    taken, venlo = offer(pack, "DK-CPH", MONDAY, TUESDAY), offer(pack, "NL-VNL")

    assert [each.why for each in others(taken, (taken, venlo), standing())] == [
        "would promise 2026-11-23, parts are reserved at DK-CPH"
    ]
    assert [each.why for each in others(taken, (taken, venlo), standing(reserved_at=None))] == [
        "would promise 2026-11-23"
    ]
