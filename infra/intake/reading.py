"""A file of approved requests read: what is accepted, what is refused and why.

Called by `tasks.intake` for files and SQS or S3 bodies, and by `dispatch intake --check`. Nothing here raises for what
a sender has sent: a damaged file is one refusal, a bad row is its own refusals, and every other row is accepted.
"""

from __future__ import annotations

import gc
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.clock import aware_utc
from infra.intake.checks import Aside, Door, check_cells
from infra.intake.csv_table import read_csv
from infra.intake.digest import content_sha256
from infra.intake.faults import DamagedFile, Fault, RowRefused
from infra.intake.jsonl_table import flattened, read_jsonl
from infra.intake.known import Known, Nearest
from infra.intake.schema import ApprovedRequest, Refusal
from infra.intake.tables import Kind, Limits, Remark, Row, Table
from infra.intake.text import Cell, shown
from infra.intake.xlsx_table import OLE_MAGIC, ZIP_MAGIC, read_xlsx

WHOLE_FILE = 0
"""The row of a refusal that concerns the file."""

KIND_BY_MEDIA: dict[str, Kind] = {
    "text/csv": "csv",
    "text/plain": "csv",
    "text/tab-separated-values": "csv",
    "application/csv": "csv",
    "application/vnd.ms-excel": "csv",  # what browsers on Windows say of a .csv; a real workbook shows its magic
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/json": "jsonl",
}
KIND_BY_SUFFIX: dict[str, Kind] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A row that says again what an earlier row of the file has said: one request, not two."""

    row: int
    first_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file held. Rows are numbered as Excel shows them (JSONL: lines); `rows` counts all that hold anything,
    the header not included. `rows == len(accepted) + len(repeats) + refused rows`.
    """

    file: str
    """Name without folder."""
    sha256: str
    """Of the bytes as they came."""
    kind: Kind | None
    accepted: tuple[tuple[int, ApprovedRequest], ...]
    """In the order of the file."""
    refusals: tuple[Refusal, ...]
    """By row, every fault of a row; row 0 is the file itself."""
    repeats: tuple[Repeat, ...]
    remarks: tuple[Remark, ...]
    """Worth knowing, nothing refused: columns not read, the sheet read, codes padded."""
    rows: int


@dataclass(slots=True)
class _Sorted:
    """The rows of a file as they fall."""

    accepted: dict[int, ApprovedRequest] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    claims: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    """(partner, number) -> the rows that use it, good or bad, without case."""
    rows: int = 0


def read_requests(
    path: Path, *, known: Known, now: datetime, media: str | None = None, limits: Limits | None = None
) -> Reading:
    """Read and judge a file. `now` is aware; `media` is a MIME type that beats the suffix, the content beats both.

    Raises `OSError` where the file cannot be opened, and nothing for what is in it.
    """
    limits = limits or Limits()
    if path.stat().st_size > limits.file_bytes:
        return _damaged(path.name, _file_sha256(path), None, _too_large(limits))
    return read_content(path.read_bytes(), name=path.name, known=known, now=now, media=media, limits=limits)


def read_content(
    content: bytes, *, name: str, known: Known, now: datetime, media: str | None = None, limits: Limits | None = None
) -> Reading:
    """As `read_requests`, for bytes already in memory: an upload, an SQS body, an S3 object."""
    limits = limits or Limits()
    sha256 = hashlib.sha256(content).hexdigest()
    door = Door(known=known, now=aware_utc(now), nearest=Nearest())
    if len(content) > limits.file_bytes:
        return _damaged(name, sha256, None, _too_large(limits))
    kind: Kind | None = None
    try:
        kind = _kind(content, name, media)
        table = _table(content, kind, limits)
        with _collector_paused():
            rows = _sorted_rows(table, name, door, limits)
    except DamagedFile as fault:
        return _damaged(name, sha256, kind, fault)
    repeats = _settle_repeats(rows, name)
    return Reading(
        file=name,
        sha256=sha256,
        kind=kind,
        accepted=tuple(rows.accepted.items()),
        refusals=tuple(sorted(rows.refusals, key=lambda refusal: refusal.row)),
        repeats=repeats,
        remarks=(*table.remarks, *rows.remarks),
        rows=rows.rows,
    )


def check_object(
    fields: Mapping[str, Any], *, name: str, known: Known, now: datetime
) -> ApprovedRequest | tuple[Refusal, ...]:
    """One request as a parsed JSON object, nested or flat: for the API. The request, or all its refusals (row 1)."""
    door = Door(known=known, now=aware_utc(now), nearest=Nearest())
    rows = _Sorted()
    _sort_row(Row(1, flattened(fields)), name, door, rows)
    return rows.accepted.get(1) or tuple(rows.refusals)


