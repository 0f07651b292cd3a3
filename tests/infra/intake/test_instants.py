"""Instants are read as written, in both nights of the year, and refused rather than guessed."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.intake.faults import Fault
from infra.intake.instants import Moment, read_moment, read_zone, zone_names, zone_offset

BERLIN = "Europe/Berlin"
AT = datetime(2026, 11, 20, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "written_in"),
    [
        ("2026-11-20T14:05:00+01:00", None, "+01:00"),
        ("2026-11-20T13:05:00Z", None, "+00:00"),
        ("2026-11-20T14:05+0100", None, "+01:00"),
        ("2026-11-20 14:05:00.123456 +01:00", None, "+01:00"),
        ("2026-11-20T14:05:00+01:00[Europe/Berlin]", None, BERLIN),
        ("2026-11-20 14:05 Europe/Berlin", None, BERLIN),
        ("2026-11-20 14:05", BERLIN, BERLIN),
        ("2026/11/20 14:05", BERLIN, BERLIN),
        ("20.11.2026 14:05", BERLIN, BERLIN),
        ("20.11.2026, 14.05", BERLIN, BERLIN),
        ("20.11.2026 14:05", "UTC+1", "+01:00"),
        ("2026-11-20T18:35:00+05:30", None, "+05:30"),
    ],
)
def test_forms_of_one_instant(text: str, zone: str | None, written_in: str) -> None:
    """Every accepted way of writing gives the same instant, and the zone as written."""
    assert read_moment(text, read_zone(zone) if zone else None) == Moment(at=AT, zone=written_in)


@pytest.mark.parametrize(
    "text", ["11/20/2026 14:05", "20/11/2026 14:05", "20-11-2026 14:05", "20.11.26 14:05", "1/2/26"]
)
def test_ambiguous_orders_are_refused(text: str) -> None:
    """Slashes, dashes day-first and two-digit years are refused even where the day would settle it."""
    with pytest.raises(Fault) as caught:
        read_moment(text, read_zone(BERLIN))

    assert caught.value.code == "ambiguous_date"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-03-29 02:30", "local_time_skipped"),
        ("2026-10-25 02:30", "local_time_twice"),
        ("2026-10-25T02:30:00+02:00", None),
        ("2026-10-25T02:30:00+01:00", None),
        ("2026-03-29 01:59", None),
        ("2026-03-29 03:00", None),
        ("2026-10-25 03:00", None),
    ],
)
def test_clock_changes(text: str, code: str | None) -> None:
    """The skipped and the doubled hour are refused as wall-clock times, and only they."""
    expected = pytest.raises(Fault, match=code) if code else nullcontext()

    with expected:
        read_moment(text, read_zone(BERLIN))


@pytest.mark.parametrize("text", ["CET", "EST", "IST", "+15:00", "+01:07", "Mars/Base", "", "Etc/GMT+1"])
def test_unknown_zones_are_refused(text: str) -> None:
    """Abbreviations that mean several zones, and impossible offsets."""
    with pytest.raises(Fault, match="unknown_zone"):
        read_zone(text)


@pytest.mark.parametrize("year", ["0001", "1999", "2101", "9999"])
def test_years_far_away_are_refused(year: str) -> None:
    """A year outside this century is a typing error and must not overflow."""
    for text in (f"{year}-11-20T14:05:00+01:00", f"{year}-11-20 14:05"):
        with pytest.raises(Fault, match="instant_unreadable"):
            read_moment(text, read_zone(BERLIN))


@given(
    at=st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30)),  # noqa: DTZ001 - hypothesis adds the zone
    zone=st.sampled_from(sorted(zone_names().values())),
)
def test_written_with_offset_it_comes_back(at: datetime, zone: str) -> None:
    """Any instant written in any zone with its offset is read back, whole seconds of it."""
    instant = at.replace(microsecond=0, tzinfo=UTC)
    rules = read_zone(zone)
    offset = zone_offset(instant, rules)
    if not offset.endswith(("00", "15", "30", "45")) or len(instant.astimezone(rules.rules).isoformat()) > 25:
        return  # a few historical offsets have odd minutes or seconds, which no partner writes
    assert read_moment(instant.astimezone(rules.rules).isoformat(), None) == Moment(at=instant, zone=offset)
