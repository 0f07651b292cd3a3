"""Sample request files, as five partners' systems would send them.

    orders-erp.csv       ; UTF-8 with mark, German headers, times as 20.11.2026 14:05 with a zone column
    orders-portal.csv    , UTF-8, our own headers, ISO times with offset
    orders-legacy.csv    ; Windows-1252, Dutch headers; only what that code page can write
    orders-desk.xlsx       every cell a text, a second sheet with notes
    orders-api.jsonl       nested objects, times in UTC beside the zone

Called by `dispatch demo`, stories, and benchmarks. The same arguments give the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

from openpyxl import Workbook

from infra.intake.columns import COLUMNS
from infra.policy.model import Pack
from infra.sample.dirt import KINDS, NUMBER_TWICE, Kind
from infra.sample.draw import Cells, Device, Drawer, Drawn, local

REPEATED_SHARE = 0.01
LEGACY_ENCODING = "cp1252"

WRITTEN = tuple(column.name for column in COLUMNS if column.name != "quantity")
"""The columns of the files: quantities stand behind their parts."""

GERMAN = {
    "number": "Vorgangsnummer",
    "account": "Kundennummer",
    "serial": "Seriennummer",
    "parts": "Teilenummer",
    "finding": "Befund",
    "zone": "Zeitzone",
    "company": "Firma",
    "street": "Straße",
    "city": "Ort",
    "postal_code": "PLZ",
    "subdivision": "Bundesland",
    "country": "Land",
    "contact_name": "Ansprechpartner",
    "contact_phone": "Telefon",
    "onsite": "Techniker",
    "language": "Sprache",
}
DUTCH = {
    "number": "Aanvraagnummer",
    "account": "Klantnummer",
    "serial": "Serienummer",
    "parts": "Onderdeel",
    "zone": "Tijdzone",
    "company": "Bedrijf",
    "street": "Straat",
    "city": "Plaats",
    "postal_code": "Postcode",
    "subdivision": "Provincie",
    "contact_name": "Contactpersoon",
    "contact_phone": "Telefoon",
    "language": "Taal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a request stands: file name, and row as the door numbers it."""

    file: str
    row: int
    partner: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DirtyRow:
    """A row that must be refused, and the code it must be refused by."""

    file: str
    row: int
    kind: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedRow:
    """A row that says exactly what another says, in the same file or in another."""

    file: str
    row: int
    of_file: str
    of_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFiles:
    """What was written, and what is to be expected of it."""

    paths: tuple[Path, ...]
    good: tuple[Placed, ...]
    dirty: tuple[DirtyRow, ...]
    repeated: tuple[RepeatedRow, ...]
    devices: tuple[Device, ...]
    """Devices the good requests name by serial; whoever keeps the register loads these first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One row to be: its cells with times in this file's manner; `kind` where it is spoilt."""

    cells: Cells
    kind: Kind | None = None
    drawn: Drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """One of the five files."""

    name: str
    first_row: int
    write_times: Callable[[Drawn], Cells]
    encode: Callable[[Sequence[Cells], date], bytes]
    can_write: Callable[[Cells], bool] = lambda _: True


@dataclass(slots=True, kw_only=True)
class _File:
    format: _Format
    entries: list[_Entry] = field(default_factory=list)

    def add(self, drawn: Drawn, kind: Kind | None = None) -> None:
        cells = drawn.cells | self.format.write_times(drawn)
        self.entries.append(_Entry(cells=kind.spoil(cells, drawn) if kind else cells, kind=kind, drawn=drawn))

    def rows(self) -> list[tuple[int, _Entry]]:
        return list(enumerate(self.entries, start=self.format.first_row))


def write_sample(
    folder: Path,
    *,
    pack: Pack,
    requests: int,
    seed: int,
    day: date,
    dirty_share: float = 0.05,
    until: datetime | None = None,
    hours: float = 24,
    first_number: int = 1,
) -> SampleFiles:
    """Write `requests` different good requests into five files under `folder`, and the dirt between them.

    `dirty_share` of `requests` are spoilt rows more, through all kinds in turn; one in a hundred good ones is repeated.
    Approvals lie within the `hours` before `until` (18:00 UTC of `day`): read the files as of then or later. A second
    sample of the day goes on with `first_number`. `folder` is made where it does not exist, files in it are
    overwritten. Raises `ValueError` for less than one request, or for a pack without lanes to any town of the sample.
    """
    if requests < 1:
        raise ValueError(f"a sample of {requests} requests is none: ask for at least one")
    drawn_from = f"{seed}/{day.isoformat()}/{requests}/{dirty_share}"
    if first_number > 1:
        drawn_from += f"/{first_number}"
    random = Random(drawn_from)  # noqa: S311 - a sample, not a secret
    drawer = Drawer(pack=pack, day=day, random=random, until=until, hours=hours, first_number=first_number)
    files = [_File(format=format_) for format_ in FORMATS]
    for _ in range(requests):
        drawn = drawer.draw()
        _pick(files, drawn, random).add(drawn)
    _add_dirt(files, drawer, round(requests * dirty_share), random)
    for file in files:
        random.shuffle(file.entries)
    _add_repeats(files, round(requests * REPEATED_SHARE), random)
    return _written(folder, files, day)


