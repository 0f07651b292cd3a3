"""Customs unions, as carriers' tariffs count them: inside one, nobody is billed for duties.

Read by adapters and by the sandbox. Source: the member states of the European Union since 2020-02-01.
"""

from __future__ import annotations

EU = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)


def inside_one_union(origin: str, destination: str) -> bool:
    """Both ISO countries are the same, or both are in the European Union."""
    return origin == destination or {origin, destination} <= EU
