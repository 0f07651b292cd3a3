"""A year of promises per region, pinned as a file that people can read and review.

`promise_table.txt` holds, per region and year, what somebody gets who approves at 10:00 on the eve of each closed day.
When a policy or a library changes it on purpose, `python -m tests.calendars.test_promise_table` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from calendars.cutoffs import CutoffRule
from calendars.promises import Destination, Origin, compile_lane
from calendars.regions import resolve_region
from calendars.snapshot import load
from calendars.zones import zone

TABLE = Path(__file__).with_name("promise_table.txt")
PLACES = [
    "NL",
    "DE-NW",
    "DE-BY",
    "FR",
    "FR-67",
    "GB-ENG",
    "GB-SCT",
    "DK",
    "SE",
    "ES-MD",
    "ES-CT",
    "IT",
    "IT-BZ",
    "PT-30",
    "CH-ZH",
    "CH-SO",
    "AT",
    "PL",
    "HU",
    "US-NY",
    "US-CA",
    "CA-ON",
    "BR-SP",
    "AU-NSW",
    "NZ-AUK",
    "JP",
    "CN",
    "HK",
    "TW",
    "SG",
    "IN",
    "SA",
    "AE",
    "IL",
    "EG",
    "TR",
    "ZA",
]
YEARS = (2026, 2027)


def lines() -> Iterator[str]:
    for place in PLACES:
        country, _, rest = place.partition("-")
        match = resolve_region(country, rest or None)
        calendar = load().calendar(match.calendar)
        depot = Origin(depot=place, zone=match.zone, calendar=calendar, cutoff=CutoffRule(default=time(14)))
        lane = compile_lane(depot, Destination(zone=match.zone, delivery=calendar))
        for year in YEARS:
            yield f"{place} {year} ({match.calendar}, {match.zone})"
            for closure in calendar.closures(date(year, 1, 1), date(year, 12, 31)):
                eve = closure.on - timedelta(days=1)
                promise = lane.promise(datetime.combine(eve, time(10), tzinfo=zone(match.zone)))
                mark = " provisional" if promise.provisional else ""
                dates = (
                    f"{eve:%a %m-%d} -> ships {promise.ship_by:%a %m-%d}, arrives {promise.arrive_on:%a %m-%d}{mark}"
                )
                yield f"  {dates}   ({closure.on:%a %m-%d} {closure.reason.partition(' [')[0]})"


def test_promises_are_the_reviewed_ones():
    """Every promise of the table is the one that was reviewed."""
    assert "\n".join(lines()) + "\n" == TABLE.read_text(encoding="utf-8")


if __name__ == "__main__":
    TABLE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
