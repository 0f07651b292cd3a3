"""The promise itself: monotone, never on a closed day, the same in one row and in a million."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.operating import BeyondHorizon, CalendarError, NeverOpen, Override
from calendars.promises import (
    CutoffRule,
    Destination,
    LaneBook,
    NaiveApproval,
    Origin,
    compile_lane,
    epoch_seconds,
    latest,
    promise_batch,
)
from calendars.snapshot import load
from calendars.zones import zone

AFTERNOON = CutoffRule(default=time(14))
WEEK = ("MON", "TUE", "WED", "THU", "FRI")
SNAPSHOT = load()


def origin(region="DE-BE", place="Europe/Berlin", **options):
    return Origin(
        depot=region, zone=place, calendar=SNAPSHOT.business_calendar(region), **{"cutoff": AFTERNOON, **options}
    )


def destination(region="DE-BE", place="Europe/Berlin", **options):
    return Destination(zone=place, delivery=SNAPSHOT.business_calendar(region), **options)


LANES = (
    compile_lane(origin(), destination()),
    compile_lane(
        origin("US-HI", "Pacific/Honolulu"), destination("NZ-AUK", "Pacific/Auckland"), transit_business_days=3
    ),
    compile_lane(
        origin("SA", "Asia/Riyadh", handling_business_days=1),
        destination("GB-SCT", "Europe/London"),
        carrier=SNAPSHOT.weekly("carrier", WEEK),
        customs_business_days=2,
    ),
    compile_lane(
        origin("CN", "Asia/Shanghai", cutoff=CutoffRule.of(time(9), by_weekday={"SAT": time(7), "FRI": time(23, 59)})),
        destination("HK", "Asia/Hong_Kong"),
    ),
    compile_lane(
        # 02:30 does not exist on one night and comes twice on another; Tuesday and Thursday pick-ups only
        origin(
            "US-NY",
            "America/New_York",
            cutoff=CutoffRule(default=time(2, 30)),
            weekdays=("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"),
            pickup=SNAPSHOT.weekly("pickup", ("TUE", "THU")),
        ),
        destination("CN", "Asia/Shanghai", receiving=SNAPSHOT.weekly("dock", ("MON", "WED"))),
    ),
)
lanes = st.sampled_from(LANES)
instants = st.integers(
    int(datetime(2024, 2, 1, tzinfo=UTC).timestamp()), int(datetime(2033, 6, 1, tzinfo=UTC).timestamp())
)


def reference(lane, epoch):
    """The formal definition, walked day by day with plain datetimes."""
    here, there = zone(lane.origin.zone), zone(lane.destination.zone)
    depot = lane.origin.open_calendar
    pickup = lane.origin.pickup or depot
    day = datetime.fromtimestamp(epoch, UTC).astimezone(here).date() - timedelta(days=1)

    def cutoff(on):
        return datetime.combine(on, lane.origin.cutoff.on(on), tzinfo=here).timestamp()

    while not (depot.is_open(day) and cutoff(day) >= epoch):
        day += timedelta(days=1)
    ship = after(day, lane.origin.handling_business_days, depot.is_open)
    while not (depot.is_open(ship) and pickup.is_open(ship)):
        ship += timedelta(days=1)
    leaves = datetime.combine(ship, lane.origin.dispatch, tzinfo=here).timestamp()
    base = max(ship, datetime.fromtimestamp(leaves, UTC).astimezone(there).date())
    carrier, delivery = lane.moving, lane.destination.delivery
    due = after(base, lane.transit_business_days, lambda d: carrier.is_open(d) and delivery.is_open(d))
    arrive = after(due, lane.customs_business_days, lane.destination.customs_calendar.is_open)
    while not (delivery.is_open(arrive) and lane.destination.receiving_calendar.is_open(arrive)):
        arrive += timedelta(days=1)
    return ship, arrive


def after(day, count, is_open):
    while count:
        day += timedelta(days=1)
        count -= is_open(day)
    return day


@given(lanes, instants)
def test_tables_equal_the_definition(lane, epoch):
    """The table look-up gives what the formal definition gives, day by day."""
    ship, arrive, _ = lane.quick(epoch)

    assert (date.fromordinal(ship), date.fromordinal(arrive)) == reference(lane, epoch)


@given(lanes, instants, st.integers(0, 10 * 86_400))
def test_approving_later_never_promises_earlier(lane, epoch, delay):
    """Ship and arrival dates never move back as the approval moves on."""
    early, late = lane.quick(epoch), lane.quick(epoch + delay)

    assert early[0] <= late[0]
    assert early[1] <= late[1]


@given(lanes, instants)
def test_promise_never_falls_on_a_closed_day(lane, epoch):
    """It ships on a day the depot works and arrives on a day the place takes deliveries, later than it ships."""
    ship, arrive, _ = lane.quick(epoch)

    assert lane.origin.open_calendar.is_open(date.fromordinal(ship))
    assert lane.destination.delivery.is_open(date.fromordinal(arrive))
    assert lane.destination.receiving_calendar.is_open(date.fromordinal(arrive))
    assert arrive > ship


@given(lanes, instants)
def test_receipt_equals_the_quick_answer(lane, epoch):
    """The receipt carries the dates of the quick answer, and its working ends on them."""
    ship, arrive, provisional = lane.quick(epoch)
    promise = lane.promise(datetime.fromtimestamp(epoch, UTC))

    assert (promise.ship_by.toordinal(), promise.arrive_on.toordinal(), promise.provisional) == (
        ship,
        arrive,
        provisional,
    )
    assert promise.trace[-1].on == promise.arrive_on
    assert next(step.on for step in promise.trace if step.kind == "ship") == promise.ship_by
    assert promise.cutoff_at >= promise.approved_at
    assert bool(promise.provisional_reason) == promise.provisional


@given(lanes, instants)
def test_receipt_accounts_for_every_day(lane, epoch):
    """Each day between the dates is in the working exactly as counted or as skipped with a reason."""
    promise = lane.promise(datetime.fromtimestamp(epoch, UTC))
    counted = sum(step.kind == "transit" for step in promise.trace)
    customs = sum(step.kind == "customs" for step in promise.trace)
    named = {step.on for step in promise.trace}

    assert counted == lane.transit_business_days
    assert customs == lane.customs_business_days
    base = next((s.on for s in promise.trace if s.kind == "dispatch"), promise.ship_by)
    assert {base + timedelta(days=n) for n in range(1, (promise.arrive_on - base).days + 1)} <= named


@given(st.lists(st.tuples(st.integers(0, len(LANES) - 1), instants), min_size=1, max_size=50))
def test_batch_equals_scalar(rows):
    """A batch answers each row as the scalar look-up does."""
    indices, epochs = (np.array(column) for column in zip(*rows, strict=True))
    ship, arrive, provisional = promise_batch(LANES, indices, epochs)

    found = list(zip(ship.tolist(), arrive.tolist(), provisional.tolist(), strict=True))
    assert found == [LANES[index].quick(epoch) for index, epoch in rows]


def test_batch_over_many_blocks_equals_scalar():
    """Blocks meet without a seam: 100 000 rows across block borders equal the scalar look-up on a sample."""
    epochs = np.arange(100_000) * 2_500 + int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
    indices = np.arange(100_000) % len(LANES)
    ship, arrive, provisional = promise_batch(LaneBook(LANES), indices, epochs)

    for row in (*range(0, 100_000, 997), 32_767, 32_768, 65_535, 65_536, 99_999):
        assert (ship[row], arrive[row], provisional[row]) == LANES[row % len(LANES)].quick(int(epochs[row]))


def test_rows_outside_the_window_are_marked():
    """A row before or after the window has ordinals 0, which are no date; the rows beside it stand."""
    good = int(datetime(2026, 2, 10, 12, tzinfo=UTC).timestamp())
    ship, arrive, provisional = promise_batch(LANES, [0, 0, 0, 0], [good, 0, 2**33, good])

    assert arrive.tolist() == [LANES[0].quick(good)[1], 0, 0, LANES[0].quick(good)[1]]
    assert ship.tolist()[1:3] == [0, 0]
    assert provisional.tolist()[1:3] == [True, True]


def test_unknown_lane_index_is_refused():
    """A negative index must not wrap round to another lane."""
    with pytest.raises(IndexError):
        promise_batch(LANES, [-1], [1_770_000_000])


def test_fractional_epochs_are_refused():
    """Float seconds in a batch would be cut off towards the past: on time although late."""
    with pytest.raises(ValueError, match="whole"):
        promise_batch(LANES, [0], [1_770_000_000.5])


def test_empty_batch_is_empty():
    """No rows, no answers."""
    assert [len(column) for column in promise_batch(LANES, np.array([], dtype=int), np.array([], dtype=int))] == [
        0,
        0,
        0,
    ]


@pytest.mark.parametrize(
    "instant",
    [datetime(2023, 12, 31, 12, tzinfo=UTC), datetime(2033, 12, 31, 23, tzinfo=UTC), datetime(2101, 7, 4, tzinfo=UTC)],
    ids=["before", "chain-leaves-the-window", "next-century"],
)
def test_approvals_outside_the_window_are_refused(instant):
    """Where the chain leaves the compiled days nothing is promised."""
    with pytest.raises(BeyondHorizon):
        LANES[0].promise(instant)


def test_naive_approval_is_refused():
    """An approval without a zone raises at the door."""
    with pytest.raises(NaiveApproval):
        LANES[0].promise(datetime(2026, 2, 10, 12))  # noqa: DTZ001 - the point of the test


def test_fraction_after_the_cutoff_is_late():
    """Seconds are rounded up: a microsecond past the cut-off is past it, the exact second is not."""
    exact = datetime(2026, 2, 10, 13, tzinfo=UTC)

    assert LANES[0].promise(exact).ship_by == date(2026, 2, 10)
    assert LANES[0].promise(exact + timedelta(microseconds=1)).ship_by == date(2026, 2, 11)
    assert epoch_seconds(exact) == exact.timestamp()


def test_close_cutoffs_are_both_seen():
    """Friday 23:59 and Saturday 07:00 lie in one half day: each approval rides the right one."""
    lane = LANES[3]
    friday = datetime.combine(date(2026, 2, 13), time(23, 59), tzinfo=zone("Asia/Shanghai"))

    assert lane.promise(friday).ship_by == date(2026, 2, 13)
    assert lane.promise(friday + timedelta(seconds=1)).ship_by == date(2026, 2, 14)


def test_closed_origin_after_shipping_does_not_block():
    """A holiday at the depot on the day after shipping moves nothing; at the destination it does."""
    there = compile_lane(origin("DE-NW"), destination("DE-HH"))
    back = compile_lane(origin("DE-HH"), destination("DE-NW"))
    wednesday = datetime(2026, 6, 3, 10, tzinfo=UTC)

    assert there.promise(wednesday).arrive_on == date(2026, 6, 4)
    assert back.promise(wednesday).arrive_on == date(2026, 6, 5)


def test_blackout_moves_the_arrival():
    """A consignee's blackout moves the arrival and is named with its reason."""
    closed = Override(first=date(2026, 2, 11), last=date(2026, 2, 12), open=False, reason="stocktake")
    lane = compile_lane(origin(), destination(blackouts=(closed,)))
    promise = lane.promise(datetime(2026, 2, 10, 10, tzinfo=UTC))

    assert promise.arrive_on == date(2026, 2, 13)
    assert "stocktake" in promise.explain()


