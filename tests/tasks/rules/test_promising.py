"""Offers of the shipped pack under the shipped calendars, each checked by hand.

The approval is Friday 2026-11-20 08:30 UTC. No public holiday falls on 20, 24, 25 or 26 November in the places used;
Japan closes on Monday 23 (Labour Thanksgiving). Transit counts the days after the ship day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from calendars.promises import NaiveApproval
from infra.policy.model import Commitment, Lane, Pack
from tasks.rules.promising import Promiser, Site, last_packing
from tasks.rules.sourcing import Offer, best_promise
from tests.tasks.scenes import utc, with_changes

APPROVED = utc(2026, 11, 20, 8, 30)

COPENHAGEN = Site(country="DK", subdivision=None, postal_code="2100", city="København Ø")
VENLO = Site(country="NL", subdivision=None, postal_code="5911", city="Venlo")
LONDON = Site(country="GB", subdivision=None, postal_code="EC1A 1BB", city="London")
MADRID = Site(country="ES", subdivision=None, postal_code="28013", city="Madrid")
LAS_PALMAS = Site(country="ES", subdivision=None, postal_code="35001", city="Las Palmas")
OSLO = Site(country="NO", subdivision=None, postal_code="0150", city="Oslo")
ZURICH = Site(country="CH", subdivision=None, postal_code="8001", city="Zürich")
NEW_YORK = Site(country="US", subdivision="NY", postal_code="10001", city="New York")
ANCHORAGE = Site(country="US", subdivision=None, postal_code="99501", city="Anchorage")
TOKYO = Site(country="JP", subdivision=None, postal_code="100-0001", city="Tokyo")
SYDNEY = Site(country="AU", subdivision=None, postal_code="2000", city="Sydney")
COLOGNE = Site(country="DE", subdivision=None, postal_code="50667", city="Köln")


def _by(promiser: Promiser, site: Site, depot: str, service: str, at: datetime = APPROVED) -> Offer:
    (found,) = [offer for offer in promiser.offers(site, at) if (offer.depot, offer.lane.service) == (depot, service)]
    return found


def _day(number: int) -> date:
    return date(2026, 11, number)


@pytest.mark.parametrize(
    ("site", "depot", "service", "ship_on", "arrive_on"),
    [
        # 09:30 in Kastrup, cut-off 15:00: Friday; one day on, over the weekend: Monday
        pytest.param(COPENHAGEN, "DK-CPH", "ups:express_saver", 20, 23, id="copenhagen-from-home"),
        # 09:30 in Venlo, Friday's cut-off 14:30; two days by road: Monday, Tuesday
        pytest.param(VENLO, "NL-VNL", "ups:standard", 20, 24, id="venlo-by-road"),
        # 08:30 in Daventry
        pytest.param(LONDON, "GB-DAV", "ups:express_saver", 20, 23, id="london-from-daventry"),
        # from Venlo over the Channel: Monday by transit, and one customs day: Tuesday
        pytest.param(LONDON, "NL-VNL", "ups:express_saver", 20, 24, id="london-through-customs"),
        # 09:30 in Madrid, Friday's cut-off 14:00
        pytest.param(MADRID, "ES-MAD", "ups:express_saver", 20, 23, id="madrid-from-home"),
        # the Canaries: 1 + 2 extra days are Mon, Tue, Wed; papers ddp: one customs day: Thursday
        pytest.param(LAS_PALMAS, "ES-MAD", "ups:express_saver", 20, 26, id="las-palmas-remote"),
        # by road 2 + 2 days: Mon to Thu; one customs day: Friday
        pytest.param(LAS_PALMAS, "ES-MAD", "ups:standard", 20, 27, id="las-palmas-remote-by-road"),
        # Norway: Monday by transit, one customs day: Tuesday
        pytest.param(OSLO, "DK-CPH", "ups:express_saver", 20, 24, id="oslo-through-customs"),
        # express_ddp: cleared in flight, no customs day
        pytest.param(ZURICH, "DE-FRA", "ups:express_saver", 20, 23, id="zurich-cleared-in-flight"),
        # 03:30 in Louisville
        pytest.param(NEW_YORK, "US-SDF", "ups:next_day_air_saver", 20, 23, id="new-york-overnight"),
        # Alaska: 1 + 1 extra day: Mon, Tue
        pytest.param(ANCHORAGE, "US-RNO", "ups:next_day_air_saver", 20, 24, id="anchorage-remote"),
        # 16:30 in Singapore, Friday's cut-off 14:30 missed: ships Mon 23; Tue, Wed; one customs day: Thu
        pytest.param(TOKYO, "SG-SIN", "ups:express_saver", 23, 26, id="tokyo-cut-off-missed"),
        # 19:30 in Sydney, cut-off 15:00 missed: ships Monday, arrives Tuesday
        pytest.param(SYDNEY, "AU-SYD", "ups:express_saver", 23, 24, id="sydney-cut-off-missed"),
    ],
)
def test_dates_by_hand(
    promiser: Promiser, site: Site, depot: str, service: str, *, ship_on: int, arrive_on: int
) -> None:
    """Both dates of an offer, worked out beside each row."""
    offer = _by(promiser, site, depot, service)

    assert (offer.ship_on, offer.arrive_on) == (_day(ship_on), _day(arrive_on))
    assert not offer.provisional


@pytest.mark.parametrize(
    ("site", "depot"),
    [
        pytest.param(COPENHAGEN, "DK-CPH", id="copenhagen"),
        pytest.param(VENLO, "NL-VNL", id="venlo"),
        pytest.param(LONDON, "GB-DAV", id="london"),
        pytest.param(LAS_PALMAS, "ES-MAD", id="las-palmas"),
        pytest.param(ZURICH, "IT-MIL", id="zurich"),  # 22.80 from both: 219 km from Milan, 298 from Frankfurt
        pytest.param(NEW_YORK, "US-SDF", id="new-york"),
        pytest.param(ANCHORAGE, "US-SDF", id="anchorage"),  # 37.40 over 5,008 km; from Reno 38.90 over 3,168
        pytest.param(TOKYO, "SG-SIN", id="tokyo"),
        pytest.param(SYDNEY, "AU-SYD", id="sydney"),
    ],
)
def test_home_depot_has_the_cheapest_lane(promiser: Promiser, site: Site, depot: str) -> None:
    """The depot whose lane to the site costs least, the nearest of equals."""
    assert promiser.home_depot(site) == depot


def test_home_depot_of_a_large_country(promiser: Promiser) -> None:
    """Cologne: 5.80 by road from Frankfurt, 7.20 from Venlo, 17.20 from Copenhagen.

    Where kilometres are asked for all of Germany counts as Berlin, nearest to Copenhagen: freight decides first.
    """
    by_depot = {each.depot: each.distance_km for each in promiser.offers(COLOGNE, APPROVED)}

    assert min(by_depot, key=by_depot.__getitem__) == "DK-CPH"
    assert promiser.home_depot(COLOGNE) == "DE-FRA"


def test_home_depot_of_equals_is_the_nearest_then_the_first(pack: Pack, promiser: Promiser) -> None:
    """Every lane made to cost the same: kilometres decide; and where those are the same too, the depot's code."""
    alike = tuple(lane.model_copy(update={"freight": pack.lanes[0].freight}) for lane in pack.lanes)
    by_distance = Promiser(with_changes(pack, lanes=alike), promiser._snapshot)
    copenhagen = pack.depot_by_code["DK-CPH"]
    here = {"latitude": copenhagen.latitude, "longitude": copenhagen.longitude}
    one_place = tuple(depot.model_copy(update=here) for depot in pack.depots)
    by_code = Promiser(with_changes(pack, lanes=alike, depots=one_place), promiser._snapshot)

    assert by_distance.home_depot(ANCHORAGE) == "US-RNO"
    assert by_code.home_depot(COPENHAGEN) == "DE-FRA"


