"""Shipment numbers with their check digits. Pure; used by the dialects."""

from __future__ import annotations

_LETTER_OFFSET = ord("A") - 2
_SERIAL_SPACE = 10_000_000


def ups_number(account: str, service: str, large: int) -> str:
    """`1Z` + account (6) + service (2) + serial (7) + check digit.

    >>> ups_number("999AA1", "01", 2345678)
    '1Z999AA10123456784'
    """
    body = f"{account}{service}{large % _SERIAL_SPACE:07d}"
    return f"1Z{body}{ups_check_digit(body)}"


def ups_check_digit(body: str) -> int:
    """Of the fifteen characters after `1Z`: letters count A=2, B=3 … modulo 10; every second place counts twice."""
    values = [int(c) if c.isdigit() else (ord(c) - _LETTER_OFFSET) % 10 for c in body]
    return -(sum(values[::2]) + 2 * sum(values[1::2])) % 10