def _too_large(limits: Limits) -> DamagedFile:
    return DamagedFile("file_too_large", limit=f"{limits.file_bytes // 1024 // 1024} MB")


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(name: str, sha256: str, kind: Kind | None, fault: Fault) -> Reading:
    refusal = _refusal(name, WHOLE_FILE, "", "", fault)
    return Reading(
        file=name, sha256=sha256, kind=kind, accepted=(), refusals=(refusal,), repeats=(), remarks=(), rows=0
    )


def _refusal(file: str, row: int, column: str, value: str, fault: Fault) -> Refusal:
    return Refusal(
        file=file, row=row, column=column, value=value, code=fault.code, problem=fault.problem, remedy=fault.remedy
    )


def _kind(content: bytes, name: str, media: str | None) -> Kind:
    if not content:
        raise DamagedFile("empty_file")
    if content.startswith((ZIP_MAGIC, OLE_MAGIC)):
        return "xlsx"
    if media is not None:
        essence = media.partition(";")[0].strip().lower()
        if essence in KIND_BY_MEDIA:
            return KIND_BY_MEDIA[essence]
        if essence != "application/octet-stream":
            raise DamagedFile("unknown_media", media=shown(essence))
    by_suffix = KIND_BY_SUFFIX.get(Path(name).suffix.lower())
    return by_suffix or ("jsonl" if content.lstrip()[:1] == b"{" else "csv")


def _table(content: bytes, kind: Kind, limits: Limits) -> Table:
    if kind == "xlsx":
        return read_xlsx(content, limits)
    return read_csv(content) if kind == "csv" else read_jsonl(content)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Reading makes many lasting objects and no cycles, so the cycle collector walks them over and over for nothing:
    a third of the time (measured on 20,000 rows). Readings in two threads may switch it on early; that only costs time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _sorted_rows(table: Table, name: str, door: Door, limits: Limits) -> _Sorted:
    rows = _Sorted()
    for row in table.rows:
        if rows.rows == limits.rows:
            raise DamagedFile("too_many_rows", limit=f"{limits.rows:,}")
        _sort_row(row, name, door, rows)
    return rows


def _sort_row(row: Row, name: str, door: Door, rows: _Sorted) -> None:
    rows.rows += 1
    if isinstance(row.cells, Fault):
        rows.refusals.append(_refusal(name, row.number, "", "", row.cells))
        return
    if claim := _claim(row.cells):
        rows.claims[claim].append(row.number)
    try:
        request, asides = check_cells(row.cells, door)
    except RowRefused as refused:
        rows.refusals.extend(
            _refusal(name, row.number, cause.column, cause.value, cause.fault) for cause in refused.causes
        )
        return
    rows.accepted[row.number] = request
    if asides:
        rows.remarks.extend(_remarks(row.number, asides))


def _remarks(row: int, asides: Iterable[Aside]) -> list[Remark]:
    return [Remark(row=row, code=aside.code, text=aside.text) for aside in asides]


def _claim(cells: Mapping[str, Cell]) -> tuple[str, str] | None:
    partner, number = (shown(cells.get(name)).strip().casefold() for name in ("partner", "number"))
    return (partner, number) if partner and number else None


def _settle_repeats(rows: _Sorted, name: str) -> tuple[Repeat, ...]:
    """Take repeats together, and refuse every row of a number that says two different things.

    A refused row counts as different: which of the two was meant is not ours to guess.
    """
    repeats: list[Repeat] = []
    for claimants in rows.claims.values():
        if len(claimants) == 1:
            continue
        said = {content_sha256(rows.accepted[row]) if row in rows.accepted else None for row in claimants}
        if len(said) == 1 and None not in said:
            repeats.extend(Repeat(row=row, first_row=claimants[0]) for row in claimants[1:])
            for row in claimants[1:]:
                del rows.accepted[row]
        elif said != {None}:
            _refuse_all(rows, name, claimants)
    return tuple(sorted(repeats, key=lambda repeat: repeat.row))


def _refuse_all(rows: _Sorted, name: str, claimants: list[int]) -> None:
    listed = ", ".join(str(row) for row in claimants[:10]) + (" …" if len(claimants) > 10 else "")
    for row in claimants:
        request = rows.accepted.pop(row, None)
        value = request.number if request else ""
        rows.refusals.append(_refusal(name, row, "number", value, Fault("number_twice", rows=listed)))