@pytest.mark.parametrize(
    "site",
    [
        pytest.param(Site(country="XX", subdivision=None, postal_code="1", city="?"), id="no-such-country"),
        pytest.param(Site(country="IS", subdivision=None, postal_code="101", city="Reykjavík"), id="no-lane"),
        pytest.param(
            Site(country="DE", subdivision="ZZ", postal_code="10115", city="Berlin"), id="no-such-subdivision"
        ),
    ],
)
def test_nowhere_to_go_is_no_offer(promiser: Promiser, site: Site) -> None:
    """An unknown country or subdivision, or a country without lanes, gets no offers and no depot, and no error."""
    assert promiser.offers(site, APPROVED) == ()
    assert promiser.home_depot(site) is None


class TestLanes:
    def test_remote_lane_replaces_the_general_one(self, promiser: Promiser) -> None:
        """On the Canaries a lane that arrives the next day elsewhere stands for `ship`, with papers, 18 EUR dearer."""
        general, remote = (_by(promiser, site, "ES-MAD", "ups:express_saver") for site in (MADRID, LAS_PALMAS))

        assert (general.lane.commitment, remote.lane.commitment) == (Commitment.ARRIVE, Commitment.SHIP)
        assert (general.freight, remote.freight) == (Decimal("9.40"), Decimal("27.40"))
        assert remote.lane.customs_documents == ("commercial_invoice",)
        assert (remote.lane.transit_business_days, remote.lane.customs_business_days) == (3, 1)

    def test_one_offer_per_depot_and_service(self, promiser: Promiser) -> None:
        """No lane is offered twice, and each offer's lane leads to the country."""
        offers = promiser.offers(VENLO, APPROVED)
        keys = [(offer.depot, offer.lane.service) for offer in offers]

        assert len(keys) == len(set(keys)) == 8
        assert {offer.lane.to.country for offer in offers} == {"NL"}

    @pytest.mark.parametrize(
        ("weight_g", "freight"),
        [
            (0, "9.80"),
            (5_000, "9.80"),
            (5_001, "10.75"),  # one kilogram begun: 9.80 + 0.95
            (6_000, "10.75"),
            (9_800, "14.55"),  # 4.8 kg over are five begun: 9.80 + 5 x 0.95
        ],
    )
    def test_freight_by_kilograms_begun(self, promiser: Promiser, weight_g: int, freight: str) -> None:
        """Up to 5 kg the base, then so much for every kilogram begun."""
        offers = promiser.offers(VENLO, APPROVED, weight_g=weight_g)
        (offer,) = [each for each in offers if (each.depot, each.lane.service) == ("NL-VNL", "ups:express_saver")]

        assert offer.freight == Decimal(freight)

    def test_distance_is_from_depot_to_town(self, promiser: Promiser) -> None:
        """Kastrup to Copenhagen's centre is a few kilometres, Venlo some 640."""
        assert _by(promiser, COPENHAGEN, "DK-CPH", "ups:express_saver").distance_km < 15
        assert _by(promiser, COPENHAGEN, "NL-VNL", "ups:express_saver").distance_km == pytest.approx(640, abs=10)