def _pick(files: Sequence[_File], drawn: Drawn, random: Random) -> _File:
    return random.choice([file for file in files if file.format.can_write(drawn.cells)])


def _add_dirt(files: Sequence[_File], drawer: Drawer, rows: int, random: Random) -> None:
    """`rows` spoilt rows: the doubled number first, where there is room for both its rows, then kind by kind."""
    if rows >= 2:
        drawn = drawer.draw()
        file = _pick(files, drawn, random)
        file.add(drawn, Kind(name=NUMBER_TWICE.name, code=NUMBER_TWICE.code, spoil=lambda cells, _: cells))
        file.add(drawn, NUMBER_TWICE)
        rows -= 2
    for place in range(rows):
        kind = KINDS[place % len(KINDS)]
        drawn = _spoilable(drawer, kind)
        _pick(files, drawn, random).add(drawn, kind)


def _spoilable(drawer: Drawer, kind: Kind) -> Drawn:
    """The next request that `kind` can spoil; drawing goes through all contracts in turn."""
    contracts = sum(len(partner.contracts) for partner in drawer.pack.partners)
    for _ in range(contracts):
        drawn = drawer.draw()
        if drawn.device or not kind.needs_serial:
            return drawn
    raise ValueError(f"no contract of the pack works by serial, so {kind.name!r} cannot be written: use dirty_share=0")


def _add_repeats(files: Sequence[_File], rows: int, random: Random) -> None:
    """Repeat good rows at the end of their own file and, every other one, of the JSONL file."""
    good = [(file, entry) for file in files for entry in file.entries if entry.kind is None]
    for place, (file, entry) in enumerate(random.sample(good, min(rows, len(good)))):
        (file if place % 2 == 0 else files[-1]).add(entry.drawn)


def _written(folder: Path, files: Sequence[_File], day: date) -> SampleFiles:
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for file in files:
        path = folder / file.format.name
        path.write_bytes(file.format.encode([entry.cells for entry in file.entries], day))
        paths.append(path)
    return _account(paths, files)


def _account(paths: Sequence[Path], files: Sequence[_File]) -> SampleFiles:
    """Which row is what: the first of equal rows is the good one, the others repeat it."""
    first: dict[int, Placed] = {}
    good: list[Placed] = []
    dirty: list[DirtyRow] = []
    repeated: list[RepeatedRow] = []
    devices: list[Device] = []
    for file in files:
        for row, entry in file.rows():
            name, number = file.format.name, entry.drawn.cells["number"]
            if entry.kind:
                dirty.append(DirtyRow(file=name, row=row, kind=entry.kind.name, code=entry.kind.code))
            elif seen := first.get(id(entry.drawn)):
                repeated.append(RepeatedRow(file=name, row=row, of_file=seen.file, of_row=seen.row))
            else:
                placed = Placed(file=name, row=row, partner=entry.drawn.cells["partner"], number=number)
                first[id(entry.drawn)] = placed
                good.append(placed)
                devices.extend([entry.drawn.device] if entry.drawn.device else [])
    return SampleFiles(
        paths=tuple(paths), good=tuple(good), dirty=tuple(dirty), repeated=tuple(repeated), devices=tuple(devices)
    )


def _offset_times(drawn: Drawn) -> Cells:
    return {
        "approved_at": local(drawn.approved_at, drawn.zone).isoformat(timespec="seconds"),
        "diagnosed_at": local(drawn.diagnosed_at, drawn.zone).isoformat(timespec="seconds"),
        "zone": "",
    }


def _utc_times(drawn: Drawn) -> Cells:
    return {
        "approved_at": drawn.approved_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "diagnosed_at": drawn.diagnosed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "zone": drawn.zone,
    }


