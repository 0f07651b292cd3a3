"""Written closures close exactly those they name, and a closure of nobody is noticed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from calendars import snapshot
from calendars.overrides import Layer, layers_from_csv
from infra.policy.model import Pack
from tasks.rules.closures import LayeredPromiser, UnknownScope, require_known
from tasks.rules.promising import Promiser, Site

AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
COPENHAGEN = Site(country="DK", subdivision=None, postal_code="2100", city="København")
MUNICH = Site(country="DE", subdivision="BY", postal_code="80331", city="München")
SEATTLE = Site(country="US", subdivision="WA", postal_code="98101", city="Seattle")


def layers(*rows: str) -> tuple[Layer, ...]:
    return layers_from_csv("\n".join(("scope,from,to,open,cutoff,reason,source", *rows)), file="closures.csv")


def dates(promiser: Promiser, site: Site, depot: str, service: str) -> tuple[date, date]:
    (found,) = [
        (offer.ship_on, offer.arrive_on)
        for offer in promiser.offers(site, AT)
        if (offer.depot, offer.lane.service) == (depot, service)
    ]
    return found


FRIDAY, MONDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)
SAVER = "ups:express_saver"


@pytest.mark.parametrize(
    ("row", "from_copenhagen", "from_venlo"),
    [
        pytest.param("", (FRIDAY, MONDAY), (FRIDAY, MONDAY), id="nothing closed"),
        pytest.param("depot/DK-CPH,2026-11-20,2026-11-20,no,,x,", (MONDAY, TUESDAY), (FRIDAY, MONDAY), id="one depot"),
        pytest.param("region/DK,2026-11-23,2026-11-23,no,,x,", (FRIDAY, TUESDAY), (FRIDAY, TUESDAY), id="the place"),
        pytest.param("region/DK,2026-11-20,2026-11-20,no,,x,", (MONDAY, TUESDAY), (FRIDAY, MONDAY), id="its region"),
        pytest.param("carrier/ups,2026-11-23,2026-11-23,no,,x,", (FRIDAY, TUESDAY), (FRIDAY, TUESDAY), id="a carrier"),
        pytest.param("carrier/ups:standard,2026-11-23,2026-11-23,no,,x,", (FRIDAY, MONDAY), (FRIDAY, MONDAY),
                     id="another service"),
        pytest.param("depot/DK-CPH,2026-11-20,2026-11-20,,09:00,x,", (MONDAY, TUESDAY), (FRIDAY, MONDAY), id="half"),
    ],
)  # fmt: skip
def test_layers_close_whom_they_name(
    pack: Pack, row: str, from_copenhagen: tuple[date, date], from_venlo: tuple[date, date]
) -> None:
    """Approved Friday 9:30 local, to Copenhagen: what each closure does to both depots."""
    promiser = LayeredPromiser(pack, snapshot.load(), layers(*filter(None, [row])))

    assert dates(promiser, COPENHAGEN, "DK-CPH", SAVER) == from_copenhagen
    assert dates(promiser, COPENHAGEN, "NL-VNL", SAVER) == from_venlo


def test_a_country_closes_its_subdivisions(pack: Pack) -> None:
    """region/DE reaches Bavaria; region/DE-BE does not."""
    everywhere = LayeredPromiser(pack, snapshot.load(), layers("region/DE,2026-11-23,2026-11-23,no,,x,"))
    berlin = LayeredPromiser(pack, snapshot.load(), layers("region/DE-BE,2026-11-23,2026-11-23,no,,x,"))

    assert dates(everywhere, MUNICH, "NL-VNL", SAVER) == (FRIDAY, TUESDAY)
    assert dates(berlin, MUNICH, "NL-VNL", SAVER) == (FRIDAY, MONDAY)


def test_without_layers_it_promises_the_same(pack: Pack) -> None:
    """Control: no closures, no difference, working included."""
    plain, layered = Promiser(pack, snapshot.load()), LayeredPromiser(pack, snapshot.load())
    for site in (COPENHAGEN, MUNICH, SEATTLE):
        offers = plain.offers(site, AT)

        assert layered.offers(site, AT) == offers
        assert layered.working(offers[0].lane, site, AT) == plain.working(offers[0].lane, site, AT)


def test_an_opened_day_opens(pack: Pack) -> None:
    """A make-up Saturday of the depot alone does not ship where the carrier does not collect."""
    opened = LayeredPromiser(
        pack, snapshot.load(),
        layers("depot/DK-CPH,2026-11-21,2026-11-21,yes,,x,", "carrier/ups,2026-11-21,2026-11-21,yes,,x,"),
    )  # fmt: skip
    late = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    ships = {offer.ship_on for offer in opened.offers(COPENHAGEN, late) if offer.depot == "DK-CPH"}

    assert ships == {date(2026, 11, 21)}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param("depot/NL-VLN,2026-11-20,2026-11-20,no,,x,", "NL-VNL", id="misspelt depot"),
        pytest.param("carrier/upps,2026-11-20,2026-11-20,no,,x,", "carrier/ups", id="misspelt carrier"),
        pytest.param("region/DE-XX,2026-11-20,2026-11-20,no,,x,", "region/DE", id="no such region"),
        pytest.param("NL-VNL,2026-11-20,2026-11-20,no,,x,", "depot/NL-VNL", id="without its kind"),
        pytest.param("region/DE,2026-11-20,2026-11-20,,12:00,x,", "half day", id="half day of a region"),
    ],
)
def test_a_closure_of_nobody_is_refused(pack: Pack, row: str, said: str) -> None:
    """With what was probably meant."""
    with pytest.raises(UnknownScope, match=said):
        require_known(layers(row), pack, snapshot.load())


def test_a_depot_that_left_the_policy_closes_nothing(pack: Pack) -> None:
    """Its live strike days must not stop the waves of the others."""
    promiser = LayeredPromiser(pack, snapshot.load(), layers("depot/XX-OLD,2026-11-20,2026-11-20,no,,x,"))

    assert dates(promiser, COPENHAGEN, "DK-CPH", SAVER) == (FRIDAY, MONDAY)


def test_a_corrected_reason_is_the_one_told(pack: Pack) -> None:
    """The same day closed for another reason: what was compiled for the first does not explain the second."""
    told = []
    for reason in ("strike", "stocktaking"):
        promiser = LayeredPromiser(pack, snapshot.load(), layers(f"depot/DK-CPH,2026-11-20,2026-11-20,no,,{reason},"))
        offer = next(offer for offer in promiser.offers(COPENHAGEN, AT) if offer.depot == "DK-CPH")
        trace = promiser.working(offer.lane, COPENHAGEN, AT).trace
        told.append(next(step["reason"].split(" [")[0] for step in trace if step["kind"] == "skipped"))

    assert told == ["strike", "stocktaking"]