def test_open_blackout_is_refused():
    """A blackout that opens a day is a contradiction in terms."""
    with pytest.raises(CalendarError):
        destination(blackouts=(Override(first=date(2026, 2, 1), last=date(2026, 2, 1), open=True, reason="x"),))


def test_carrier_holiday_is_the_carriers():
    """A day on which only the carrier rests is skipped in its name."""
    resting = SNAPSHOT.weekly("carrier:ups", WEEK, closed_on=[date(2026, 2, 11)])
    promise = compile_lane(origin(), destination(), carrier=resting).promise(datetime(2026, 2, 10, 10, tzinfo=UTC))

    skipped = [step for step in promise.trace if step.kind == "skipped"]
    assert [(step.party, step.on) for step in skipped] == [("carrier", date(2026, 2, 11))]
    assert promise.arrive_on == date(2026, 2, 12)


def test_promise_beyond_the_horizon_is_provisional():
    """China's swaps of 2027 are not decreed in the data: answered, provisional, with the reason."""
    lane = compile_lane(origin("CN", "Asia/Shanghai"), destination("CN", "Asia/Shanghai"))

    firm = lane.promise(datetime(2026, 6, 1, 2, tzinfo=UTC))
    vague = lane.promise(datetime(2027, 9, 29, 2, tzinfo=UTC))
    assert (firm.provisional, firm.provisional_reason) == (False, "")
    assert vague.provisional
    assert "2026-12-31" in vague.provisional_reason


