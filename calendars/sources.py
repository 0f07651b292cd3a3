"""Builds region calendars from the `holidays` package and policy.yaml: the only module that imports `holidays`.

Called by `compiler` when the library or the policy changed, never per order: the library is mutable,
not thread-safe, takes 136 us per object and answers "working day" outside its data without a word.
Its traps are handled here: language is always given, weekends by date, make-up days kept, half days never closed,
estimated dates found through the library's own label, neighbouring years populated for holidays observed across them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import holidays
import yaml
from dateutil.easter import easter
from holidays.constants import HALF_DAY, PUBLIC
from holidays.holiday_base import HolidayBase

from calendars.operating import WEEKDAYS, CalendarError, Weekday

LIBRARY_VERSION = version("holidays")
POLICY_PATH = Path(__file__).with_name("policy.yaml")
NEVER_CLOSING = frozenset({"half_day", "school"})
"""Categories that do not close anybody's goods-in: half days are an earlier cut-off, school breaks are none."""


class PolicyRefused(CalendarError):
    """policy.yaml says something we cannot follow: the message names the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """One calendar key as read from the library; ordinals, sorted, inside the window."""

    key: str
    holidays: tuple[int, ...]
    names: tuple[str, ...]
    """One per holiday."""
    weekend: tuple[int, ...]
    make_up: tuple[int, ...]
    estimated: tuple[int, ...]
    half_days: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionRule:
    """One reviewed line of policy.yaml about a region (and, unless they have their own line, its subdivisions)."""

    region: str
    reason: str
    through: date | None = None
    categories: tuple[str, ...] | None = None
    weekend: tuple[Weekday, ...] | None = None
    make_up: bool | None = None
    feasts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CityRule:
    """A municipality whose closed days differ from its region's."""

    country: str
    subdivision: str
    names: tuple[str, ...]
    calendar: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """policy.yaml, validated."""

    first: date
    last: date
    through: date
    rules: Mapping[str, RegionRule]
    cities: tuple[CityRule, ...]


_REGION_KEYS = {"region", "reason", "through", "categories", "weekend", "make_up", "feasts"}
_CITY_KEYS = {"country", "subdivision", "names", "calendar", "reason"}


def load_policy(path: Path = POLICY_PATH) -> Policy:
    """Reads and checks the policy. Raises `PolicyRefused` for unknown keys, duplicates and missing reasons."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = set(raw) - {"window", "default", "regions", "cities"}
    if unknown:
        raise PolicyRefused(f"{path.name}: unknown keys {sorted(unknown)}")
    rules: dict[str, RegionRule] = {}
    for entry in raw["regions"]:
        for region in str(entry.get("region", "")).split():
            if region in rules:
                raise PolicyRefused(f"{path.name}: {region} has two lines")
            rules[region] = RegionRule(**_checked(path, {**entry, "region": region}, _REGION_KEYS))
    return Policy(
        first=raw["window"]["first"],
        last=raw["window"]["last"],
        through=raw["default"]["through"],
        rules=rules,
        cities=tuple(CityRule(**_checked(path, entry, _CITY_KEYS)) for entry in raw["cities"]),
    )


def _checked(path: Path, entry: dict[str, Any], allowed: set[str]) -> dict[str, Any]:
    unknown = set(entry) - allowed
    if unknown or not entry.get("reason"):
        raise PolicyRefused(f"{path.name}: {entry} has unknown keys {sorted(unknown)} or no reason")
    if not set(entry.get("weekend", ())) <= set(WEEKDAYS):
        raise PolicyRefused(f"{path.name}: {entry} names an unknown weekday")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def countries() -> dict[str, tuple[str, ...]]:
    """Country -> subdivisions the library knows by a calendar of their own."""
    return {
        country: tuple(subdivisions)
        for country, subdivisions in sorted(holidays.list_supported_countries(include_aliases=False).items())
    }


def _class_of(country: str) -> Any:
    return getattr(holidays, country)


def aliases(country: str) -> dict[str, str]:
    """Names of subdivisions (`Bayern`) -> the library's code (`BY`)."""
    return dict(getattr(_class_of(country), "subdivisions_aliases", {}))


def closing_categories(country: str) -> tuple[str, ...]:
    """Categories beyond PUBLIC that a calendar key may add with `+category`."""
    return tuple(c for c in _class_of(country).supported_categories if c != PUBLIC and c not in NEVER_CLOSING)


def has_half_days(country: str) -> bool:
    return HALF_DAY in _class_of(country).supported_categories


def _language(kind: Any) -> str | None:
    """English where the library speaks it. Always explicit: otherwise the environment's LANG decides."""
    return "en_US" if "en_US" in kind.supported_languages else kind.default_language


