"""The parts of a request, from one cell (`HS-EARPAD-01 x2; CBL-USB-2M`) or from JSON's list of objects.

Called by `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from pydantic import ValidationError

from infra.intake.faults import Fault, from_pydantic
from infra.intake.known import Known, Nearest
from infra.intake.schema import PartLine
from infra.intake.text import Cell

_SEPARATORS = re.compile(r"[;,|\n]")
_NUMBER_FIRST = re.compile(r"(\d{1,9})\s*[x×*]\s+(\S+)", re.IGNORECASE)
_PART_FIRST = re.compile(r"(\S+)(?:\s+[x×*]\s*(\S{1,9}))?", re.IGNORECASE)

MOST_LINES = 50

Written = tuple[str, Cell]
"""A part number and its quantity, both as written; the quantity is None where there is none."""


def split_cell(text: str) -> tuple[list[Written], list[Fault]]:
    """The lines of a `parts` cell, and what cannot be read of it."""
    lines: list[Written] = []
    faults: list[Fault] = []
    for piece in filter(None, map(str.strip, _SEPARATORS.split(text))):
        if found := _NUMBER_FIRST.fullmatch(piece):
            lines.append((found[2], found[1]))
        elif found := _PART_FIRST.fullmatch(piece):
            lines.append((found[1], found[2]))
        else:
            faults.append(Fault("part_line_unreadable", value=piece, line=piece[:40]))
    return lines, faults


def split_objects(cell: Iterable[Cell], text: Callable[[Cell], str]) -> tuple[list[Written], list[Fault]]:
    """The lines of a JSON list of `{"part": ..., "quantity": ...}`; `text` cleans a part number."""
    lines: list[Written] = []
    faults: list[Fault] = []
    for item in cell:
        if not isinstance(item, dict) or "part" not in item:
            faults.append(Fault("part_line_unreadable", value=str(item)[:80], line=str(item)[:40]))
            continue
        try:
            lines.append((text(item["part"]), item.get("quantity")))
        except Fault as fault:
            faults.append(fault)
    return lines, faults


def checked_lines(
    written: Sequence[Written], *, known: Known, nearest: Nearest
) -> tuple[tuple[PartLine, ...], list[Fault]]:
    """Part lines with the catalogue's spelling and whole quantities, and every fault found on the way."""
    if len(written) > MOST_LINES:
        return (), [Fault("too_many_parts", limit=MOST_LINES)]
    lines: list[PartLine] = []
    faults: list[Fault] = []
    for part, quantity in written:
        found, line_faults = _checked_line(part, quantity, known=known, nearest=nearest)
        faults.extend(line_faults)
        if found and any(line.part == found.part for line in lines):
            faults.append(Fault("part_repeated", value=part, part=found.part))
        elif found:
            lines.append(found)
    return tuple(lines), faults


def _checked_line(part: str, quantity: Cell, *, known: Known, nearest: Nearest) -> tuple[PartLine | None, list[Fault]]:
    number = known.part_by_folded_number.get(part.casefold())
    faults: list[Fault] = []
    if number is None:
        hint = nearest.hint("part", part, known.parts)
        faults.append(Fault("unknown_part", value=part, part=part[:40], hint=hint))
    line = _line(number or part, 1 if quantity is None else quantity)
    if isinstance(line, Fault):
        faults.append(line)
        return None, faults
    return (line if number else None), faults


def _line(part: str, quantity: Cell) -> PartLine | Fault:
    if isinstance(quantity, bool):  # pydantic would take true for 1
        return Fault("not_a_whole_number", value=str(quantity), column="the quantity")
    try:
        # validated, not constructed: quantities come as text, as Excel's floats, or as JSON numbers
        return PartLine.model_validate({"part": part, "quantity": quantity})
    except ValidationError as error:
        _, fault = from_pydantic(error)[0]
        shown = f"{part} x{quantity}"[:80]
        return Fault(fault.code, value=shown, **{"column": "the quantity", **fault.facts})