def _wall_times(written: str) -> Callable[[Drawn], Cells]:
    """Wall-clock times beside the zone; with offset in the hour that comes twice a year."""

    def times(drawn: Drawn) -> Cells:
        there = [local(at, drawn.zone) for at in (drawn.approved_at, drawn.diagnosed_at)]
        if any(at.utcoffset() != at.replace(fold=1 - at.fold).utcoffset() for at in there):
            return _offset_times(drawn)
        approved, diagnosed = (at.strftime(written) for at in there)
        return {"approved_at": approved, "diagnosed_at": diagnosed, "zone": drawn.zone}

    return times


def _as_csv(separator: str, encoding: str, headers: dict[str, str]) -> Callable[[Sequence[Cells], date], bytes]:
    def encode(rows: Sequence[Cells], _: date) -> bytes:
        written = io.StringIO(newline="")
        writer = csv.writer(written, delimiter=separator)
        writer.writerow([headers.get(name, name) for name in WRITTEN])
        writer.writerows([row.get(name, "") for name in WRITTEN] for row in rows)
        return written.getvalue().encode(encoding)

    return encode


def _is_legacy(cells: Cells) -> bool:
    try:
        "".join(cells.values()).encode(LEGACY_ENCODING)
    except UnicodeEncodeError:
        return False
    return True


def _as_jsonl(rows: Sequence[Cells], _: date) -> bytes:
    return "".join(json.dumps(_nested(row), ensure_ascii=False) + "\n" for row in rows).encode()


def _nested(cells: Cells) -> dict[str, object]:
    """As an API would send it: objects inside objects, quantities as numbers; what is spoilt stays spoilt."""
    grouped = {
        "diagnosis": {"by": cells["diagnosed_by"], "at": cells["diagnosed_at"], "finding": cells["finding"]},
        "ship_to": {
            name: cells[name] or None
            for name in ("company", "street", "street2", "city", "postal_code", "subdivision", "country")
        },
        "contact": {name: cells[f"contact_{name}"] for name in ("name", "phone", "email")},
    }
    plain = (
        "partner",
        "number",
        "plan",
        "account",
        "site",
        "serial",
        "approved_by",
        "approved_at",
        "language",
        "incident",
    )
    return {
        **{name: cells[name] or None for name in plain},
        "approval_zone": cells["zone"] or None,
        "lines": [_line(text) for text in cells["parts"].split(";") if text.strip()],
        "onsite_wanted": {"yes": True, "no": False}.get(cells["onsite"], cells["onsite"]),
        **grouped,
    }


def _line(text: str) -> dict[str, object]:
    part, _, quantity = text.strip().partition(" x")
    return {"part": part, "quantity": int(quantity or 1)}


def _as_xlsx(rows: Sequence[Cells], day: date) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Requests")
    sheet.append([name.replace("_", " ").title() for name in WRITTEN])
    for row in rows:
        sheet.append([row.get(name) or None for name in WRITTEN])
    book.create_sheet("Notes").append(["One row is one request"])
    written = io.BytesIO()
    book.save(written)
    return _timeless(written.getvalue(), day)


def _timeless(workbook: bytes, day: date) -> bytes:
    """The same archive with `day` in place of the moment of writing, so that equal samples are equal bytes."""
    stamp = datetime(day.year, day.month, day.day, tzinfo=UTC)
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(written, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":
                content = re.sub(
                    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp.strftime("%Y-%m-%dT00:00:00Z").encode(), content
                )
            same = zipfile.ZipInfo(member.filename, date_time=(day.year, day.month, day.day, 0, 0, 0))
            target.writestr(same, content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


FORMATS: tuple[_Format, ...] = (
    _Format(
        name="orders-erp.csv",
        first_row=2,
        write_times=_wall_times("%d.%m.%Y %H:%M"),
        encode=_as_csv(";", "utf-8-sig", GERMAN),
    ),
    _Format(name="orders-portal.csv", first_row=2, write_times=_offset_times, encode=_as_csv(",", "utf-8", {})),
    _Format(
        name="orders-legacy.csv",
        first_row=2,
        write_times=_wall_times("%Y-%m-%d %H:%M"),
        encode=_as_csv(";", LEGACY_ENCODING, DUTCH),
        can_write=_is_legacy,
    ),
    _Format(name="orders-desk.xlsx", first_row=2, write_times=_offset_times, encode=_as_xlsx),
    _Format(name="orders-api.jsonl", first_row=1, write_times=_utc_times, encode=_as_jsonl),
)
