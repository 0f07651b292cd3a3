"""Postal code -> ISO 3166-2 subdivision, from a reviewed text table of ranges. Called by `regions.resolve_region`.

`postal.txt` beside this file holds the ranges, how sure each is and where it comes from. Codes are compared by their
beginning after removing what people add: blanks, hyphens, a leading country code. The most specific line decides;
lines equally specific are alternatives, and the caller takes the latest promise of all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("postal.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalCandidate:
    """A subdivision a code may lie in; `confidence` is between 0 and 1, the table's estimate."""

    subdivision: str
    """ISO 3166-2, the library's name where ISO has none (`NZ/South Canterbury`), or the country where none differs."""
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalRange:
    """Codes that begin with `first` to `last`, both inclusive."""

    country: str
    first: str
    last: str
    subdivision: str
    confidence: float

    def holds(self, code: str) -> bool:
        return len(code) >= len(self.first) and self.first <= code[: len(self.first)] <= self.last


class PostalTableRefused(ValueError):
    """postal.txt is not what this module reads: the message names the line."""


def parse(text: str) -> dict[str, tuple[PostalRange, ...]]:
    """Country -> its ranges. Raises `PostalTableRefused` for unequal ends, an empty range, a bad confidence."""
    table: dict[str, list[PostalRange]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        place, sure, *spans = line.split()
        for span in spans:
            first, _, last = span.partition("-")
            entry = PostalRange(
                country=place[:2],
                first=first,
                last=last or first,
                subdivision=place.replace("_", " "),
                confidence=float(sure),
            )
            if len(entry.first) != len(entry.last) or entry.first > entry.last or not 0 < entry.confidence <= 1:
                raise PostalTableRefused(f"line {number}: {place} {sure} {span}")
            table.setdefault(entry.country, []).append(entry)
    return {country: tuple(rows) for country, rows in table.items()}


@lru_cache(maxsize=1)
def ranges() -> dict[str, tuple[PostalRange, ...]]:
    """The committed table, read once."""
    return parse(TABLE.read_text(encoding="utf-8"))


def normal(country: str, postal_code: str) -> str:
    """The code as the table has it: `D-80331` -> `80331`, `1012 AB` -> `1012AB`, `SW1A 1AA` -> `SW`, `G2` -> `G_`."""
    code = re.sub(r"[\s.\-]", "", postal_code.upper())
    if country == "GB":
        # British areas are one or two letters; the blank keeps G (Glasgow) apart from GL (Gloucester)
        found = re.match(r"([A-Z]{1,2})\d", code)
        return found.group(1).ljust(2, "_") if found else ""
    return re.sub(rf"^({country}|[A-Z])(?=\d{{4}})", "", code)


@lru_cache(maxsize=8192)
def candidates(country: str, postal_code: str) -> tuple[PostalCandidate, ...]:
    """Subdivisions `postal_code` may lie in, the surest first; empty when the table does not know the code."""
    code = normal(country, postal_code)
    holding = [entry for entry in ranges().get(country, ()) if entry.holds(code)]
    if not holding:
        return ()
    most = max(len(entry.first) for entry in holding)
    best: dict[str, float] = {}
    for entry in holding:
        if len(entry.first) == most:
            best[entry.subdivision] = max(best.get(entry.subdivision, 0.0), entry.confidence)
    ordered = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return tuple(PostalCandidate(subdivision=name, confidence=confidence) for name, confidence in ordered)
