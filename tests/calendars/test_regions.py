"""An address becomes a region, a calendar and a zone, or is refused."""

from __future__ import annotations

import pycountry
import pytest

from calendars import postal
from calendars.regions import UnknownRegion, calendar_key, country_code, resolve_region
from calendars.snapshot import UnknownCalendar, load
from calendars.zones import SUBDIVISION_ZONE, zone


@pytest.mark.parametrize(
    ("address", "region", "calendar", "level", "decided_by"),
    [
        pytest.param(("DE", "BY"), "DE-BY", "DE-BY", "subdivision", "subdivision", id="bare-code"),
        pytest.param(("de", "de-by"), "DE-BY", "DE-BY", "subdivision", "subdivision", id="lower-case"),
        pytest.param(("DEU", "Bayern"), "DE-BY", "DE-BY", "subdivision", "subdivision", id="name"),
        pytest.param(("FR", "67"), "FR-6AE", "FR-6AE", "parent", "subdivision", id="department-by-parent"),
        pytest.param(("FR", "FR-57"), "FR-57", "FR-57", "subdivision", "subdivision", id="moselle-itself"),
        pytest.param(("ES", "B"), "ES-CT", "ES-CT", "parent", "subdivision", id="province-by-parent"),
        pytest.param(("GB", "LND"), "GB-ENG", "GB-ENG", "parent", "subdivision", id="london-by-parent"),
        pytest.param(("NL", "NH"), "NL", "NL", "country", "subdivision", id="no-own-calendar"),
        pytest.param(("UK",), "GB", "GB", "country", "country", id="reserved-code"),
        pytest.param(("SE",), "SE", "SE+policy", "country", "country", id="policy"),
        pytest.param(("CH", "SO"), "CH-SO", "CH-SO+policy", "subdivision", "subdivision", id="cantonal-policy"),
        pytest.param(
            ("DE", "BE", "80331"), "DE-BE", "DE-BE", "subdivision", "subdivision", id="subdivision-beats-code"
        ),
        pytest.param(("DE", None, "D-80331"), "DE-BY", "DE-BY", "subdivision", "postal_code", id="german-code"),
        pytest.param(("FR", None, "67 000"), "FR-6AE", "FR-6AE", "parent", "postal_code", id="strasbourg"),
        pytest.param(("PT", None, "9500-150"), "PT-20", "PT-20", "subdivision", "postal_code", id="azores"),
        pytest.param(("GB", None, "BT1 5GS"), "GB-NIR", "GB-NIR", "subdivision", "postal_code", id="belfast"),
        pytest.param(("US", "", "94105-1234"), "US-CA", "US-CA", "subdivision", "postal_code", id="empty-subdivision"),
        pytest.param(("DE", None, "????"), "DE", "DE", "country", "country", id="malformed-code"),
    ],
)
def test_address_resolves(address, region, calendar, level, decided_by):
    """Subdivision beats postal code beats country, and the level that answered is told."""
    match = resolve_region(*address)

    assert (match.region, match.calendar, match.level, match.decided_by) == (region, calendar, level, decided_by)


def test_postal_code_gives_the_zone():
    """A code on the Canaries is on Canary time, and keeps its ISO code."""
    match = resolve_region("ES", None, "38001")

    assert (match.zone, match.subdivision) == ("Atlantic/Canary", "ES-TF")


def test_split_code_has_alternatives():
    """Berwick's postcodes lie on both sides of the border: both calendars are offered."""
    match = resolve_region("GB", None, "TD15 1AA")

    assert match.confidence < 1
    assert {match.calendar, *match.alternatives} == {"GB-SCT", "GB-ENG"}


def test_bare_country_with_regions_is_unsure():
    """Germany without a Land is a guess and says so; the Netherlands without a province is not."""
    assert resolve_region("DE").confidence < 1
    assert resolve_region("NL").confidence == 1


@pytest.mark.parametrize("city", ["München", "MUNICH", "munchen"])
def test_municipality_refines_the_region(city):
    """Munich keeps Assumption; however it is spelt."""
    match = resolve_region("DE", None, "80331", city=city)

    assert (match.calendar, match.level, match.region) == ("DE-BY+catholic", "municipality", "DE-BY")


def test_namesake_elsewhere_is_not_the_municipality():
    """A Munich in North Dakota, or one filed under another Land, has no Bavarian feast."""
    assert resolve_region("US", "ND", city="Munich").calendar == "US-ND"
    assert resolve_region("DE", "BE", city="München").calendar == "DE-BE"


@pytest.mark.parametrize("address", [("QQ",), ("",), ("DE", "ZZ"), ("Germany",)])
def test_unknown_places_are_refused(address):
    """Nothing is guessed for a country or subdivision that does not exist."""
    with pytest.raises(UnknownRegion):
        resolve_region(*address)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("de-by+CATHOLIC", "DE-BY+catholic"),
        ("FR-68", "FR-6AE"),
        ("DE-Augsburg", "DE/Augsburg"),
        ("CH-Stadt Zürich", "CH/Stadt Zurich"),
        ("BR-Sao Paulo Capital", "BR/São Paulo Capital"),
        ("GBR", "GB"),
        ("HK+optional", "HK+optional"),
        ("TR+half_day", "TR"),
        ("SE+policy", "SE+policy"),
        ("DE+policy", "DE"),
        ("NO-31", "NO-31"),
    ],
)
def test_written_keys_are_understood(text, key):
    """Codes, names, accents, categories: what people write finds its calendar."""
    assert calendar_key(text) == key
    assert load().calendar(key)


def test_two_categories_close_what_either_closes():
    """`A+x+y` is closed where `A+x` or `A+y` is."""
    key = calendar_key("SE+optional+de_facto")
    both = load().calendar(key)

    parts = [load().calendar(f"SE+{category}").open_days for category in ("de_facto", "optional")]
    assert list(both.open_days) == [a & b for a, b in zip(*parts, strict=True)]


def test_unknown_category_is_refused():
    """A category the place does not have is an error, not an empty one."""
    with pytest.raises(UnknownCalendar):
        calendar_key("NL+catholic")


def test_country_codes_are_normalised():
    """Alpha-2, alpha-3 and reserved codes in any case; Kosovo has none of ISO's."""
    assert [country_code(c) for c in ("us", "USA", "uk", "XK")] == ["US", "US", "GB", "XK"]


def test_tables_name_only_real_subdivisions():
    """Every subdivision of the postal and the zone table exists in ISO 3166-2, or as a calendar of its own."""
    iso = {entry.code for entry in pycountry.subdivisions}
    places = {entry.subdivision for rows in postal.ranges().values() for entry in rows}

    assert {place for place in places if place not in iso and place not in load()} == set()
    unknown = {place for place in SUBDIVISION_ZONE if place not in iso}
    assert unknown <= {f"US-{code}" for code in ("PR", "VI", "GU", "MP", "AS")}
    assert all(zone(name) for name in SUBDIVISION_ZONE.values())


def test_every_iso_country_resolves():
    """Each ISO country has a calendar and a zone."""
    for country in pycountry.countries:
        match = resolve_region(country.alpha_2)
        assert load().calendar(match.calendar)
        assert zone(match.zone)


def test_every_iso_subdivision_resolves():
    """Each of ISO's five thousand subdivisions finds a calendar of its own country on purpose."""
    levels = {"subdivision": 0, "parent": 0, "country": 0}
    for entry in pycountry.subdivisions:
        match = resolve_region(entry.country_code, entry.code)
        assert match.region[:2] == entry.country_code
        levels[match.level] += 1

    assert levels["subdivision"] > 500
    assert levels["parent"] > 100
