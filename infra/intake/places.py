"""Countries and subdivisions by any name partners use, made into ISO 3166 codes.

Countries by alpha-2, alpha-3, or name in Danish, Dutch, German, English or Spanish (CLDR and ISO); subdivisions by
code or name. Called by `checks`.
"""

from __future__ import annotations

import re
from functools import lru_cache

import pycountry
from babel import Locale

from infra.intake.columns import folded
from infra.intake.faults import Fault
from infra.intake.known import Nearest

LANGUAGES = ("da", "nl", "de", "en", "es")
SUBDIVISION_NEEDED = {"AU": "NSW", "BR": "SP", "CA": "ON", "MX": "CMX", "US": "KY"}
"""Countries whose addresses carriers refuse without a state or province, with an example."""

_COMMONLY = {"uk": "GB", "greatbritain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "holland": "NL"}
_NAME_MARKS = re.compile(r"[\[\]/,]| \(|\)")


@lru_cache(maxsize=1)
def country_names() -> dict[str, tuple[str, str]]:
    """Folded name -> (code, the name as written), all languages together."""
    names: dict[str, tuple[str, str]] = {}
    codes = {country.alpha_2 for country in pycountry.countries}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if code in codes:
                names.setdefault(folded(name), (code, name))
    for country in pycountry.countries:
        for field in ("name", "common_name", "official_name", "alpha_3", "alpha_2"):
            if name := getattr(country, field, None):
                names[folded(name)] = (country.alpha_2, name)
    for name, code in _COMMONLY.items():
        names[name] = (code, name)
    return names


@lru_cache(maxsize=4096)
def _country(text: str) -> str | None:
    found = country_names().get(folded(text))
    return found[0] if found else None


def read_country(text: str, nearest: Nearest) -> str:
    """The ISO 3166-1 alpha-2 code for `text`. Raises `Fault`."""
    code = _country(text)
    if code is None:
        raise Fault(
            "unknown_country", hint=nearest.hint("country", text, (name for _, name in country_names().values()))
        )
    return code


@lru_cache(maxsize=300)
def _subdivisions(country: str) -> tuple[tuple[str, str], ...]:
    """Every (code after the dash, name) of a country."""
    found = pycountry.subdivisions.get(country_code=country) or ()  # type: ignore[no-untyped-call]  # it has no hints
    return tuple((subdivision.code.partition("-")[2], subdivision.name) for subdivision in found)


@lru_cache(maxsize=300)
def subdivision_names(country: str) -> dict[str, str]:
    """Folded code or name -> the part of the ISO 3166-2 code after the dash; codes win over names."""
    names: dict[str, str] = {}
    for code, name in _subdivisions(country):
        for spelling in (name, *_NAME_MARKS.split(name)):
            if folded(spelling):
                names.setdefault(folded(spelling), code)
    for code, _ in _subdivisions(country):
        names[folded(code)] = names[folded(f"{country}-{code}")] = code
    return names


@lru_cache(maxsize=4096)
def _subdivision(text: str, country: str) -> str | None:
    return subdivision_names(country).get(folded(text))


def read_subdivision(text: str, country: str, nearest: Nearest) -> str | None:
    """The subdivision's code without the country, `KY` for `Kentucky` or `US-KY`; None for an empty `text`
    where the country's addresses need none. Raises `Fault`.
    """
    if not text:
        if example := SUBDIVISION_NEEDED.get(country):
            raise Fault("missing_subdivision", country=country, example=example)
        return None
    code = _subdivision(text, country)
    if code is None:
        hint = nearest.hint(f"subdivision of {country}", text, (name for _, name in _subdivisions(country)))
        raise Fault("unknown_subdivision", country=country, hint=hint)
    return code
