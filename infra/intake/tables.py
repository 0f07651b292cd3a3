"""What every file format becomes: numbered rows of cells under our column names.

`csv_table`, `xlsx_table` and `jsonl_table` make a `Table`; `reading` consumes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NamedTuple

from infra.intake.columns import MANDATORY, SPELLINGS, folded, named
from infra.intake.faults import DamagedFile, Fault
from infra.intake.text import Cell, shown

Kind = Literal["csv", "xlsx", "jsonl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost us. Both sizes in bytes."""

    file_bytes: int = 50 * 1024 * 1024
    unpacked_bytes: int = 400 * 1024 * 1024
    rows: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Worth knowing, but nothing is refused for it. `row` 0 is the whole file."""

    row: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.text}" if self.row else self.text


class Row(NamedTuple):
    """One row as it stands; `cells` is the fault instead where the row itself cannot be read."""

    number: int
    cells: Mapping[str, Cell] | Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows in the order of the file, read as they are asked for: iterating may raise `DamagedFile`."""

    kind: Kind
    rows: Iterable[Row]
    remarks: tuple[Remark, ...] = ()


class Header(NamedTuple):
    """Which cell of a row belongs to which column: parallel, unknown columns left out."""

    positions: tuple[int, ...]
    names: tuple[str, ...]
    width: int
    """Cells up to the last name."""
    length: int
    """Cells of the header row, empty ones at its end included."""
    remarks: tuple[Remark, ...]

    def cells(self, row: Sequence[Cell]) -> dict[str, Cell]:
        """The row by column names; cells missing at its end are left out."""
        if len(row) >= self.width:
            return {name: row[position] for position, name in zip(self.positions, self.names, strict=True)}
        return {
            name: row[position]
            for position, name in zip(self.positions, self.names, strict=True)
            if position < len(row)
        }


def read_header(row: Sequence[Cell], at: int) -> Header:
    """The header in row `at`. Raises `DamagedFile` for a missing or doubled column: once, not once per row."""
    written = [str(cell).strip() for cell in row]
    while written and not written[-1]:
        written.pop()
    found = [(position, name) for position, text in enumerate(written) if (name := named(text))]
    _refuse_doubles(found, written, at)
    names = tuple(name for _, name in found)
    missing = [name for name in MANDATORY if name not in names]
    unknown = [text for text in written if text and named(text) is None]
    if missing:
        raise DamagedFile("missing_columns", at=at, columns=", ".join(missing), hint=_header_hint(unknown, missing))
    return Header(
        positions=tuple(position for position, _ in found),
        names=names,
        width=len(written),
        length=len(row),
        remarks=_unknown_columns(unknown, at),
    )


def _refuse_doubles(found: list[tuple[int, str]], written: list[str], at: int) -> None:
    first: dict[str, int] = {}
    for position, name in found:
        if name in first:
            both = ", ".join(shown(written[place]) for place in (first[name], position))
            raise DamagedFile("column_twice", at=at, column=name, headers=both)
        first[name] = position


def _header_hint(unknown: list[str], missing: list[str]) -> str:
    near: list[str] = []
    for text in unknown[:50]:
        match = get_close_matches(folded(text[:80]), SPELLINGS, n=1, cutoff=0.75)
        if match and SPELLINGS[match[0]] in missing:
            near.append(f"{shown(text)} (meant as {SPELLINGS[match[0]]}?)")
    return f" Not understood: {', '.join(near)}." if near else ""


def _unknown_columns(unknown: list[str], at: int) -> tuple[Remark, ...]:
    if not unknown:
        return ()
    names = ", ".join(shown(text) for text in unknown[:20])
    return (Remark(row=at, code="unknown_columns", text=f"These columns are not read: {names}."),)


def under_header(kind: Kind, rows: Iterator[tuple[int, Sequence[Cell]]], remarks: tuple[Remark, ...]) -> Table:
    """A table of numbered rows, the first of them that is not empty being the header; empty rows are skipped,
    but they keep their number. Raises `DamagedFile`.
    """
    for at, row in rows:
        if _holds_anything(row):
            header = read_header(row, at)
            return Table(
                kind=kind, rows=_body(header, rows, may_shift=kind == "csv"), remarks=(*remarks, *header.remarks)
            )
    raise DamagedFile("empty_file")


def _body(header: Header, rows: Iterator[tuple[int, Sequence[Cell]]], *, may_shift: bool) -> Iterator[Row]:
    for number, row in rows:
        if not _holds_anything(row):
            continue
        # even an empty cell too many: in text, a stray separator has moved every cell behind it
        if may_shift and (len(row) > header.length or _holds_anything(row[header.width :])):
            yield Row(number, Fault("too_many_cells", found=len(row), expected=header.width))
        else:
            yield Row(number, header.cells(row))


def _holds_anything(row: Sequence[Cell]) -> bool:
    return any(cell not in ("", None) and not (isinstance(cell, str) and cell.isspace()) for cell in row)
