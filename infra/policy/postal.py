"""Postal codes as lane tables compare them: one spelling per code, so that a prefix matches what it means.

Called by `infra.policy.model` for its index of lanes and by `infra.policy.questions` for the look-up.
"""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\s\-.]+")
_BRITISH = re.compile(r"^([A-Z]{1,2})(?:(\d[A-Z\d]??)(\d[A-Z]{2})?)?$")


def postal_key(country: str, code: str) -> str:
    """`code`, or a prefix of one, in the spelling lanes are compared by: upper case, no blanks, hyphens or `SE-`.

    British codes are cut into area, district and rest, because letters run together: the prefix `KA2` is
    Kilmarnock and must not match `KA27 8DB` on Arran, and `L` must not match `LL57`. Never raises: what is no
    British code is compared letter by letter.
    """
    upper = code.strip().upper()
    if upper.startswith(f"{country}-"):
        upper = upper[len(country) + 1 :]
    packed = _SEPARATORS.sub("", upper)
    return _british_key(packed) if country == "GB" else packed


def _british_key(packed: str) -> str:
    parts = _BRITISH.match(packed)
    if parts is None:
        return packed
    return "".join(f"{part} " for part in parts.groups() if part is not None)