def test_versions_name_every_source():
    """A receipt names tzdata, the snapshot, and each calendar by version; another closure is another version."""
    plain = LANES[2].promise(datetime(2026, 2, 10, 10, tzinfo=UTC)).versions
    closed = origin().calendar.with_overrides(
        [Override(first=date(2026, 7, 1), last=date(2026, 7, 1), open=False, reason="x")]
    )
    one, other = (compile_lane(replace(origin(), calendar=c), destination()) for c in (origin().calendar, closed))

    assert [name.split()[0] for name, _ in plain] == ["tzdata", "data", "depot", "carrier", "delivery"]
    assert one.versions != other.versions


def test_lane_survives_pickling():
    """A lane sent to another process answers the same."""
    again = pickle.loads(pickle.dumps(LANES[2]))
    instant = datetime(2026, 2, 10, 10, tzinfo=UTC)

    assert again.promise(instant) == LANES[2].promise(instant)


def test_latest_promise_of_alternatives():
    """Of two possible regions the later arrival is promised."""
    instant = datetime(2026, 6, 3, 10, tzinfo=UTC)
    promises = [compile_lane(origin(), destination(region)).promise(instant) for region in ("DE-HH", "DE-NW", "DE-BE")]

    assert latest(promises).arrive_on == date(2026, 6, 5)


def test_plan_wording_picks_the_date():
    """`ship` promises the ship date, `arrive` the arrival; both are there."""
    promise = LANES[0].promise(datetime(2026, 2, 10, 10, tzinfo=UTC))

    assert promise.promised("ship") == promise.ship_by
    assert promise.promised("arrive") == promise.arrive_on


def test_calendar_that_never_opens_is_refused():
    """A destination closed for ever is an error of the calendar, not a promise in the far future."""
    first, last = SNAPSHOT.first, SNAPSHOT.last
    shut = SNAPSHOT.calendar("DE-BE").with_overrides([Override(first=first, last=last, open=False, reason="gone")])

    with pytest.raises(NeverOpen):
        compile_lane(origin(), replace(destination(), delivery=shut))
    with pytest.raises(NeverOpen):
        compile_lane(replace(origin(), calendar=shut), destination())


@pytest.mark.parametrize(("transit", "customs"), [(0, 0), (1, -1)])
def test_impossible_lengths_are_refused(transit, customs):
    """Nothing arrives on the day it leaves, and customs gives no day back."""
    with pytest.raises(CalendarError):
        compile_lane(origin(), destination(), transit_business_days=transit, customs_business_days=customs)