def _source(country: str, subdivision: str | None, categories: Iterable[str], years: Iterable[int]) -> Any:
    kind = _class_of(country)
    return kind(subdiv=subdivision, years=years, expand=False, categories=tuple(categories), language=_language(kind))


def _weekend_by_date(source: HolidayBase) -> bool:
    """Whether the country's weekend depends on the date (AE since 2022) or the subdivision (MY)."""
    return any("_get_weekend" in vars(kind) for kind in type(source).__mro__ if kind is not HolidayBase)


def _weekend(source: HolidayBase, days: range) -> tuple[int, ...]:
    if _weekend_by_date(source):
        return tuple(day for day in days if source.is_weekend(date.fromordinal(day)))
    return _days_on(frozenset(source.weekend), days)


@lru_cache(maxsize=64)
def _days_on(weekdays: frozenset[int], days: range) -> tuple[int, ...]:
    return tuple(day for day in days if (day - 1) % 7 in weekdays)


def _estimated_mark(source: Any) -> str:
    """The word by which this calendar marks an estimated date, in the language we asked for."""
    label = getattr(source, "estimated_label", None)
    if not label:
        return "(estimated)"
    return str(source.tr(label)).replace("%s", "").strip().strip("()") or "estimated"


def _around(days: Iterable[int]) -> set[int]:
    """An estimated day may come a day earlier or later, so its neighbours are as uncertain as itself."""
    return {day + step for day in days for step in (-1, 0, 1)}


def build(country: str, subdivision: str | None, categories: tuple[str, ...], window: range) -> Days:
    """Reads one key; `categories` are added to PUBLIC. `window` is a range of ordinals."""
    first, last = date.fromordinal(window[0]).year, date.fromordinal(window[-1]).year
    # One year more: New Year on a Saturday is observed in the old year. None is moved the other way in the library.
    source = _source(country, subdivision, (PUBLIC, *categories), range(first, last + 2))
    found = {ordinal: name for day, name in source.items() if (ordinal := day.toordinal()) in window}
    mark = _estimated_mark(source)
    estimated = _around(day for day, name in found.items() if mark in name)
    ordered = sorted(found)
    return Days(
        key=calendar_key(country, subdivision, categories),
        holidays=tuple(ordered),
        names=tuple(found[day] for day in ordered),
        weekend=_weekend(source, window),
        make_up=tuple(sorted(d.toordinal() for d in source.weekend_workdays if d.toordinal() in window)),
        estimated=tuple(sorted(day for day in estimated if day in window)),
        half_days=_half_days(country, subdivision, window) if has_half_days(country) and not categories else (),
    )


def _half_days(country: str, subdivision: str | None, window: range) -> tuple[int, ...]:
    first, last = date.fromordinal(window[0]).year, date.fromordinal(window[-1]).year
    source = _source(country, subdivision, (HALF_DAY,), range(first, last + 1))
    return tuple(sorted(day.toordinal() for day in source if day.toordinal() in window))


def calendar_key(country: str, subdivision: str | None, categories: Iterable[str] = ()) -> str:
    """`DE-BY+catholic`; subdivisions that are not ISO 3166-2 codes stand after a slash: `DE/Augsburg`."""
    if subdivision is None:
        place = country
    else:
        is_code = len(subdivision) <= 3 and subdivision.isalnum() and subdivision.upper() == subdivision
        place = f"{country}{'-' if is_code else '/'}{subdivision}"
    return "+".join((place, *sorted(categories)))


_FEASTS: dict[str, Callable[[int], date]] = {
    "corpus_christi": lambda year: easter(year) + timedelta(days=60),
    "easter_monday": lambda year: easter(year) + timedelta(days=1),
    "whit_monday": lambda year: easter(year) + timedelta(days=50),
    "good_friday": lambda year: easter(year) - timedelta(days=2),
    "assumption": lambda year: date(year, 8, 15),
    "all_saints": lambda year: date(year, 11, 1),
    "immaculate_conception": lambda year: date(year, 12, 8),
    "christmas_eve": lambda year: date(year, 12, 24),
    "st_stephen": lambda year: date(year, 12, 26),
}


def feast_days(names: Iterable[str], window: range) -> Iterator[tuple[int, str]]:
    """Days of the Western church year that policy.yaml closes by name. Raises `PolicyRefused` for an unknown one."""
    for name in names:
        if name not in _FEASTS:
            raise PolicyRefused(f"policy.yaml: unknown feast {name!r}; known are {', '.join(_FEASTS)}")
        for year in range(date.fromordinal(window[0]).year, date.fromordinal(window[-1]).year + 1):
            day = _FEASTS[name](year).toordinal()
            if day in window:
                yield day, name.replace("_", " ").title()


def weekend_days(names: Iterable[Weekday], window: range) -> tuple[int, ...]:
    """Days of the window on the named weekdays."""
    return _days_on(frozenset(WEEKDAYS.index(name) for name in names), window)
