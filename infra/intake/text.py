"""Cells made into clean text: trimmed, NFC, no invisible characters, nothing a spreadsheet would run.

Called by `checks` for every cell; typed cells of a workbook or of JSON become the text a person sees there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from infra.intake.columns import COLUMNS, Column
from infra.intake.faults import Fault

Cell = Any
"""str, int, float, bool, a datetime kind, or (JSON only) a list or an object."""

SHOWN_LENGTH = 80
LARGEST_EXACT = 10**15
"""Excel keeps 15 digits of a number; the rest becomes zeros."""

_SPACES = re.compile(r"\s+")
_DASHES = frozenset({"-", "--", "–", "—"})  # how people write "nothing here"
_QUOTED_FORMULA = re.compile(r'="([^"]*)"')
_GUARDED = re.compile(r"'[=+\-@\t\r0-9]")
_SCIENTIFIC = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_UNWANTED = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_FORMULA_SIGNS = frozenset("=+-@")
_NEED_A_LOOK = _FORMULA_SIGNS | {"'", " "}
_LONGEST = {column.name: column.max_length for column in COLUMNS}
_TURNED_BY_EXCEL = (datetime, date, time, timedelta)


def shown(cell: Cell) -> str:
    """A cell as evidence: as it stood, cut to 80 characters, and encodable whatever it held."""
    text = "" if cell is None else _number_text(cell) if isinstance(cell, float) else str(cell)
    return text[:SHOWN_LENGTH].encode("utf-8", "backslashreplace").decode("utf-8")


def is_empty(cell: Cell) -> bool:
    if isinstance(cell, str):
        return not cell or cell.isspace()
    return cell is None or cell in ([], {})


def as_text(cell: Cell, column: Column) -> str:
    """The clean text of a cell; empty for an empty one.

    Whole floats lose their `.0`, `="01067"` and `'01067` (both habits of Excel users) lose the guard.
    Raises `Fault` for what cannot be a text of this column.
    """
    if not isinstance(cell, str):
        return "" if cell is None else _checked(_typed_text(cell, column), column)
    text = cell.strip()
    is_plain = text.isascii() and text.isprintable()
    return _checked(_unguarded(text if is_plain else _tidied(text, column)), column)


def plain_cells(cells: Mapping[str, Cell]) -> dict[str, str]:
    """The cells that are clean as they stand: what nearly all are, found in one pass because rows are many."""
    return {
        name: cell
        for name, cell in cells.items()
        if isinstance(cell, str)
        and cell.isascii()
        and cell.isprintable()
        and cell[:1] not in _NEED_A_LOOK
        and cell[-1:] != " "
        and len(cell) <= _LONGEST[name]
    }


def _typed_text(cell: Cell, column: Column) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, _TURNED_BY_EXCEL):
        raise Fault("excel_date", column=column.name)
    if isinstance(cell, float):
        if abs(cell) >= LARGEST_EXACT:
            raise Fault("excel_rounded", column=column.name)
        return _number_text(cell)
    if isinstance(cell, int):
        return _int_text(cell, column)
    raise Fault("not_plain_text", column=column.name)


def _int_text(cell: int, column: Column) -> str:
    if cell.bit_length() > 256:  # str() of a huge int is slow, and refused outright above 4300 digits
        raise Fault("too_long", column=column.name, length="too many", limit=column.max_length)
    return str(cell)


def _number_text(cell: float) -> str:
    return str(int(cell)) if cell.is_integer() and abs(cell) < LARGEST_EXACT else repr(cell)


def _unguarded(text: str) -> str:
    if text in _DASHES:
        return ""
    if text.startswith("'") and _GUARDED.match(text):
        return text[1:].strip()
    if text.startswith('="') and (quoted := _QUOTED_FORMULA.fullmatch(text)):
        return quoted[1].strip()
    return text


def _tidied(text: str, column: Column) -> str:
    """NFC, odd spaces made plain; a line break survives only where the column has lines."""
    if column.several_lines:
        return "\n".join(line for line in (_tidied_line(line, column) for line in text.splitlines()) if line)
    return _tidied_line(_SPACES.sub(" ", text) if "\n" in text or "\r" in text else text, column)


def _tidied_line(text: str, column: Column) -> str:
    text = unicodedata.normalize("NFC", text.replace("\t", " "))
    if text.isprintable():
        return text.strip()
    kept: list[str] = []
    for letter in text:
        kind = unicodedata.category(letter)
        if kind in _UNWANTED or letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
            raise Fault("control_character", column=column.name, which=f"U+{ord(letter):04X}")
        if kind != "Cf":  # soft hyphens, zero-width spaces and stray byte order marks: dropped, nobody typed them
            kept.append(" " if kind == "Zs" else letter)
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def _checked(text: str, column: Column) -> str:
    if len(text) > column.max_length:
        raise Fault("too_long", column=column.name, length=len(text), limit=column.max_length)
    if text[:1] in _FORMULA_SIGNS and not (column.signs_allowed and text[0] in "+-"):
        raise Fault("formula_prefix", column=column.name, sign=text[0])
    return text


def refuse_rounded(text: str, column: str) -> str:
    """`text`, unless it is a long number that Excel has written as 1.23457E+12."""
    if _SCIENTIFIC.fullmatch(text):
        raise Fault("excel_rounded", column=column)
    return text
