"""JSONL: one request per line, nested as `schema.ApprovedRequest` or flat under the column names.

The row number is the line number. Called by `reading`, and for single objects by `reading.check_object`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.intake.columns import BY_PATH, named
from infra.intake.encoding import decoded
from infra.intake.faults import DamagedFile, Fault
from infra.intake.tables import Remark, Row, Table
from infra.intake.text import Cell, shown

GROUPS = frozenset({"diagnosis", "ship_to", "contact"})


def read_jsonl(content: bytes) -> Table:
    """The table in a JSONL file. Raises `DamagedFile` when no line of it is an object."""
    lines = [(number, line) for number, line in enumerate(_lines(decoded(content).text), start=1) if line.strip()]
    if not lines:
        raise DamagedFile("empty_file")
    rows = [Row(number, _cells(line)) for number, line in lines]
    if all(isinstance(row.cells, Fault) and row.cells.code == "not_json" for row in rows):
        raise DamagedFile("not_jsonl")
    return Table(kind="jsonl", rows=_known_only(rows), remarks=_unknown_fields(rows))


def _lines(text: str) -> Iterator[str]:
    # not splitlines(): JSON strings may hold U+2028 and other breaks that end no line here
    return iter(text.split("\n"))


def _cells(line: str) -> Mapping[str, Cell] | Fault:
    try:
        parsed = json.loads(line, object_pairs_hook=_unique, parse_constant=_refused_constant)
    except Fault as fault:
        return fault
    except (ValueError, RecursionError):  # bad JSON, numbers of thousands of digits, nesting without end
        return Fault("not_json")
    return flattened(parsed) if isinstance(parsed, dict) else Fault("not_json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise Fault("key_twice", column=shown(next(name for name in names if names.count(name) > 1)))
    return found


def _refused_constant(name: str) -> Any:
    raise ValueError(name)


def flattened(parsed: Mapping[str, Any]) -> Mapping[str, Cell] | Fault:
    """An object's values under our column names; names we do not know keep theirs, with a `?` before.

    A field given twice by two of its names is a fault.
    """
    cells: dict[str, Cell] = {}
    for name, value, path in _leaves(parsed):
        if name in cells:
            return Fault("key_twice", column=shown(path))
        cells[name] = value
    return cells


def _leaves(parsed: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for key, value in parsed.items():
        if key in GROUPS and isinstance(value, dict):
            for inner, leaf in value.items():
                yield _column(f"{key}.{inner}"), leaf, f"{key}.{inner}"
        else:
            yield _column(key), value, key


def _column(path: str) -> str:
    if path in BY_PATH:
        return BY_PATH[path].name
    return (None if "." in path else named(path)) or f"?{path}"


def _known_only(rows: list[Row]) -> Iterator[Row]:
    for number, cells in rows:
        if isinstance(cells, Fault):
            yield Row(number, cells)
        else:
            yield Row(number, {name: value for name, value in cells.items() if not name.startswith("?")})


def _unknown_fields(rows: list[Row]) -> tuple[Remark, ...]:
    unknown = {name[1:] for row in rows if not isinstance(row.cells, Fault) for name in row.cells if name[0] == "?"}
    if not unknown:
        return ()
    names = ", ".join(shown(name) for name in sorted(unknown)[:20])
    return (Remark(row=0, code="unknown_columns", text=f"These fields are not read: {names}."),)
