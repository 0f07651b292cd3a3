"""Where a site is, roughly, without asking anybody: the principal town of its time zone.

Used by `tasks.rules.promising` to call one depot nearer than another. Coordinates of the zones are the tz database's
own (zone.tab), which is as fine as choosing between Kentucky and Nevada needs.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

Coordinates = tuple[float, float]
"""Latitude and longitude, degrees."""

_ISO_6709 = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")


def degrees(text: str) -> Coordinates:
    """ISO 6709 as zone.tab writes it: `+5230+01322` or `+404251-0740023`. Raises ValueError.

    >>> degrees("+5230+01322")
    (52.5, 13.37)
    """
    found = _ISO_6709.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not ±DDMM[SS]±DDDMM[SS]")
    north, east = found.groups()[:4], found.groups()[4:]
    return _angle(*north), _angle(*east)


def _angle(sign: str, whole: str, minutes: str, seconds: str | None) -> float:
    size = int(whole) + int(minutes) / 60 + int(seconds or 0) / 3600
    return round(-size if sign == "-" else size, 2)


@cache
def _zones() -> dict[str, Coordinates]:
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {zone: degrees(coordinates) for _country, coordinates, zone, *_comment in rows}


def principal_town(zone: str) -> Coordinates:
    """Coordinates of a zone's principal town. Raises KeyError for a zone the tz database has no place for."""
    return _zones()[zone]
