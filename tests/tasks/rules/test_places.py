"""Where a zone's principal town lies, as zone.tab writes it."""

from __future__ import annotations

import pytest

from tasks.rules.places import degrees, principal_town


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("+5230+01322", (52.5, 13.37), id="berlin"),  # 30/60 = 0.5; 22/60 = 0.3667
        pytest.param("+404251-0740023", (40.71, -74.01), id="new-york-with-seconds"),  # 42/60 + 51/3600 = 0.7142
        pytest.param("-3352+15113", (-33.87, 151.22), id="sydney-south"),  # 52/60 = 0.8667; 13/60 = 0.2167
        pytest.param("-0002-07850", (-0.03, -78.83), id="south-of-the-equator-by-minutes"),
        pytest.param("+0000+00000", (0.0, 0.0), id="null-island"),
    ],
)
def test_degrees_of_iso_6709(text: str, expected: tuple[float, float]) -> None:
    """Degrees, minutes and seconds become decimal degrees; the sign holds for all of them."""
    assert degrees(text) == expected


@pytest.mark.parametrize("text", ["", "5230+01322", "+52.5+13.37", "+5230+1322", "+5230+01322 ", "+5230"])
def test_anything_else_is_refused(text: str) -> None:
    """A coordinate that is not ±DDMM[SS]±DDDMM[SS] is an error, never a guess."""
    with pytest.raises(ValueError, match="DDMM"):
        degrees(text)


def test_principal_towns_are_near_their_cities() -> None:
    """København 55.68 N 12.57 E; Kentucky's Louisville 38.25 N 85.76 W: within a tenth of a degree."""
    assert principal_town("Europe/Copenhagen") == pytest.approx((55.68, 12.57), abs=0.1)
    assert principal_town("America/Kentucky/Louisville") == pytest.approx((38.25, -85.76), abs=0.1)


def test_a_zone_without_a_place_is_refused() -> None:
    """UTC is nowhere."""
    with pytest.raises(KeyError):
        principal_town("UTC")
