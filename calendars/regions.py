"""Which region's days count for an address, how sure that is, and which zone it is in.

Explicit subdivision, then postal ranges, then country; a municipality with days of its own refines any of them.
Codes go through pycountry and its parents (FR-67 has no calendar of its own, its parent FR-6AE has), so "no calendar"
is always a decision and never an accident. Called by tasks for each address, and by whoever names a calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import pycountry

from calendars import postal
from calendars.operating import CalendarError
from calendars.snapshot import Snapshot, UnknownCalendar, folded, load
from calendars.zones import UnknownZone, zone_of

Level = Literal["municipality", "subdivision", "parent", "country"]

_NEVER_CLOSING = frozenset({"public", "half_day", "school"})
"""Accepted in a key and without effect: PUBLIC is always in, half days and school breaks close nobody."""
_COUNTRY_SYNONYMS = {"UK": "GB", "EL": "GR"}
"""Reserved codes people do write."""


class UnknownRegion(CalendarError):
    """No such country or subdivision: correct the address; never guess a calendar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionMatch:
    """Where an address is, as the calendars see it."""

    region: str
    """The region whose calendar answers: `DE-BY`, `FR-6AE` for an address in FR-67, `FR` for one in Paris."""
    calendar: str
    """The snapshot key a promise uses: municipal or `+policy` where there is one, else the region's."""
    level: Level
    """Which level answered."""
    decided_by: Literal["subdivision", "postal_code", "country"]
    confidence: float
    """0 to 1; below 1 the postal code is shared or only a country is known."""
    alternatives: tuple[str, ...]
    """Calendar keys of other regions it may be: promise the latest of all (`promises.latest`)."""
    zone: str
    subdivision: str | None
    """The ISO 3166-2 code itself, where one is known: `FR-67`."""


def country_code(text: str) -> str:
    """ISO 3166-1 alpha-2 of an alpha-2, alpha-3 or reserved code, any case. Raises `UnknownRegion`."""
    code = text.strip().upper()
    code = _COUNTRY_SYNONYMS.get(code, code)
    if code == "XK":  # Kosovo: user-assigned, so pycountry lacks it; carriers and calendars use it
        return code
    found = pycountry.countries.get(alpha_2=code) or pycountry.countries.get(alpha_3=code)
    if found is None:
        raise UnknownRegion(f"{text!r} is not an ISO 3166-1 country code")
    return str(found.alpha_2)


def _iso_entries(country: str) -> list[Any]:
    subdivisions: Any = pycountry.subdivisions
    return subdivisions.get(country_code=country) or []


@lru_cache(maxsize=256)
def _iso_subdivisions(country: str) -> dict[str, str | None]:
    """ISO 3166-2 code -> its parent's code, for one country."""
    return {entry.code: entry.parent_code for entry in _iso_entries(country)}


@lru_cache(maxsize=256)
def _iso_names(country: str) -> dict[str, str]:
    return {folded(entry.name): entry.code for entry in _iso_entries(country)}


@lru_cache(maxsize=4096)
def _chain(code: str) -> tuple[str, ...]:
    """A code and its ISO parents, nearest first."""
    parents = _iso_subdivisions(code[:2])
    chain, following = [code], parents.get(code)
    while following and following not in chain:
        chain.append(following)
        following = parents.get(following)
    return tuple(chain)


def _subdivision_code(country: str, text: str, snapshot: Snapshot) -> str:
    """ISO code, or a calendar key of the library where ISO has none. Raises `UnknownRegion`."""
    bare = text.strip()
    if bare.upper().startswith(f"{country}-"):
        bare = bare[3:]
    code = f"{country}-{bare.upper()}"
    if code in snapshot or code in _iso_subdivisions(country):
        return code
    for spelling in (f"{country}/{bare}", f"{country}-{bare}"):
        if key := snapshot.aliases.get(folded(spelling)):
            return key
    if found := _iso_names(country).get(folded(bare)):
        return found
    raise UnknownRegion(f"{text!r} is not a subdivision of {country}: use ISO 3166-2, for example DE-BY")


