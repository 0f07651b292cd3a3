"""Zones come from the pinned package, and the vectorised conversions agree with plain datetimes."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
import tzdata
from hypothesis import given
from hypothesis import strategies as st

from calendars.snapshot import load
from calendars.zones import TZDATA_VERSION, UnknownZone, offsets, zone, zone_of

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Vancouver",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "America/Nuuk",
    "Asia/Jerusalem",
    "Pacific/Chatham",
    "America/Havana",
    "Asia/Kolkata",
]
FIRST, LAST = date(2024, 1, 1).toordinal(), date(2033, 12, 31).toordinal()


@given(st.sampled_from(ZONES), st.integers(FIRST, LAST), st.integers(0, 86_399))
def test_wall_times_become_the_same_instants(name, day, second):
    """Local time to instant: gaps forward, first occurrence in folds, exactly as datetime with fold 0."""
    wall = datetime.combine(date.fromordinal(day), time()) + timedelta(seconds=second)
    expected = int(wall.replace(tzinfo=zone(name)).timestamp())

    found = offsets(name, FIRST, LAST).instants(np.array([day]), np.array([second]))
    assert found.tolist() == [expected]


@given(st.sampled_from(ZONES), st.integers(1_704_067_200, 2_019_600_000))
def test_instants_fall_on_the_same_local_days(name, instant):
    """Instant to local date, exactly as datetime does it."""
    expected = datetime.fromtimestamp(instant, UTC).astimezone(zone(name)).date()

    assert offsets(name, FIRST, LAST).local_days(np.array([instant])).tolist() == [expected.toordinal()]


@pytest.mark.parametrize("name", ZONES)
def test_every_change_of_the_clocks_is_exact(name):
    """Every second around each change of a zone's clocks converts as datetime does."""
    for start in offsets(name, FIRST, LAST).starts.tolist():
        for instant in (start - 1, start, start + 1):
            local = datetime.fromtimestamp(instant, UTC).astimezone(zone(name))
            assert offsets(name, FIRST, LAST).local_days(np.array([instant])).tolist() == [local.date().toordinal()]
        for wall_second in range(-7_200, 7_201, 600):
            wall = datetime.fromtimestamp(start + wall_second, UTC).astimezone(zone(name)).replace(fold=0)
            day, second = np.array([wall.toordinal()]), np.array([wall.hour * 3600 + wall.minute * 60 + wall.second])
            assert offsets(name, FIRST, LAST).instants(day, second).tolist() == [int(wall.timestamp())]


def test_host_files_are_not_consulted():
    """The search path is empty, so zones come from the package whose version is recorded."""
    assert zoneinfo.TZPATH == ()
    assert tzdata.IANA_VERSION == TZDATA_VERSION


def test_vancouver_no_longer_changes():
    """The pinned data know that Vancouver keeps -7 from 2026 on; the host's may not."""
    assert datetime(2026, 12, 8, tzinfo=zone("America/Vancouver")).utcoffset() == timedelta(hours=-7)
    assert datetime(2024, 12, 8, tzinfo=zone("America/Vancouver")).utcoffset() == timedelta(hours=-8)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd", "/etc/passwd"])
def test_unknown_zone_is_refused(name):
    """An unknown name, or a path, is no zone."""
    with pytest.raises(UnknownZone):
        zone(name)


@pytest.mark.parametrize(
    ("country", "codes", "expected"),
    [
        ("NL", (), "Europe/Amsterdam"),
        ("US", (), "America/New_York"),
        ("US", ("US-HI",), "Pacific/Honolulu"),
        ("ES", ("ES-TF", "ES-CN"), "Atlantic/Canary"),
        ("PT", ("PT-30",), "Atlantic/Madeira"),
        ("AU", ("AU-WA",), "Australia/Perth"),
        ("XK", (), "Europe/Belgrade"),
    ],
)
def test_address_has_a_zone(country, codes, expected):
    """Country and subdivision give the zone; the nearest known code wins."""
    assert zone_of(country, codes) == expected


def test_every_country_with_a_calendar_has_a_zone():
    """No country can be promised to without knowing its time."""
    countries = {key for key in load().keys if len(key) == 2}

    assert len(countries) >= 250
    assert all(zone(zone_of(country)) for country in countries)


def test_unknown_country_has_no_zone():
    """A country code nobody has is refused, not put on UTC."""
    with pytest.raises(UnknownZone):
        zone_of("QQ")
