"""The reference a carrier is given: the same on every attempt, unguessable, and it leaks no counts.

Made by `tasks.shipments`; found again by it after an unknown outcome.
"""

from __future__ import annotations

import hashlib
import hmac

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
"""80 bits. Fits every carrier's field (shortest 20, GLS and DHL at least 8)."""


def client_reference(key: bytes, *, partner: str, number: str, leg: str, generation: int) -> str:
    """16 characters of Crockford base32 of an HMAC-SHA-256 over partner, request number, leg and generation.

    `generation` changes only when a person approves a genuinely new shipment.
    """
    message = "\x1f".join((partner, number, leg, str(generation))).encode()
    bits = int.from_bytes(hmac.new(key, message, hashlib.sha256).digest()[:10], "big")
    return "".join(CROCKFORD[bits >> shift & 31] for shift in range(75, -5, -5))
