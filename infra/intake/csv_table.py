"""CSV as partners save it: any of three separators, Excel's encodings, quoted line breaks.

A row is what Excel shows as a row: a record with line breaks inside quotes is one row, an empty line is one too, and
Excel's own first line `sep=;` is none. Called by `reading`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from infra.intake.columns import recognised
from infra.intake.encoding import decoded
from infra.intake.faults import DamagedFile, Fault
from infra.intake.tables import Remark, Row, Table, under_header

SEPARATORS = (";", ",", "\t")
_HINT_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_SNIFFED_CHARACTERS = 64 * 1024


def read_csv(content: bytes) -> Table:
    """The table in a CSV file. Raises `DamagedFile`."""
    text, encoding, guessed = decoded(content)
    hinted = _HINT_LINE.match(text)
    if hinted:
        text = text[hinted.end() :]
    separator = hinted[1] if hinted else _sniffed(text[:_SNIFFED_CHARACTERS])
    remarks = [Remark(row=0, code="separator", text=f"Read as CSV separated by {separator!r}, {encoding}.")]
    if guessed:
        remarks.append(Remark(row=0, code="encoding_guessed", text=f"The encoding is a guess: {encoding}."))
    records = _Records(text, separator)
    table = under_header("csv", iter(records), tuple(remarks))
    return Table(kind="csv", rows=_with_unclosed(table, records), remarks=table.remarks)


def _sniffed(start: str) -> str:
    """The separator under which the header has most of our names; the more cells, the better among equals."""

    def score(separator: str) -> tuple[int, int]:
        header = _first_record(start, separator)
        return recognised(header), len(header)

    return max(SEPARATORS, key=score)


def _first_record(start: str, separator: str) -> Sequence[str]:
    try:
        for record in csv.reader(io.StringIO(start, newline=""), delimiter=separator):
            if any(record):
                return record
    except csv.Error:
        pass  # a quotation mark that never closes; the reading itself says so with its row
    return ()


class _Records:
    """Numbered records; remembers where the last one began, to tell whether its quotes were ever closed."""

    def __init__(self, text: str, separator: str) -> None:
        self._text = text
        self._separator = separator
        self._last_start = 0
        self.count = 0

    def __iter__(self) -> Iterator[tuple[int, Sequence[str]]]:
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=self._separator)
        while True:
            before = reader.line_num
            try:
                record = next(reader, None)
            except csv.Error as error:
                raise DamagedFile("unreadable_csv", at=self.count + 1, detail=_plain(error)) from None
            if record is None:
                return
            self._last_start = before
            self.count += 1
            yield self.count, record

    def unclosed(self) -> bool:
        """Whether the last record ran into the end of the file inside quotes."""
        lines = io.StringIO(self._text, newline="").readlines()[self._last_start :]
        try:
            list(csv.reader(lines, delimiter=self._separator, strict=True))
        except csv.Error as error:
            return "unexpected end" in str(error)
        return False


def _plain(error: csv.Error) -> str:
    return "a cell is too long; is a quotation mark unclosed?" if "limit" in str(error) else str(error)


def _with_unclosed(table: Table, records: _Records) -> Iterator[Row]:
    """The rows, the last of them refused where its quotation mark swallowed the rest of the file."""
    held: Row | None = None
    for row in table.rows:
        if held:
            yield held
        held = row
    if held and held.number == records.count and records.unclosed():
        held = Row(held.number, Fault("unclosed_quote"))
    if held:
        yield held
