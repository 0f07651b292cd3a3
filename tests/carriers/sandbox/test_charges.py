"""Prices of the sandbox are plausible and exact."""

from __future__ import annotations

from decimal import Decimal

import pytest

from carriers.sandbox.charges import charge


@pytest.mark.parametrize(
    ("service", "origin", "destination", "weight_kg", "expected"),
    [
        ("65", "NL", "DE", "2", ("41.40", "EUR")),  # (21.30 + 1.70) * 1.8
        ("01", "US", "US", "2", ("32.51", "USD")),  # (28.40 + 1.70) * 1.08 = 32.508
        ("07", "DK", "US", "1", ("614.70", "DKK")),  # (24.90 + 0.85) * 3.2 * 7.46 = 614.704
        ("11", "GB", "GB", "0", ("10.15", "GBP")),  # 11.80 * 0.86 = 10.148
    ],
)
def test_charge_is_exact(
    service: str, origin: str, destination: str, weight_kg: str, expected: tuple[str, str]
) -> None:
    """Rounded to the cent, in the origin's currency."""
    amount, currency = charge(service, origin, destination, Decimal(weight_kg))

    assert (str(amount), currency) == expected
