"""What postal codes look like, country by country, and how they are written.

A light check: the shape only, so that a lost leading zero or a swapped column is seen before a label is printed.
Shapes from the Universal Postal Union's addressing sheets (read November 2026). Called by `places`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from infra.intake.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`pattern` matches the code in capitals without spaces, dots and dashes; `written` puts them back."""

    pattern: re.Pattern[str]
    written: str
    example: str
    digits: int = 0
    """How many digits an all-digit code has (0 for others): what a number cell is padded to."""


def _digits(count: int, example: str, *, split: tuple[int, str] | None = None) -> Shape:
    if split is None:
        return Shape(pattern=re.compile(rf"(\d{{{count}}})"), written=r"\1", example=example, digits=count)
    head, mark = split
    pattern = re.compile(rf"(\d{{{head}}})(\d{{{count - head}}})")
    return Shape(pattern=pattern, written=rf"\1{mark}\2", example=example, digits=count)


def _letters(pattern: str, written: str, example: str) -> Shape:
    return Shape(pattern=re.compile(pattern), written=written, example=example)


_GB = r"(GIR|[A-Z]{1,2}\d[A-Z\d]?)(\d[ABD-HJLNP-UW-Z]{2}|0AA)"
SHAPES: dict[str, Shape] = {
    "AR": _letters(r"([A-Z]?\d{4}(?:[A-Z]{3})?)", r"\1", "C1425CLA"),
    "AT": _digits(4, "1010"),
    "AU": _digits(4, "2000"),
    "BE": _digits(4, "1000"),
    "BG": _digits(4, "1000"),
    "BR": _digits(8, "01310-100", split=(5, "-")),
    "CA": _letters(r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])(\d[ABCEGHJ-NPRSTV-Z]\d)", r"\1 \2", "K1A 0B1"),
    "CH": _digits(4, "8001"),
    "CN": _digits(6, "100000"),
    "CY": _digits(4, "1010"),
    "CZ": _digits(5, "110 00", split=(3, " ")),
    "DE": _digits(5, "10115"),
    "DK": _digits(4, "2100"),
    "EE": _digits(5, "10111"),
    "ES": _digits(5, "28013"),
    "FI": _digits(5, "00100"),
    "FR": _digits(5, "75001"),
    "GB": _letters(_GB, r"\1 \2", "SW1A 1AA"),
    "GR": _digits(5, "104 31", split=(3, " ")),
    "HR": _digits(5, "10000"),
    "HU": _digits(4, "1051"),
    "IE": _letters(r"([AC-FHKNPRTV-Y]\d{2}|D6W)([\dAC-FHKNPRTV-Y]{4})", r"\1 \2", "D02 X285"),
    "IL": _digits(7, "9438604"),
    "IN": _digits(6, "110001"),
    "IS": _digits(3, "101"),
    "IT": _digits(5, "00184"),
    "JP": _digits(7, "100-0005", split=(3, "-")),
    "KR": _digits(5, "04524"),
    "LI": _digits(4, "9490"),
    "LT": _letters(r"(?:LT)?(\d{5})", r"LT-\1", "LT-01103"),
    "LU": _digits(4, "1855"),
    "LV": _letters(r"(?:LV)?(\d{4})", r"LV-\1", "LV-1010"),
    "MT": _letters(r"([A-Z]{3})(\d{4})", r"\1 \2", "VLT 1117"),
    "MX": _digits(5, "06600"),
    "MY": _digits(5, "50088"),
    "NL": _letters(r"([1-9]\d{3})((?!SA|SD|SS)[A-Z]{2})", r"\1 \2", "1012 JS"),
    "NO": _digits(4, "0150"),
    "NZ": _digits(4, "6011"),
    "PL": _digits(5, "00-001", split=(2, "-")),
    "PR": _digits(5, "00901"),
    "PT": _digits(7, "1100-148", split=(4, "-")),
    "RO": _digits(6, "010011"),
    "SE": _digits(5, "111 22", split=(3, " ")),
    "SG": _digits(6, "018956"),
    "SI": _digits(4, "1000"),
    "SK": _digits(5, "811 01", split=(3, " ")),
    "TH": _digits(5, "10200"),
    "TR": _digits(5, "34110"),
    "US": Shape(pattern=re.compile(r"(\d{5})(\d{4})?"), written=r"\1-\2", example="41042", digits=5),
    "ZA": _digits(4, "8001"),
}

WITHOUT_CODES = frozenset({"AE", "AO", "BO", "BS", "BZ", "FJ", "GH", "HK", "JM", "MO", "QA", "UG", "ZW"})
"""Places whose addresses have none: the column may be empty."""

_ELSEWHERE = re.compile(r"[A-Z0-9][A-Z0-9 \-]{1,11}")
_MARKS = re.compile(r"[\s\-–.]+")
# `D-10115`, `DK-2100`, `L-1855`: the old international way of writing, still in many address books
_OLD_PREFIX = re.compile(
    r"(?:A|B|CH|CZ|D|DK|E|F|FIN?|HR|H|I|L|N|NL|P|PL|S|SE|SI|SK|GR|EE|RO|MD|CY|LI|FL|BG|AT|BE|DE|ES|FR|IT|LU|NO|PT|HU)-"
)


@lru_cache(maxsize=50_000)
def written_code(text: str, country: str) -> str:
    """`text` as the country writes it: `1012js` in NL is `1012 JS`. Raises `Fault` for another shape."""
    upper = text.upper()
    shape = SHAPES.get(country)
    if shape is None:
        return _elsewhere(upper)
    compact = _MARKS.sub("", upper)
    found = shape.pattern.fullmatch(compact) or shape.pattern.fullmatch(_MARKS.sub("", _OLD_PREFIX.sub("", upper, 1)))
    if found is None:
        raise Fault("postal_code_format", country=country, example=shape.example)
    return found.expand(shape.written).rstrip("-")


def _elsewhere(upper: str) -> str:
    if upper and not _ELSEWHERE.fullmatch(upper):
        raise Fault("postal_code_format", country="this country", example="2 to 12 letters, digits and dashes")
    return upper


def padded(number: int, country: str) -> str:
    """The digits of a number cell with the zeros Excel dropped: 1067 in DE is `01067`."""
    shape = SHAPES.get(country)
    return str(number).zfill(shape.digits) if shape else str(number)