def _answering(country: str, code: str | None, snapshot: Snapshot) -> tuple[str, Level]:
    """The nearest region with a calendar, and its level."""
    for step, candidate in enumerate(_chain(code) if code else ()):
        if candidate in snapshot:
            return candidate, "parent" if step else "subdivision"
    if country not in snapshot:
        raise UnknownRegion(f"no calendar is known for country {country}")
    return country, "country"


def _municipality(country: str, city: str | None, code: str | None, snapshot: Snapshot) -> str | None:
    """Calendar of the city, where it has one and lies in the subdivision found (if one was)."""
    if not city:
        return None
    name = folded(city)
    for where, known, subdivision, calendar in snapshot.cities:
        if (where, known) == (country, name) and (code is None or subdivision in _chain(code)):
            return calendar
    return None


def resolve_region(
    country: str,
    subdivision: str | None = None,
    postal_code: str | None = None,
    *,
    city: str | None = None,
    snapshot: Snapshot | None = None,
) -> RegionMatch:
    """The region of an address. `subdivision` may be `BY`, `DE-BY` or a name.

    It beats the postal code, which beats the country; a city with days of its own then refines the calendar.
    Raises `UnknownRegion` for an unknown country or subdivision; an unknown postal code falls back to the country.
    """
    known = snapshot or load()
    nation = country_code(country)
    if subdivision and subdivision.strip():
        code = _subdivision_code(nation, subdivision, known)
        return _match(nation, code, city, known, decided_by="subdivision", confidence=1.0)
    if found := postal.candidates(nation, postal_code) if postal_code else ():
        best, *rest = found
        own = best.subdivision if best.subdivision != nation else None
        return _match(
            nation,
            own,
            city,
            known,
            decided_by="postal_code",
            confidence=best.confidence,
            others=tuple(other.subdivision for other in rest),
        )
    regional = any(key.startswith((f"{nation}-", f"{nation}/")) for key in known.keys)
    return _match(nation, None, city, known, decided_by="country", confidence=0.5 if regional else 1.0)


def _match(
    country: str,
    code: str | None,
    city: str | None,
    snapshot: Snapshot,
    *,
    decided_by: Literal["subdivision", "postal_code", "country"],
    confidence: float,
    others: tuple[str, ...] = (),
) -> RegionMatch:
    region, level = _answering(country, code, snapshot)
    municipal = _municipality(country, city, code, snapshot)
    calendar = municipal or snapshot.business_key(region)
    possible = (snapshot.business_key(_answering(country, other, snapshot)[0]) for other in others)
    return RegionMatch(
        region=region,
        calendar=calendar,
        level="municipality" if municipal else level,
        decided_by=decided_by,
        confidence=confidence,
        alternatives=tuple(key for key in dict.fromkeys(possible) if key != calendar),
        zone=_zone(country, code),
        subdivision=code if code and "/" not in code else None,
    )


def _zone(country: str, code: str | None) -> str:
    try:
        return zone_of(country, _chain(code) if code else ())
    except UnknownZone as error:
        raise UnknownRegion(str(error)) from error


def calendar_key(text: str, *, snapshot: Snapshot | None = None) -> str:
    """The snapshot key for what people write: `de-by+CATHOLIC`, `FR-67`, `DE-Augsburg`, `GBR`.

    The calendar is the library's own for that place and those categories; ours is `business_calendar`, or `+policy`.
    Raises `UnknownRegion`, and `UnknownCalendar` for a category the place does not have.
    """
    known = snapshot or load()
    place, *categories = (part.strip() for part in text.split("+"))
    region = known.aliases.get(folded(place)) or _place(place, known)
    wanted = sorted({c.casefold().replace(" ", "_") for c in categories} - _NEVER_CLOSING)
    for category in wanted:
        if category == "policy":
            region = known.business_key(region)
        elif f"{region}+{category}" not in known:
            raise UnknownCalendar(f"{region} has no holidays of category {category!r}")
    return "+".join((region, *(c for c in wanted if c != "policy")))


def _place(text: str, snapshot: Snapshot) -> str:
    """A region with a calendar, for `FR-67`, `FR` or `FRA`."""
    head, _, rest = text.replace("/", "-", 1).partition("-")
    country = country_code(head)
    code = _subdivision_code(country, rest, snapshot) if rest else None
    return _answering(country, code, snapshot)[0]
