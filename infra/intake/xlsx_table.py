"""XLSX through calamine, behind a guard.

calamine (Rust) is fast, but it lays a sheet out densely before anything can be checked: one cell at XFD1048576 asks for
550 GB and aborts the whole process, which no `except` can catch (measured, calamine 0.9.1). So the parts of the
archive are unpacked and scanned first: sizes, checksums, and how far out the cells stand. Called by `reading`.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from infra.intake.faults import DamagedFile
from infra.intake.tables import Limits, Remark, Table, under_header
from infra.intake.text import Cell

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
# A cell right of BZ, or below row 299,999, or one that does not say where it stands: inside these bounds the
# densest sheet takes 300,000 x 78 x 32 bytes, under a gigabyte.
_FAR_CELL = re.compile(
    rb"""
    <(?:\w+:)?c\b (?:
        [^>]*? \br\s*=\s*["'] ( \s* (?: [A-Z]{3,}\d* | [C-Z][A-Z]\d* | [A-Z]* (?: [3-9]\d{5} | \d{7,} ) ) )
        | (?! [^>]* \br\s*= ) [\s/>]
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_OVERLAP = 4096
_CHUNK = 1024 * 1024
_MOST_MEMBERS = 2000
_READ_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


def read_xlsx(content: bytes, limits: Limits) -> Table:
    """The table on the first visible sheet; a remark says which where there are several. Raises `DamagedFile`."""
    _guard(content, limits)
    try:
        return _first_sheet(content)
    except DamagedFile:
        raise
    except BaseException as error:  # a Rust panic arrives as a BaseException that cannot be imported by name
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        raise DamagedFile("unreadable_workbook", detail=_plain(error)) from None


def _plain(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _guard(content: bytes, limits: Limits) -> None:
    if content.startswith(OLE_MAGIC):
        raise DamagedFile("old_workbook")
    if not content.startswith(ZIP_MAGIC):
        raise DamagedFile("not_a_workbook", detail="not a zip archive")
    if content[-22:-18] != b"PK\x05\x06":  # a comment behind it could hold a second directory for the other reader
        raise DamagedFile("not_a_workbook", detail="it does not end where a zip archive ends")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _guard_members(archive, limits)
    except _READ_ERRORS as error:
        raise DamagedFile("not_a_workbook", detail=_plain(error)) from None


def _guard_members(archive: zipfile.ZipFile, limits: Limits) -> None:
    names = archive.namelist()
    # calamine tries .xlsb and .ods as well, which this guard does not understand
    if "xl/workbook.xml" not in names or "xl/workbook.bin" in names or "content.xml" in names:
        raise DamagedFile("not_a_workbook", detail="no workbook inside")
    if len(names) > _MOST_MEMBERS or len(set(names)) != len(names):
        raise DamagedFile("not_a_workbook", detail="too many or doubled parts")
    if sum(member.file_size for member in archive.infolist()) > limits.unpacked_bytes:
        raise _unpacks_too_large(limits)
    left = limits.unpacked_bytes
    for member in archive.infolist():
        left -= _guard_member(archive, member)
        if left < 0:  # Defensive: the sizes stated in the archive were checked above, and zipfile holds to them
            raise _unpacks_too_large(limits)


def _unpacks_too_large(limits: Limits) -> DamagedFile:
    return DamagedFile("unpacks_too_large", limit=f"{limits.unpacked_bytes // 1024 // 1024} MB")


def _guard_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Unpack a part, checksum included, and refuse cells far outside; its true size in bytes."""
    size, tail = 0, b""
    with archive.open(member) as unpacked:
        while chunk := unpacked.read(_CHUNK):
            if not size and b"\x00" in chunk[:4] and member.filename.endswith(".xml"):
                raise DamagedFile("not_a_workbook", detail="its XML is not UTF-8")
            window = tail + chunk
            _refuse_far_cells(window)
            size += len(chunk)
            tail = window[-_OVERLAP:]
    return size


def _refuse_far_cells(window: bytes) -> None:
    far = _FAR_CELL.search(window)
    if far is None:
        return
    # a tag cut off by the end of the window comes again, whole, in the overlap; a longer one is nobody's cell
    cut_off = far[1] is None and len(window) - far.start() <= _OVERLAP and b">" not in window[far.start() :]
    if not cut_off:
        raise DamagedFile("sheet_too_wide", cell=(far[1] or b"an unnamed place").decode().strip())


def _first_sheet(content: bytes) -> Table:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    visible = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    if not visible:
        raise DamagedFile("no_sheet")
    remarks: tuple[Remark, ...] = ()
    if len(workbook.sheet_names) > 1:
        others = len(workbook.sheet_names) - 1
        text = f"Read the sheet {visible[0]!r}, the first visible one; {others} other(s) not."
        remarks = (Remark(row=0, code="sheet_read", text=text),)
    rows = workbook.get_sheet_by_name(visible[0]).to_python(skip_empty_area=False)
    return under_header("xlsx", _numbered(rows), remarks)


def _numbered(rows: Sequence[Sequence[Cell]]) -> Iterator[tuple[int, Sequence[Cell]]]:
    return iter(enumerate(rows, start=1))
