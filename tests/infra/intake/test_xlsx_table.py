"""Workbooks are read by type and guarded before the fast reader may touch them."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

import pytest
from openpyxl import Workbook

from infra.intake.tables import Limits
from tests.infra.intake.rows import GOOD, as_xlsx, codes, read, row, saved


def _repacked(content: bytes, **changed: bytes) -> bytes:
    """The workbook with parts replaced; `__` in a name stands for `/`."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, changed.get(name.replace("/", "__").replace(".", "_"), source.read(name)))
    return written.getvalue()


def _sheet_xml(body: bytes) -> bytes:
    return (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + body
        + b"</sheetData></worksheet>"
    )


def test_typed_cells_are_understood() -> None:
    """Numbers, dates and booleans of Excel arrive as what they were meant to be."""
    cells: dict[str, Any] = row(
        number=4711,
        country="DE",
        postal_code=1067,
        approved_at=datetime(2026, 11, 20, 14, 5),  # noqa: DTZ001 - a workbook's dates have no zone
        zone="Europe/Berlin",
        onsite=True,
        contact_phone=4930901820,
    )
    reading = read(as_xlsx([cells]), "a.xlsx")
    (_, request), *_ = reading.accepted

    assert (request.number, request.ship_to.postal_code, request.onsite_wanted) == ("4711", "01067", True)
    assert request.approved_at.isoformat() == "2026-11-20T13:05:00+00:00"
    assert request.contact.phone == "+4930901820"
    assert [(remark.row, remark.code) for remark in reading.remarks] == [(2, "postal_code_padded")]


def test_rows_count_as_in_excel() -> None:
    """Empty rows before and between keep their numbers; columns without header and content are ignored."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for place, name in enumerate(GOOD, start=3):
        sheet.cell(row=4, column=place, value=name)
        sheet.cell(row=6, column=place, value=GOOD[name])
        sheet.cell(row=9, column=place, value="?" if name == "country" else GOOD[name])
    sheet.cell(row=12, column=40, value="  ")

    reading = read(saved(book), "a.xlsx")

    assert {at for at, _ in reading.accepted} | {refusal.row for refusal in reading.refusals} == {6, 9}
    assert reading.rows == 2


def test_first_visible_sheet_is_read() -> None:
    """Hidden sheets are passed over, and a remark says which sheet was read."""
    book = Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.title = "Hidden"
    hidden.sheet_state = "hidden"
    shown = book.create_sheet("Orders")
    shown.append(list(GOOD))
    shown.append(list(GOOD.values()))
    book.create_sheet("Notes").append(["x"])

    reading = read(saved(book), "a.xlsx")

    assert len(reading.accepted) == 1
    assert [remark.text for remark in reading.remarks] == [
        "Read the sheet 'Orders', the first visible one; 2 other(s) not."
    ]


@pytest.mark.parametrize("where", ["XFD1048576", "CA1", "A300000", "A1048576"])
def test_far_cell_is_refused_before_memory_is_taken(where: str) -> None:
    """One cell far out would make the reader allocate up to 550 GB and abort; it is refused by name."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"] = "x"
    sheet[where] = "y"

    reading = read(saved(book), "a.xlsx")

    assert codes(reading) == [(0, "", "sheet_too_wide")]
    assert reading.refusals[0].problem.startswith(f"A cell stands at {where[:4].rstrip('10')}")


@pytest.mark.parametrize(
    "body",
    [
        b"<row r='1'><c r='xfd1048576'><v>1</v></c></row>",
        b'<row r="1"><c r = "XFD1048576"><v>1</v></c></row>',
        b'<x:row r="1"><x:c t="n" r="XFD1048576"><v>1</v></x:c></x:row>',
        b"<row><c><v>1</v></c></row>",
        b'<row><c t="n"/></row>',
        b'<row r="1"><c t="' + b" " * 5000 + b'" r="XFD1048576"><v>1</v></c></row>',
        b'<row r="1"><c t=">" r="XFD1048576"><v>1</v></c></row>',
        b" " * (1024 * 1024 - 150) + b'<row r="1"><c r="XFD1048576"><v>1</v></c></row>',
        b" " * (1024 * 1024 - 3000) + b'<c t="' + b" " * 6000 + b'" r="XFD1048576"><v>1</v></c>',
    ],
    ids=[
        "lower case",
        "spaces",
        "prefix",
        "nameless",
        "nameless and typed",
        "long tag",
        "angle",
        "chunk edge",
        "long at edge",
    ],
)
def test_far_cells_do_not_hide(body: bytes) -> None:
    """Spelling, position in the file and length of a tag do not get a far or nameless cell past the guard."""
    content = _repacked(as_xlsx([row()]), xl__worksheets__sheet1_xml=_sheet_xml(body))

    assert codes(read(content, "a.xlsx")) == [(0, "", "sheet_too_wide")]


def test_bounds_themselves_are_allowed() -> None:
    """Column BZ and row 299,999 are inside: negative control of the guard, and the chunk edge cuts no honest cell."""
    body = (
        b" " * (1024 * 1024 - 150)
        + b'<row r="1">'
        + b'<c r="B1"/>' * 40
        + b'<c r="BZ1"/></row><row r="299999"><c r="A299999"/></row>'
    )
    content = _repacked(as_xlsx([row()]), xl__worksheets__sheet1_xml=_sheet_xml(body))

    assert codes(read(content, "a.xlsx")) == [(0, "", "empty_file")]


def test_zip_bomb_is_refused_unread() -> None:
    """What unpacks over the limit is refused by the sizes the archive states."""
    content = _repacked(as_xlsx([row()]), xl__worksheets__sheet1_xml=_sheet_xml(b" " * 3_000_000))

    assert codes(read(content, "a.xlsx", limits=Limits(unpacked_bytes=2_000_000))) == [(0, "", "unpacks_too_large")]


def test_lying_sizes_are_caught() -> None:
    """An archive that states a smaller size than it unpacks to fails its checksum instead of unpacking on."""
    big = b" " * 1_000_000
    content = _repacked(as_xlsx([row()]), xl__worksheets__sheet1_xml=big)
    lie = content.replace(len(big).to_bytes(4, "little"), (1000).to_bytes(4, "little"))

    assert content != lie
    assert codes(read(lie, "a.xlsx")) == [(0, "", "not_a_workbook")]


def test_other_archives_are_no_workbooks() -> None:
    """A zip of something else, a second directory behind the first, and UTF-16 XML are refused."""
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("content.xml", "x")
    utf16 = _repacked(as_xlsx([row()]), xl__worksheets__sheet1_xml="<a/>".encode("utf-16-le"))

    for content in (other.getvalue(), as_xlsx([row()]) + b"tail", utf16, as_xlsx([row()])[:-40]):
        assert codes(read(content, "a.xlsx")) == [(0, "", "not_a_workbook")]


def test_broken_xml_is_one_refusal() -> None:
    """A sheet whose XML ends early is told once."""
    content = _repacked(
        as_xlsx([row()]), xl__worksheets__sheet1_xml=b"<worksheet><sheetData><row", xl__workbook_xml=b"<"
    )

    assert [code for _, _, code in codes(read(content, "a.xlsx"))] in (["unreadable_workbook"], ["no_sheet"])
