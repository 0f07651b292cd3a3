"""Towns with their postal codes, and how people, streets and companies are called there.

Read once from `cities.csv` and `localities.yaml` beside this file. Called by `draw`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from infra.policy.model import Lane, LanguageCode, Pack
from infra.policy.postal import postal_key


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A real town and one of its postal codes; `subdivision` as in ISO 3166-2 after the dash, or empty."""

    country: str
    city: str
    postal_code: str
    subdivision: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Locality:
    """How things are called in a country; `#` in a street is the house number, `{}` in a company a made-up word."""

    language: LanguageCode
    given: tuple[str, ...]
    family: tuple[str, ...]
    streets: tuple[str, ...]
    companies: tuple[str, ...]


@lru_cache(maxsize=1)
def cities() -> tuple[City, ...]:
    """All towns, in the order of the file."""
    text = files("infra.sample").joinpath("cities.csv").read_text(encoding="utf-8")
    return tuple(City(**row) for row in csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def localities() -> dict[str, Locality]:
    """By country code."""
    loaded = yaml.safe_load(files("infra.sample").joinpath("localities.yaml").read_text(encoding="utf-8"))
    return {country: _locality(entry) for country, entry in loaded.items()}


def _locality(entry: dict[str, Any]) -> Locality:
    lists = {name: tuple(entry[name]) for name in ("given", "family", "streets", "companies")}
    return Locality(language=entry["language"], **lists)


def reachable(pack: Pack) -> dict[str, tuple[City, ...]]:
    """The towns a lane of the pack leads to, by country. Raises `ValueError` where there is none at all."""
    found: dict[str, list[City]] = {}
    for city in cities():
        if any(_leads_to(lane, city) for lane in pack.lanes_by_country.get(city.country, ())):
            found.setdefault(city.country, []).append(city)
    if not found:
        raise ValueError("no lane of the pack leads to a country of the sample: add one, or a town to cities.csv")
    return {country: tuple(towns) for country, towns in found.items()}


def _leads_to(lane: Lane, city: City) -> bool:
    key = postal_key(city.country, city.postal_code)
    prefixes = tuple(postal_key(city.country, prefix) for prefix in lane.to.postal_prefixes)
    return not prefixes or key.startswith(prefixes)
