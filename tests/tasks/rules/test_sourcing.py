"""Which depot sends what: cheap before near, the promise before both, and never more than lies on the shelf."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.policy.model import Commitment, Lane, LaneEnd, Money, Pack
from infra.policy.pack import load_pack
from tasks.rules.sourcing import (
    Backordered,
    Lost,
    Offer,
    Sourced,
    Supply,
    Wanted,
    best_promise,
    distance_km,
    source,
    stands_for_nbd,
)

FRIDAY, MONDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)
DONGLE, DONGLE_USB_C = "DNG-0500", "DNG-0510"  # the second goes instead of the first
PHONE, PHONE_2, PHONE_3 = "PHN-1150", "PHN-1250", "PHN-1350"  # 1150 -> 1250 -> 1350
HANDSET = "HND-1001"  # nothing goes instead
PACK = load_pack(today=FRIDAY)
"""Read at import: hypothesis draws from it before fixtures exist."""


def _offer(
    depot: str,
    km: int,
    arrive_on: date = MONDAY,
    *,
    ship_on: date = FRIDAY,
    freight: str = "10.00",
    service: str = "ups:express_saver",
    commitment: Commitment = Commitment.ARRIVE,
) -> Offer:
    lane = Lane(
        depot=depot, to=LaneEnd(country="DK"), service=service, commitment=commitment, transit_business_days=1,
        freight=Money(amount=Decimal(freight), currency="EUR"),
    )  # fmt: skip
    return Offer(
        lane=lane, distance_km=km, ship_on=ship_on, arrive_on=arrive_on, provisional=False, freight=Decimal(freight)
    )


def _source(
    wanted: list[Wanted],
    offers: list[Offer],
    shelves: dict[tuple[str, str], int],
    *,
    promised_on: date = MONDAY,
    commitment: Commitment = Commitment.ARRIVE,
    pack: Pack = PACK,
) -> Sourced | Backordered:
    return source(
        wanted, offers, promised_on=promised_on, commitment=commitment, pack=pack,
        free=lambda depot, part: shelves.get((depot, part), 0),
    )  # fmt: skip


def _one(part: str = HANDSET, quantity: int = 1) -> list[Wanted]:
    return [Wanted(line=1, part=part, quantity=quantity)]


class TestWhichDepot:
    def test_cheapest_that_keeps_the_promise(self) -> None:
        """Among those that keep it the date no longer matters: 9.90 on Monday beats 17.20 on Saturday."""
        cheap, dear = _offer("CHEAP", 300, freight="9.90"), _offer("DEAR", 300, date(2026, 11, 21), freight="17.20")
        taken = _source(_one(), [dear, cheap], {("CHEAP", HANDSET): 1, ("DEAR", HANDSET): 1})

        assert isinstance(taken, Sourced)
        assert (taken.offer, taken.keeps_promise) == (cheap, True)

    def test_freight_before_distance(self) -> None:
        """The lane costs what it costs, whatever the map says: 9.90 over 900 km beats 9.91 over 5."""
        near, far = _offer("NEAR", 5, freight="9.91"), _offer("FAR", 900, freight="9.90")
        taken = _source(_one(), [near, far], {("NEAR", HANDSET): 1, ("FAR", HANDSET): 1})

        assert isinstance(taken, Sourced)
        assert taken.offer == far
        assert taken.lost == (Lost(depot="NEAR", service="ups:express_saver", why="freight 9.91, taken 9.90"),)

    def test_nearest_where_equally_cheap(self) -> None:
        """Two lanes of one freight: the nearer depot sends, and the other loses for its kilometres."""
        near, far = _offer("Z-NEAR", 5), _offer("A-FAR", 900)
        taken = _source(_one(), [far, near], {("Z-NEAR", HANDSET): 1, ("A-FAR", HANDSET): 1})

        assert isinstance(taken, Sourced)
        assert taken.offer == near
        assert taken.lost == (Lost(depot="A-FAR", service="ups:express_saver", why="900 km away, taken 5 km"),)

    def test_the_promise_before_the_freight(self) -> None:
        """The cheap, near depot would arrive on Tuesday: the dear one far away that keeps Monday sends it."""
        near, far = _offer("NEAR", 5, TUESDAY, freight="5.00"), _offer("FAR", 900, freight="42.00")
        taken = _source(_one(), [near, far], {("NEAR", HANDSET): 1, ("FAR", HANDSET): 1})

        assert isinstance(taken, Sourced)
        assert taken.offer == far
        assert taken.lost == (Lost(depot="NEAR", service="ups:express_saver", why="would promise 2026-11-24"),)

    def test_nothing_keeps_it_so_the_earliest(self) -> None:
        """Where only later days are left the earliest goes, however dear, and says that the promise moved."""
        tuesday = _offer("FAR", 900, TUESDAY, freight="42.00")
        wednesday = _offer("NEAR", 5, date(2026, 11, 25), freight="5.00")
        taken = _source(_one(), [wednesday, tuesday], {("NEAR", HANDSET): 1, ("FAR", HANDSET): 1})

        assert isinstance(taken, Sourced)
        assert (taken.offer, taken.keeps_promise) == (tuesday, False)

    def test_ship_plans_look_at_the_ship_day(self) -> None:
        """Under `ship` a parcel that leaves today and arrives late keeps the promise, one that leaves late does not."""
        leaves_late = _offer("NEAR", 5, TUESDAY, ship_on=MONDAY)
        leaves_today = _offer("FAR", 900, date(2026, 11, 27))
        taken = _source(
            _one(), [leaves_late, leaves_today], {("NEAR", HANDSET): 1, ("FAR", HANDSET): 1},
            promised_on=FRIDAY, commitment=Commitment.SHIP,
        )  # fmt: skip

        assert isinstance(taken, Sourced)
        assert (taken.offer, taken.keeps_promise) == (leaves_today, True)

    def test_cheaper_where_equally_near(self) -> None:
        """One depot, two services that keep the day: the dearer one loses for its freight."""
        saver, express = _offer("NEAR", 5, freight="9.90"), _offer("NEAR", 5, freight="27.10", service="ups:express")
        taken = _source(_one(), [express, saver], {("NEAR", HANDSET): 1})

        assert isinstance(taken, Sourced)
        assert taken.offer == saver
        assert taken.lost == (Lost(depot="NEAR", service="ups:express", why="freight 27.10, taken 9.90"),)

    def test_losers_say_why_best_first(self) -> None:
        """Short of the part, farther away, dearer, too late: each offer that was not taken has its reason."""
        empty, near, far = _offer("EMPTY", 9, freight="5.00"), _offer("NEAR", 5), _offer("FAR", 900)
        dear, late = _offer("DEAR", 1, freight="10.01"), _offer("LATE", 1, TUESDAY, freight="1.00")
        shelves = {(depot, HANDSET): 1 for depot in ("NEAR", "FAR", "DEAR", "LATE")}
        taken = _source(_one(), [late, far, dear, near, empty], shelves)

        assert isinstance(taken, Sourced)
        assert [(lost.depot, lost.why) for lost in taken.lost] == [
            ("EMPTY", "short of HND-1001"),
            ("FAR", "900 km away, taken 5 km"),
            ("DEAR", "freight 10.01, taken 10.00"),
            ("LATE", "would promise 2026-11-24"),
        ]


class TestWhichParts:
    def test_the_part_itself_before_a_substitute(self) -> None:
        """As long as what was asked for is there, it goes."""
        taken = _source(_one(DONGLE), [_offer("NEAR", 5)], {("NEAR", DONGLE): 1, ("NEAR", DONGLE_USB_C): 9})

        assert isinstance(taken, Sourced)
        assert taken.supplies == (Supply(line=1, asked=DONGLE, part=DONGLE, quantity=1),)

    def test_a_substitute_near_before_the_part_far(self) -> None:
        """A substitute at the first choice of depots is as good as the part itself: that depot sends."""
        taken = _source(
            _one(DONGLE), [_offer("NEAR", 5), _offer("FAR", 900)], {("NEAR", DONGLE_USB_C): 1, ("FAR", DONGLE): 1}
        )

        assert isinstance(taken, Sourced)
        assert taken.supplies == (Supply(line=1, asked=DONGLE, part=DONGLE_USB_C, quantity=1),)

    def test_substitutes_in_the_order_of_the_pack(self) -> None:
        """Best first, as the pack lists them."""
        parts = tuple(
            part.model_copy(update={"substitutes": (PHONE_3, PHONE_2)}) if part.number == PHONE else part
            for part in PACK.parts
        )
        pack = Pack(**{name: getattr(PACK, name) for name in Pack.model_fields} | {"parts": parts})
        shelves = {("NEAR", PHONE_2): 5, ("NEAR", PHONE_3): 5}
        taken = _source(_one(PHONE), [_offer("NEAR", 5)], shelves, pack=pack)

        assert isinstance(taken, Sourced)
        assert taken.supplies[0].part == PHONE_3

    def test_a_substitutes_substitute_does_not_go(self) -> None:
        """Only what the part itself names may go: 1350 stands in for 1250, not for 1150."""
        taken = _source(_one(PHONE), [_offer("NEAR", 5)], {("NEAR", PHONE_3): 5})

        assert isinstance(taken, Backordered)

    def test_a_line_is_never_split(self) -> None:
        """Three wanted, two of the part and two of its substitute there: neither alone is enough."""
        taken = _source(_one(DONGLE, 3), [_offer("NEAR", 5)], {("NEAR", DONGLE): 2, ("NEAR", DONGLE_USB_C): 2})

        assert isinstance(taken, Backordered)
        assert taken.missing == (DONGLE,)

    def test_two_lines_do_not_share_a_unit(self) -> None:
        """The same part on two lines, one unit there: the second line takes the substitute."""
        wanted = [Wanted(line=1, part=DONGLE, quantity=1), Wanted(line=2, part=DONGLE, quantity=1)]
        taken = _source(wanted, [_offer("NEAR", 5)], {("NEAR", DONGLE): 1, ("NEAR", DONGLE_USB_C): 1})

        assert isinstance(taken, Sourced)
        assert [supply.part for supply in taken.supplies] == [DONGLE, DONGLE_USB_C]

    def test_all_lines_from_one_depot(self) -> None:
        """Each of two depots has one of the two parts: neither sends, and each says what it lacks."""
        wanted = [Wanted(line=1, part=DONGLE, quantity=1), Wanted(line=2, part=HANDSET, quantity=1)]
        taken = _source(wanted, [_offer("NEAR", 5), _offer("FAR", 900)], {("NEAR", DONGLE): 1, ("FAR", HANDSET): 1})

        assert taken == Backordered(
            missing=(HANDSET,),
            lost=(
                Lost(depot="NEAR", service="ups:express_saver", why=f"short of {HANDSET}"),
                Lost(depot="FAR", service="ups:express_saver", why=f"short of {DONGLE}"),
            ),
        )

    def test_backorder_names_the_first_choice_s_shortage(self) -> None:
        """What is missing is said of the depot that would have sent it."""
        taken = _source(_one(), [_offer("FAR", 900), _offer("NEAR", 5)], {})

        assert isinstance(taken, Backordered)
        assert (taken.missing, [lost.depot for lost in taken.lost]) == ((HANDSET,), ["NEAR", "FAR"])


class TestBestPromise:
    def test_earliest_then_cheapest_then_nearest(self) -> None:
        """Each tie is broken by the next: day, freight, kilometres, and at last the names of depot and service."""
        late = _offer("A", 1, TUESDAY, freight="5.00")
        dear_near = _offer("C", 1, freight="27.10")
        cheap_far = _offer("C", 900, freight="9.90")
        cheap_near = _offer("C", 5, freight="9.90")
        other_depot = _offer("B", 5, freight="9.90")
        other_service = _offer("B", 5, freight="9.90", service="ups:a_twin")
        worst_first = [late, dear_near, cheap_far, cheap_near, other_depot, other_service]

        for worse, better in pairwise(worst_first):
            assert best_promise([worse, better], Commitment.ARRIVE) == better
            assert best_promise([better, worse], Commitment.ARRIVE) == better
        assert best_promise(worst_first, Commitment.ARRIVE) == other_service

    def test_commitment_chooses_the_day(self) -> None:
        """Leaves first or arrives first: the plan's wording decides which offer is the better promise."""
        leaves_first = _offer("A", 1, date(2026, 11, 27), ship_on=FRIDAY)
        arrives_first = _offer("B", 1, TUESDAY, ship_on=MONDAY)

        assert best_promise([leaves_first, arrives_first], Commitment.SHIP) == leaves_first
        assert best_promise([leaves_first, arrives_first], Commitment.ARRIVE) == arrives_first


