"""When something happened, from what partners write: one aware instant, and the zone as written.

Read: ISO 8601 with an offset (or `[Europe/Berlin]` behind it), `2026-11-20 14:05` and `20.11.2026 14:05` with a zone
column, Excel dates with a zone column. Refused rather than guessed: slashes, hours that a change of clocks skipped or
doubled, times without any zone. Called by `checks`; nothing here asks the clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from infra.intake.faults import Fault
from infra.intake.text import Cell

EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
_EXCEL_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's days have no zone; the zone column gives it
_EXCEL_DAYS = (36526, 73415)  # 2000-01-01 to 2101-01-01

_CLOCK = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?"
_ZONE = r"\s*(?P<offset>Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?\s*(?:\[?(?P<named>[A-Za-z_]+/[A-Za-z_/+\-0-9]+)\]?)?"
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?:(?:[Tt]|,?\s+)" + _CLOCK + _ZONE + ")?"
)
_DOTTED = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?:,?\s+" + _CLOCK + _ZONE + ")?")
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})")
_AMBIGUOUS = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}\b.*|\d{1,2}\.\d{1,2}\.\d{2}(?!\d).*", re.DOTALL)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone as written: an IANA name or an offset like +01:00."""

    name: str
    rules: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant in UTC and the zone it was written in."""

    at: datetime
    zone: str


@lru_cache(maxsize=1)
def zone_names() -> dict[str, str]:
    """Every `Area/City` of the tz database by its lower-case spelling; abbreviations are left out on purpose."""
    return {name.lower(): name for name in available_timezones() if "/" in name and not name.startswith("Etc/")}


@lru_cache(maxsize=1024)
def read_zone(text: str) -> Zone:
    """The zone `text` names: `Europe/Copenhagen`, `+01:00`, `UTC+1`, `Z`. Raises `Fault`."""
    if text.upper() in {"UTC", "GMT", "Z"}:
        return Zone(name="+00:00", rules=UTC)
    if offset := _OFFSET.fullmatch(text.upper()):
        return _offset_zone(offset[1], int(offset[2]), int(offset[3] or 0))
    known = zone_names().get(text.lower().replace(" ", "_"))
    if known is None:
        raise Fault("unknown_zone")
    return Zone(name=known, rules=ZoneInfo(known))


def _offset_zone(sign: str, hours: int, minutes: int) -> Zone:
    if hours > 14 or minutes not in {0, 15, 30, 45}:
        raise Fault("unknown_zone")
    length = timedelta(hours=hours, minutes=minutes)
    return Zone(name=f"{sign}{hours:02}:{minutes:02}", rules=timezone(-length if sign == "-" else length))


def read_moment(cell: Cell, zone: Zone | None) -> Moment:
    """The instant a cell states; `zone` is used where the cell has none of its own. Raises `Fault`.

    Seconds are kept, fractions dropped. A written offset decides; it is not checked against `zone` here
    (see `refuse_contradiction`).
    """
    if isinstance(cell, str):
        return _written(cell, zone)
    if isinstance(cell, datetime):
        return _placed(_to_second(cell), zone)
    if isinstance(cell, date):
        raise Fault("instant_without_time")
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        return _placed(_from_excel_days(cell), zone)
    raise Fault("instant_unreadable")


def _to_second(local: datetime) -> datetime:
    """Excel stores days as floats: 14:05 comes back as 14:04:59.999998."""
    if not EARLIEST_YEAR <= local.year <= LATEST_YEAR:
        raise Fault("instant_unreadable")
    return (local + timedelta(microseconds=500_000)).replace(microsecond=0)


def _from_excel_days(days: float) -> datetime:
    if not _EXCEL_DAYS[0] <= days < _EXCEL_DAYS[1]:
        raise Fault("instant_unreadable")
    if float(days).is_integer():
        raise Fault("instant_without_time")
    return _to_second(_EXCEL_DAY_ZERO + timedelta(days=days))


def _written(text: str, zone: Zone | None) -> Moment:
    if _USUAL.fullmatch(text):
        return _usual(text)
    found = _YEAR_FIRST.fullmatch(text) or _DOTTED.fullmatch(text)
    if found is None:
        raise Fault("ambiguous_date" if _AMBIGUOUS.fullmatch(text) else "instant_unreadable")
    if found["hour"] is None:
        raise Fault("instant_without_time")
    local = _local(found)
    named = read_zone(found["named"]) if found["named"] else None
    if found["offset"] is None:
        return _placed(local, named or zone)
    own = read_zone(found["offset"])
    moment = _placed(local, own)
    if named is None:
        return moment
    refuse_contradiction(moment, named)
    return Moment(at=moment.at, zone=named.name)


def _usual(text: str) -> Moment:
    """The form most systems write, by the standard library's own fast reader."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Fault("instant_unreadable") from None
    if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise Fault("instant_unreadable")
    return Moment(at=at.astimezone(UTC), zone=read_zone(text[19:]).name)


def _local(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute = (int(found[part]) for part in ("year", "month", "day", "hour", "minute"))
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise Fault("instant_unreadable")
    try:
        return datetime(year, month, day, hour, minute, int(found["second"] or 0))  # noqa: DTZ001 - placed by caller
    except ValueError:
        raise Fault("instant_unreadable") from None


def _placed(local: datetime, zone: Zone | None) -> Moment:
    """`local` in `zone`; refused in the two hours a year in which a wall clock does not say which instant it is."""
    if zone is None:
        raise Fault("instant_without_zone")
    there = local.replace(tzinfo=zone.rules)
    first, second = there.utcoffset(), there.replace(fold=1).utcoffset()
    assert first is not None
    assert second is not None
    if first != second:
        raise Fault("local_time_skipped" if first < second else "local_time_twice", zone=zone.name)
    return Moment(at=there.astimezone(UTC), zone=zone.name)


def refuse_contradiction(moment: Moment, zone: Zone) -> None:
    """Refuse an instant whose written offset is not the one `zone` had then. UTC never contradicts."""
    if moment.zone in {"+00:00", zone.name} or "/" in moment.zone:
        return
    expected = zone_offset(moment.at, zone)
    if expected != moment.zone:
        raise Fault("zone_contradicts", offset=moment.zone, zone=zone.name, expected=expected)


def zone_offset(at: datetime, zone: Zone) -> str:
    """The offset `zone` had at `at`, like +01:00."""
    return at.astimezone(zone.rules).isoformat()[-6:]