class TestCutoffs:
    @pytest.mark.parametrize(
        ("site", "depot", "service", "last"),
        [
            # Copenhagen 15:00 local is 14:00 UTC
            pytest.param(COPENHAGEN, "DK-CPH", "ups:express_saver", utc(2026, 11, 20, 14, 0), id="default"),
            # Venlo on Fridays: 14:30 local
            pytest.param(VENLO, "NL-VNL", "ups:express_saver", utc(2026, 11, 20, 13, 30), id="friday"),
            # Express Plus from Venlo: 14:00 local, which beats Friday's 14:30
            pytest.param(VENLO, "NL-VNL", "ups:express_plus", utc(2026, 11, 20, 13, 0), id="service-beats-weekday"),
            # Next Day Air from Louisville: 20:00 local, five hours behind UTC
            pytest.param(NEW_YORK, "US-SDF", "ups:next_day_air", utc(2026, 11, 21, 1, 0), id="end-of-runway"),
        ],
    )
    def test_exact_second_is_on_time(
        self, promiser: Promiser, site: Site, depot: str, service: str, last: datetime
    ) -> None:
        """At the cut-off it ships on Friday; a second later on Monday."""
        on_time = _by(promiser, site, depot, service, last)
        late = _by(promiser, site, depot, service, last + timedelta(seconds=1))

        assert (on_time.ship_on, late.ship_on) == (_day(20), _day(23))

    def test_thanksgiving_closes_louisville(self, promiser: Promiser) -> None:
        """Wednesday evening after the cut-off: Thursday 26 is a holiday of depot and carrier, so it ships on Friday."""
        offer = _by(promiser, NEW_YORK, "US-SDF", "ups:next_day_air", utc(2026, 11, 26, 2, 0))

        assert (offer.ship_on, offer.arrive_on) == (_day(27), _day(30))