@pytest.mark.parametrize(
    ("lane", "plan", "stands"),
    [
        (Commitment.ARRIVE, Commitment.ARRIVE, True),
        (Commitment.ARRIVE, Commitment.SHIP, True),
        (Commitment.SHIP, Commitment.SHIP, True),
        (Commitment.SHIP, Commitment.ARRIVE, False),
        (Commitment.NONE, Commitment.SHIP, False),
        (Commitment.NONE, Commitment.ARRIVE, False),
    ],
)
def test_what_stands_for_nbd(lane: Commitment, plan: Commitment, *, stands: bool) -> None:
    """What arrives on the next business day also ships on it; never the other way round."""
    assert stands_for_nbd(_offer("A", 1, commitment=lane).lane, plan) is stands


def test_distance_is_the_great_circle() -> None:
    """Copenhagen to Venlo is about 640 km, and the same both ways; a place is 0 km from itself."""
    kastrup, venlo = (55.6313, 12.6265), (51.3952, 6.1096)

    assert distance_km(kastrup, venlo) == pytest.approx(640, abs=10)
    assert distance_km(kastrup, venlo) == distance_km(venlo, kastrup)
    assert distance_km(venlo, venlo) == 0


# --- whatever is asked and wherever it lies -------------------------------------------------------------------------

