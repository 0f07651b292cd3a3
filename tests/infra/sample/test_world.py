"""The towns and names of the sample are good enough for the door they are sent through."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from infra.intake.known import Nearest
from infra.intake.places import read_subdivision
from infra.intake.postal import written_code
from infra.sample.draw import phone_numbers
from infra.sample.world import City, cities, localities
from tests.infra.sample.packs import COUNTRIES


def test_eight_towns_in_every_country() -> None:
    """Each of the 25 countries has eight towns or more, and names of its own."""
    counted = Counter(city.country for city in cities())

    assert set(counted) == set(COUNTRIES) == set(localities())
    assert min(counted.values()) >= 8


@pytest.mark.parametrize("city", cities(), ids=lambda city: f"{city.country}-{city.city}-{city.postal_code}")
def test_town_is_written_as_the_door_writes_it(city: City) -> None:
    """Postal code, subdivision and zone are real for the door and already in its spelling."""
    assert written_code(city.postal_code, city.country) == city.postal_code
    assert (read_subdivision(city.subdivision, city.country, Nearest()) or "") == city.subdivision
    assert ZoneInfo(city.zone).key == city.zone


@pytest.mark.parametrize("country", COUNTRIES)
def test_numbers_are_plentiful(country: str) -> None:
    """Enough valid phone numbers that contacts differ."""
    assert len(phone_numbers(country)) >= 100
