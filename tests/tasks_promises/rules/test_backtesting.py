"""The rule both policies are replayed by, and the sums."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from infra.policy.model import Commitment, Pack
from tasks.rules.backtesting import Cause, Replayed, Sent, cause, cheapest_that_keeps, tally, verdict
from tasks.rules.sourcing import Offer

MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)


def offer(pack: Pack, arrive_on: date, freight: str, distance_km: int = 1) -> Offer:
    return Offer(
        lane=pack.lanes[0], distance_km=distance_km, ship_on=date(2026, 11, 20), arrive_on=arrive_on,
        provisional=False, freight=Decimal(freight),
    )  # fmt: skip


def test_the_cheapest_that_keeps_wins(pack: Pack) -> None:
    """Earlier than needed is worth nothing; dearer and in time beats cheap and late."""
    early, cheap, late = offer(pack, MONDAY, "12"), offer(pack, TUESDAY, "9"), offer(pack, WEDNESDAY, "1")

    assert cheapest_that_keeps([early, cheap, late], TUESDAY, Commitment.ARRIVE) is cheap
    assert cheapest_that_keeps([late, early], TUESDAY, Commitment.ARRIVE) is early


def test_when_none_keeps_the_earliest_wins(pack: Pack) -> None:
    """Then the cheapest of those, then the nearest."""
    far, near = offer(pack, TUESDAY, "9", 500), offer(pack, TUESDAY, "9", 5)

    assert cheapest_that_keeps([offer(pack, WEDNESDAY, "1"), far, near], MONDAY, Commitment.ARRIVE) is near


def sent(*, kept: bool = True, freight: str = "10", depot: str = "A") -> Sent:
    return Sent(
        depot=depot, service="s", promised_on=MONDAY, freight=Decimal(freight), kept=kept, earlier=False, is_nbd=True
    )


def replayed(live: Sent | None, other: Sent | None, **changes: Any) -> Replayed:
    facts: dict[str, Any] = {"request": "p/1", "country": "DK", "promised_on": MONDAY}
    return Replayed(**{**facts, "live": live, "other": other, **changes})


def test_what_cannot_be_sent_is_missed() -> None:
    """Three requests: kept, missed, unsent."""
    sums = tally([sent(), sent(kept=False), None])

    assert (sums.sent, sums.unsent, sums.kept, sums.missed, sums.freight) == (2, 1, 1, 2, Decimal(20))


def test_depots_count_what_each_policy_sends() -> None:
    """A sends under one policy, B under the other; the extra freight stands at B."""
    found = verdict([replayed(sent(depot="A"), sent(depot="B", freight="13"))])
    by_depot = {each.name: each for each in found.by_depot}

    assert (by_depot["A"].live.sent, by_depot["A"].other.sent, by_depot["A"].extra_freight) == (1, 0, 0)
    assert (by_depot["B"].live.sent, by_depot["B"].other.sent, by_depot["B"].extra_freight) == (0, 1, 3)


def test_extra_freight_needs_both() -> None:
    """A request one policy cannot send would make the other look dear."""
    assert verdict([replayed(None, sent()), replayed(sent(), None)]).total.extra_freight == 0


def test_causes_are_counted_most_frequent_first() -> None:
    """As the table shows them."""
    missed = [
        replayed(sent(), sent(kept=False), why_missed=why) for why in (Cause.TRANSIT, Cause.CUT_OFF, Cause.CUT_OFF)
    ]

    assert list(verdict(missed).causes.items()) == [("cut-off passed", 2), ("longer transit", 1)]


def step(kind: str, party: str, on: str, reason: str = "x") -> dict[str, Any]:
    return {"kind": kind, "party": party, "reason": reason, "on": on, "at": None}


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        pytest.param([], [step("late", "depot", "2026-11-20"), step("skipped", "depot", "2026-11-21")], Cause.CUT_OFF,
                     id="the weekend follows"),
        pytest.param([], [step("skipped", "pickup", "2026-11-20")], Cause.DEPOT_CLOSED, id="nobody collects"),
        pytest.param([], [step("skipped", "carrier", "2026-11-20")], Cause.CARRIER_CLOSED, id="carrier"),
        pytest.param([], [step("skipped", "receiving", "2026-11-20")], Cause.DESTINATION_CLOSED, id="receiving"),
        pytest.param([step("skipped", "carrier", "2026-11-21", "weekend (Sat) [a]")],
                     [step("skipped", "depot", "2026-11-21", "weekend (Sat) [b]"),
                      step("handling", "depot", "2026-11-23")], Cause.HANDLING, id="the same weekend"),
        pytest.param([step("transit", "carrier", "2026-11-23")], [step("transit", "carrier", "2026-11-23")],
                     Cause.OTHER, id="no difference"),
    ],
)  # fmt: skip
def test_the_first_difference_is_the_cause(before: list[Any], after: list[Any], why: Cause) -> None:
    """In the order of the working."""
    assert cause(before, after) is why