DEPOTS = ("D-A", "D-B", "D-C", "D-D")
PARTS = (HANDSET, DONGLE, DONGLE_USB_C, PHONE, PHONE_2, PHONE_3)

offers_drawn = st.lists(
    st.builds(
        lambda depot, km, days, freight, service: _offer(
            depot, km, MONDAY + timedelta(days=days), freight=f"{freight}.00", service=service
        ),
        st.sampled_from(DEPOTS), st.sampled_from((5, 300, 900)), st.integers(-2, 4), st.integers(5, 9),
        st.sampled_from(("ups:express", "ups:standard")),
    ),
    min_size=1, max_size=8, unique_by=lambda offer: (offer.depot, offer.lane.service),
)  # fmt: skip
wanted_drawn = st.lists(st.tuples(st.sampled_from(PARTS), st.integers(1, 4)), min_size=1, max_size=4).map(
    lambda asked: [Wanted(line=line, part=part, quantity=units) for line, (part, units) in enumerate(asked, start=1)]
)
shelves_drawn = st.dictionaries(
    st.tuples(st.sampled_from(DEPOTS), st.sampled_from(PARTS)), st.integers(0, 6), max_size=24
)


@given(wanted=wanted_drawn, offers=offers_drawn, shelves=shelves_drawn)
@settings(max_examples=150, deadline=None)
def test_never_more_than_is_free(
    wanted: list[Wanted], offers: list[Offer], shelves: dict[tuple[str, str], int]
) -> None:
    """Every line is supplied in full by the part or one of its substitutes, and no shelf gives more than it has."""
    taken = _source(wanted, offers, shelves)
    if isinstance(taken, Backordered):
        return
    units: Counter[str] = Counter()
    for line, supply in zip(wanted, taken.supplies, strict=True):
        assert (supply.line, supply.asked, supply.quantity) == (line.line, line.part, line.quantity)
        assert supply.part in (line.part, *PACK.part_by_number[line.part].substitutes)
        units[supply.part] += supply.quantity

    assert all(count <= shelves.get((taken.offer.depot, part), 0) for part, count in units.items())


