"""Shipment numbers pass the carriers' own check."""

from __future__ import annotations

import pytest

from carriers.sandbox.shipment_numbers import ups_check_digit, ups_number


@pytest.mark.parametrize(
    "number",
    # UPS's own sample numbers: Track API guide, and the void samples of UPS-API/api-documentation #108.
    ["1Z999AA10123456784", "1Z12345E6605272234", "1Z2220060291994175", "1Z2220060294314162"],
)
def test_check_digit_of_published_numbers(number: str) -> None:
    """Numbers published by UPS carry the digit we compute."""
    assert ups_check_digit(number[2:-1]) == int(number[-1])


def test_number_has_its_parts() -> None:
    """Account, service and serial stand where UPS has them."""
    assert ups_number("999AA1", "01", 2345678) == "1Z999AA10123456784"


def test_wrong_digit_is_found() -> None:
    """Negative control: any single changed digit of the serial changes the check digit."""
    body = "999AA1012345678"
    for place in range(8, 15):
        changed = body[:place] + str((int(body[place]) + 1) % 10) + body[place + 1 :]
        assert ups_check_digit(changed) != ups_check_digit(body)
