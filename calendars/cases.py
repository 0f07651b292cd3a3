"""Answers documents of next-business-day cases: how acceptance, planners and bug reports ask "what would we promise?".

Pure: takes the parsed document, gives plain values that serialise. The format's own `semantics` decide: calendars by
their plain key (PUBLIC plus the categories named), no carrier network, override lists in order, later entries winning.
Whatever a document expects is never read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from calendars.lanes import Destination, Origin
from calendars.operating import OperatingCalendar, Override
from calendars.promises import CutoffRule, Promise, compile_lane
from calendars.regions import calendar_key, resolve_region
from calendars.snapshot import Snapshot, load

_DEFAULTS = {"cutoff": "14:00", "dispatch": "17:00", "transit_business_days": 1, "handling_business_days": 0}


def answer_document(document: Mapping[str, Any], *, snapshot: Snapshot | None = None) -> list[dict[str, Any]]:
    """One answer per case, in order, then one per horizon case: `{id, ship_date, promise_date, provisional, trace}`.

    A case nobody can answer has both dates None, is provisional, carries `refused` and says why in its trace.
    """
    known = snapshot or load()
    defaults = {**_DEFAULTS, **document.get("semantics", {}).get("defaults", {})}
    answers = [_answer(case, defaults, known) for case in document.get("cases", ())]
    return answers + [_horizon_answer(case, known) for case in document.get("horizon_cases", ())]


def _answer(case: Mapping[str, Any], defaults: Mapping[str, Any], known: Snapshot) -> dict[str, Any]:
    try:
        promise = promise_case(case, defaults=defaults, snapshot=known)
    except (ValueError, KeyError, TypeError) as error:
        # a CalendarError, or a case that does not have the format: one bad case must not silence the others
        return _refused(case, error)
    return {
        "id": case.get("id"),
        "ship_date": promise.ship_by.isoformat(),
        "promise_date": promise.arrive_on.isoformat(),
        "provisional": promise.provisional,
        "provisional_reason": promise.provisional_reason,
        "refused": False,
        "trace": [str(step) for step in promise.trace],
    }


def _refused(case: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    return {
        "id": case.get("id"),
        "ship_date": None,
        "promise_date": None,
        "provisional": True,
        "provisional_reason": str(error),
        "refused": True,
        "trace": [f"refused: {error}"],
    }


def _horizon_answer(case: Mapping[str, Any], known: Snapshot) -> dict[str, Any]:
    """What we say of one region and date: open or closed with a warning, or a refusal."""
    try:
        day = date.fromisoformat(case["date"])
        calendar = known.calendar(calendar_key(case.get("calendar", case["region"]), snapshot=known))
        is_open, doubt = calendar.is_open(day), calendar.why_doubtful(day)
    except (ValueError, KeyError, TypeError) as error:
        return {**_refused(case, error), "open": None}
    said = "open" if is_open else f"closed: {calendar.why_closed(day)}"
    return {
        "id": case.get("id"),
        "ship_date": None,
        "promise_date": None,
        "provisional": bool(doubt),
        "provisional_reason": doubt,
        "refused": False,
        "open": is_open,
        "trace": [f"{day} {calendar.key}: {said}", *([f"provisional: {doubt}"] if doubt else [])],
    }


def promise_case(
    case: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] = _DEFAULTS,
    snapshot: Snapshot | None = None,
) -> Promise:
    """The promise of one case. Raises `CalendarError` (unknown region, beyond the window, a bad time)."""
    known = snapshot or load()
    origin, destination = case["origin"], case["destination"]
    lane = compile_lane(
        _origin(origin, case, defaults, known),
        Destination(zone=_zone(destination), delivery=_calendar(destination, known, "destination")),
        transit_business_days=int(case.get("transit_business_days", defaults["transit_business_days"])),
    )
    return lane.promise(datetime.fromisoformat(case["approved_at"]))


def _origin(origin: Mapping[str, Any], case: Mapping[str, Any], defaults: Mapping[str, Any], known: Snapshot) -> Origin:
    handling = case.get("handling_business_days", defaults["handling_business_days"])
    early = {date.fromisoformat(day): _wall(wall) for day, wall in origin.get("cutoff_overrides", {}).items()}
    return Origin(
        depot=str(origin.get("region", "origin")),
        zone=_zone(origin),
        calendar=_calendar(origin, known, "origin"),
        cutoff=CutoffRule.of(_wall(origin.get("cutoff", defaults["cutoff"])), by_date=early),
        dispatch=_wall(origin.get("dispatch", defaults["dispatch"])),
        handling_business_days=int(origin.get("handling_business_days", handling)),
    )


def _zone(end: Mapping[str, Any]) -> str:
    return str(end["tz"]) if end.get("tz") else resolve_region(*_country_and_rest(str(end["region"]))).zone


def _country_and_rest(region: str) -> tuple[str, str | None]:
    country, _, rest = region.partition("-")
    return country, rest or None


def _calendar(end: Mapping[str, Any], known: Snapshot, party: str) -> OperatingCalendar:
    key = calendar_key(str(end.get("calendar") or end["region"]), snapshot=known)
    return known.calendar(key).with_overrides(_overrides(end.get("overrides", ())), layer=party)


def _overrides(entries: Sequence[Mapping[str, Any]]) -> list[Override]:
    return [
        Override(
            first=date.fromisoformat(entry["from"]),
            last=date.fromisoformat(entry.get("to", entry["from"])),
            open=bool(entry["open"]),
            reason=str(entry.get("reason", "override")),
        )
        for entry in entries
    ]


def _wall(text: str) -> time:
    return time.fromisoformat(text)