class TestPlannedLater:
    @pytest.mark.parametrize(
        ("planned_at", "ship_on"),
        [
            pytest.param(APPROVED, 20, id="at-once"),
            pytest.param(utc(2026, 11, 20, 14, 30), 20, id="after-the-cut-off-and-still-packed"),
            # Copenhagen: pick-up 16:30 local less 45 minutes of packing is 15:45, 14:45 UTC
            pytest.param(utc(2026, 11, 20, 14, 45), 20, id="last-moment-to-pack"),
            pytest.param(utc(2026, 11, 20, 14, 45, 1), 23, id="a-second-later"),
            pytest.param(utc(2026, 11, 25, 9, 0), 25, id="five-days-later"),
        ],
    )
    def test_a_day_lasts_until_the_last_packing(self, promiser: Promiser, planned_at: datetime, ship_on: int) -> None:
        """An approval in time keeps its day as long as the parcel can be packed for the pick-up, and no longer."""
        offers = promiser.offers(COPENHAGEN, APPROVED, planned_at=planned_at)
        (offer,) = [each for each in offers if each.depot == "DK-CPH"]
        working = promiser.working(offer.lane, COPENHAGEN, APPROVED, planned_at=planned_at)

        assert offer.ship_on == _day(ship_on)
        assert offer.ship_on.isoformat() in [step["on"] for step in working.trace]
        assert working.trace[-1]["on"] == offer.arrive_on.isoformat()

    def test_planning_early_gains_nothing(self, promiser: Promiser) -> None:
        """Approved past the cut-off, planned the same second: what could be packed is not what was promised."""
        late = utc(2026, 11, 20, 14, 0, 1)
        (offer,) = [each for each in promiser.offers(COPENHAGEN, late, planned_at=late) if each.depot == "DK-CPH"]

        assert offer.ship_on == _day(23)

    @pytest.mark.parametrize(
        ("depot", "expected"),
        [
            ("NL-VNL", time(16, 30)),  # 17:30 less 60 minutes
            ("DK-CPH", time(15, 45)),  # 16:30 less 45
            ("BR-GRU", time(15, 0)),  # 16:30 less 90
        ],
    )
    def test_last_packing_by_depot(self, pack: Pack, depot: str, expected: time) -> None:
        """The pick-up less the minutes of packing."""
        assert last_packing(pack.depot_by_code[depot]) == expected


class TestAmbiguousPostalCode:
    @pytest.mark.parametrize(
        ("code", "at", "arrivals", "offered"),
        [
            # 63776 is Bavaria, perhaps Hesse: on Epiphany, Tuesday 6 January 2026, Bavaria is closed
            pytest.param(
                "63776", utc(2026, 1, 5, 9, 0), {"BY": date(2026, 1, 7), "HE": date(2026, 1, 6)}, date(2026, 1, 7),
                id="the-likelier-is-later",
            ),
            # 12529 is Brandenburg, perhaps Berlin: on Women's Day, Monday 8 March 2027, Berlin is closed
            pytest.param(
                "12529", utc(2027, 3, 5, 9, 0), {"BB": date(2027, 3, 8), "BE": date(2027, 3, 9)}, date(2027, 3, 9),
                id="the-less-likely-is-later",
            ),
        ],
    )  # fmt: skip
    def test_the_later_date_is_offered(
        self, promiser: Promiser, code: str, at: datetime, arrivals: dict[str, date], offered: date
    ) -> None:
        """A code shared by two states gets the later of their dates; a named state gets its own."""
        shared = Site(country="DE", subdivision=None, postal_code=code, city="")
        named = {state: replace(shared, subdivision=state) for state in arrivals}

        assert {
            state: _by(promiser, site, "DE-FRA", "ups:express_saver", at).arrive_on for state, site in named.items()
        } == arrivals
        offer = _by(promiser, shared, "DE-FRA", "ups:express_saver", at)
        assert offer.arrive_on == offered
        assert promiser.working(offer.lane, shared, at).trace[-1]["on"] == offered.isoformat()