@given(wanted=wanted_drawn, offers=offers_drawn, shelves=shelves_drawn)
@settings(max_examples=150, deadline=None)
def test_the_promise_is_kept_where_it_can_be(
    wanted: list[Wanted], offers: list[Offer], shelves: dict[tuple[str, str], int]
) -> None:
    """If a depot with everything keeps the day, the day is kept; if any has everything, nothing is backordered."""
    each_alone = {offer: _source(wanted, [offer], shelves) for offer in offers}
    able = [offer for offer, alone in each_alone.items() if isinstance(alone, Sourced)]
    taken = _source(wanted, offers, shelves)

    assert isinstance(taken, Sourced) == bool(able)
    if isinstance(taken, Sourced):
        assert taken.keeps_promise == any(offer.arrive_on <= MONDAY for offer in able)
        assert taken.keeps_promise == (taken.offer.arrive_on <= MONDAY)
        assert len(taken.lost) == len(offers) - 1


@given(
    wanted=wanted_drawn, offers=offers_drawn, shelves=shelves_drawn, seed=st.integers(0, 1000),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_order_of_offers_does_not_matter(
    wanted: list[Wanted], offers: list[Offer], shelves: dict[tuple[str, str], int], seed: int
) -> None:
    """Shuffled offers give the same depot, service and parts, and the same losers in the same order."""
    shuffled = random.Random(seed).sample(offers, len(offers))

    assert _source(wanted, offers, shelves) == _source(wanted, shuffled, shelves)


def test_a_true_tie_does_not_depend_on_order() -> None:
    """Two depots alike in everything but their code: the same one is taken, whichever is offered first."""
    one, two = _offer("D-A", 5), _offer("D-B", 5)
    shelves = {("D-A", HANDSET): 1, ("D-B", HANDSET): 1}
    taken = _source(_one(), [one, two], shelves)

    assert taken == _source(_one(), [two, one], shelves)
    assert isinstance(taken, Sourced)
    assert taken.offer == one


@given(wanted=wanted_drawn, offers=offers_drawn, empty=st.sets(st.sampled_from(DEPOTS), max_size=2))
@settings(max_examples=150, deadline=None)
def test_nothing_that_would_do_is_cheaper(wanted: list[Wanted], offers: list[Offer], empty: set[str]) -> None:
    """Of the lanes that have everything and keep the day none is cheaper than the one taken, or as cheap and nearer."""
    shelves = {(depot, part): 20 for depot in set(DEPOTS) - empty for part in PARTS}
    able = [offer for offer in offers if offer.depot not in empty]
    keeping = [(offer.freight, offer.distance_km) for offer in able if offer.arrive_on <= MONDAY]
    taken = _source(wanted, offers, shelves)
    if not keeping:
        return

    assert isinstance(taken, Sourced)
    assert (taken.offer.freight, taken.offer.distance_km) == min(keeping)
