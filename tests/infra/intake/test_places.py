"""Countries, subdivisions and postal codes by every name and in one spelling."""

from __future__ import annotations

import pycountry
import pytest
from babel import Locale

from infra.intake.faults import Fault
from infra.intake.known import Nearest
from infra.intake.places import LANGUAGES, read_country, read_subdivision
from infra.intake.postal import SHAPES, padded, written_code


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_country_by_its_name(language: str) -> None:
    """Each ISO country is found by its name in each of the five languages."""
    for country in pycountry.countries:
        name = Locale(language).territories[country.alpha_2]
        assert read_country(name.upper(), Nearest()) == country.alpha_2, name


@pytest.mark.parametrize(
    ("text", "code"), [("uk", "GB"), ("USA", "US"), ("Holland", "NL"), ("Österreich", "AT"), ("espana", "ES")]
)
def test_common_names(text: str, code: str) -> None:
    """Names people use although no standard has them."""
    assert read_country(text, Nearest()) == code


def test_near_names_are_hinted() -> None:
    """A misspelt country or state gets the nearest one proposed."""
    with pytest.raises(Fault) as country:
        read_country("Germny", Nearest())
    with pytest.raises(Fault) as state:
        read_subdivision("Kentuky", "US", Nearest())

    assert "Germany" in country.value.problem
    assert "Kentucky" in state.value.problem


def test_hints_have_a_budget() -> None:
    """After the budget is spent no more searches are made; answers already given stay."""
    nearest = Nearest(budget=1)

    assert nearest.hint("part", "HS-2", ["HS-1"]) == " Did you mean HS-1?"
    assert nearest.hint("part", "HS-3", ["HS-1"]) == ""
    assert nearest.hint("part", "HS-2", ["HS-1"]) == " Did you mean HS-1?"


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        ("KY", "US", "KY"),
        ("US-KY", "US", "KY"),
        ("kentucky", "US", "KY"),
        ("Québec", "CA", "QC"),
        ("Nuevo León", "MX", "NLE"),
        ("Girona", "ES", "GI"),
        ("Roma", "IT", "RM"),
        ("", "DE", None),
        ("São Paulo", "BR", "SP"),
    ],
)
def test_subdivisions(text: str, country: str, code: str | None) -> None:
    """By code, full code or name, with or without accents."""
    assert read_subdivision(text, country, Nearest()) == code


@pytest.mark.parametrize("country", sorted(SHAPES))
def test_examples_are_of_their_own_shape(country: str) -> None:
    """The example a refusal shows is accepted, unchanged, and so is its bare form."""
    example = SHAPES[country].example

    assert written_code(example, country) == example
    assert written_code(example.replace(" ", "").replace("-", "").lower(), country) == example


@pytest.mark.parametrize(
    ("text", "country", "written"),
    [
        ("d-01067", "DE", "01067"),
        ("1012js", "NL", "1012 JS"),
        ("402021234", "US", "40202-1234"),
        ("sw1a1aa", "GB", "SW1A 1AA"),
        ("1000005", "JP", "100-0005"),
        ("abc 123", "KZ", "ABC 123"),
        ("", "AE", ""),
    ],
)
def test_codes_are_written_the_countrys_way(text: str, country: str, written: str) -> None:
    """Spaces, dashes, case and the old country prefix."""
    assert written_code(text, country) == written


@pytest.mark.parametrize(
    ("text", "country"),
    [("1067", "DE"), ("1012 SS", "NL"), ("0123 AB", "NL"), ("4020", "US"), ("D1A 1A1", "CA"), ("#", "KZ")],
)
def test_other_shapes_are_refused(text: str, country: str) -> None:
    """A lost zero, letters no Dutch code has, a swapped column."""
    with pytest.raises(Fault, match="postal_code_format"):
        written_code(text, country)


def test_zeros_are_put_back() -> None:
    """Only where the country's codes are all digits."""
    assert (padded(1067, "DE"), padded(6, "FR"), padded(10, "GB")) == ("01067", "00006", "10")