class TestWorking:
    @pytest.mark.parametrize(
        "site",
        [COPENHAGEN, VENLO, LONDON, LAS_PALMAS, OSLO, ZURICH, NEW_YORK, ANCHORAGE, TOKYO, SYDNEY],
        ids=lambda site: site.city,
    )
    def test_it_agrees_with_the_offer(self, promiser: Promiser, site: Site) -> None:
        """The slow, explained way ends on the dates the quick one offered, for every lane and several hours."""
        for hours in (0, 5, 16, 40):
            at = APPROVED + timedelta(hours=hours)
            for offer in promiser.offers(site, at):
                working = promiser.working(offer.lane, site, at)
                days = [step["on"] for step in working.trace if step["on"]]

                assert days[-1] == offer.arrive_on.isoformat()
                assert offer.ship_on.isoformat() in days
                assert working.cutoff_at >= at

    def test_every_step_says_who_and_why(self, promiser: Promiser) -> None:
        """Depot, carrier and site each account for the days they skip."""
        lane = _by(promiser, TOKYO, "SG-SIN", "ups:express_saver").lane
        trace = promiser.working(lane, TOKYO, APPROVED).trace

        assert {"kind", "party", "reason", "on", "at"} == set(trace[0])
        assert {step["on"] for step in trace} >= {"2026-11-21", "2026-11-22", "2026-11-23", "2026-11-26"}
        assert all(isinstance(value, str | None) for step in trace for value in step.values())


class TestLimits:
    def test_beyond_the_calendars_there_is_no_offer(self, promiser: Promiser) -> None:
        """Past the last day the snapshot knows nothing is offered, rather than guessed."""
        assert promiser.offers(COPENHAGEN, utc(2090, 1, 1)) == ()

    def test_naive_approvals_are_refused(self, promiser: Promiser) -> None:
        """An instant without a zone is an error in the caller."""
        with pytest.raises(NaiveApproval):
            promiser.offers(COPENHAGEN, APPROVED.replace(tzinfo=None))

    def test_past_the_carriers_list_it_is_provisional(self, promiser: Promiser) -> None:
        """UPS's rest days are known through 2027: an offer counted past that says so."""
        firm = _by(promiser, COPENHAGEN, "DK-CPH", "ups:express_saver", utc(2027, 11, 1, 9, 0))
        open_ended = _by(promiser, COPENHAGEN, "DK-CPH", "ups:express_saver", utc(2028, 2, 1, 9, 0))

        assert (firm.provisional, open_ended.provisional) == (False, True)


def test_every_lane_of_the_pack_can_be_offered(
    promiser: Promiser, pack: Pack, address_on: Callable[[Lane], Site]
) -> None:
    """Each of the pack's lanes gives an offer to an address of its country, and the best of them can be told."""
    for lane in pack.lanes:
        site = address_on(lane)
        offers = promiser.offers(site, APPROVED)

        assert (lane.depot, lane.service) in {(offer.depot, offer.lane.service) for offer in offers}, lane
        assert best_promise(offers, Commitment.ARRIVE) in offers


@pytest.fixture(scope="module")
def address_on() -> Callable[[Lane], Site]:
    """An address where exactly this lane holds."""

    def address(lane: Lane) -> Site:
        code = lane.to.postal_prefixes[0] if lane.to.postal_prefixes else ""
        return Site(country=lane.to.country, subdivision=None, postal_code=code, city="")

    return address
