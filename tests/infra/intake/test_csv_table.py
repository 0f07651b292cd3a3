"""CSV of any separator and encoding is read with the row numbers Excel shows."""

from __future__ import annotations

import pytest

from tests.infra.intake.rows import as_csv, codes, read, row


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_separator_and_encoding_are_found(separator: str, encoding: str) -> None:
    """Every combination gives the same request, `København` intact."""
    reading = read(as_csv([row(finding="a, b; c")], separator=separator, encoding=encoding))

    assert [each.ship_to.city for _, each in reading.accepted] == ["København V"]
    assert reading.accepted[0][1].diagnosis.finding == "a, b; c"


def test_separator_of_the_header_wins() -> None:
    """Values full of commas do not make a semicolon file a comma file."""
    reading = read(as_csv([row(finding=", ,, ,,, ,,,, ,,,,,, ,,,,,,, ,,,,,,,")], separator=";"))

    assert len(reading.accepted) == 1


def test_rows_count_as_in_excel() -> None:
    """A quoted line break is inside its row, an empty line is a row, `sep=;` is none."""
    rows = [row(finding="one\ntwo\nthree"), row(number="R-2", country="?")]
    header, first, second = as_csv(rows, separator=";").split(b"\r\n", 2)
    content = b"sep=;\r\n" + header + b"\r\n\r\n" + first + b"\r\n" + second

    reading = read(content)

    assert [at for at, _ in reading.accepted] == [3]
    assert codes(reading) == [(4, "country", "unknown_country")]
    assert reading.rows == 2


def test_header_may_follow_empty_lines() -> None:
    """The first row that holds anything is the header; numbers go on counting."""
    reading = read(b"\r\n,,\r\n" + as_csv([row()]))

    assert [at for at, _ in reading.accepted] == [4]


def test_old_mac_line_ends_are_read() -> None:
    """A file with bare carriage returns is a table all the same."""
    assert len(read(as_csv([row()]).replace(b"\r\n", b"\r")).accepted) == 1


def test_unquoted_separator_is_one_clear_fault() -> None:
    """A parts cell that spills over is told as such, not as nonsense in every later column."""
    content = as_csv([row()], separator=";").replace(b'"HS-EARPAD-01 x2; CBL-USB-2M"', b"HS-EARPAD-01 x2; CBL-USB-2M")
    reading = read(content)

    assert codes(reading) == [(2, "", "too_many_cells")]


def test_missing_cells_at_the_end_are_empty() -> None:
    """A short row lacks its last, optional, columns."""
    content = as_csv([row()]).rstrip(b"\r\n,")

    assert len(read(content).accepted) == 1


def test_unclosed_quote_is_told() -> None:
    """The row that swallows the rest of the file says so; those before it stand."""
    content = as_csv([row(), row(number="R-2"), row(number="R-3")]).replace(b"R-2", b'"R-2')
    reading = read(content)

    assert [at for at, _ in reading.accepted] == [2]
    assert codes(reading) == [(3, "", "unclosed_quote")]


def test_inches_are_no_unclosed_quote() -> None:
    """A lone quotation mark inside a value is a value."""
    content = as_csv([row()]).replace(b"Left ear cup silent", b'24" panel dark')

    assert [each.diagnosis.finding for _, each in read(content).accepted] == ['24" panel dark']


@pytest.mark.parametrize("header", ["Postcode", "ZIP code", "PLZ", "postal-code", "Código Postal", "postal_code"])
def test_synonyms_name_the_column(header: str) -> None:
    """A column is found by any of its names, whatever case and punctuation."""
    cells = {(header if name == "postal_code" else name): value for name, value in row().items()}

    assert len(read(as_csv([cells])).accepted) == 1
