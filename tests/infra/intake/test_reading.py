"""Files are read or refused whole; rows are accepted, refused or taken together; nothing ever raises."""

from __future__ import annotations

import gc
import hashlib
import json
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.clock import NaiveInstantError
from infra.intake.reading import check_object, read_content, read_requests
from infra.intake.schema import ApprovedRequest
from infra.intake.tables import Limits
from tests.infra.intake.rows import GOOD, NOW, as_csv, as_jsonl, as_xlsx, codes, known, read, row


def test_a_file_on_disk_is_read(tmp_path: Path) -> None:
    """The reading names the file, its digest and its rows."""
    path = tmp_path / "orders.csv"
    path.write_bytes(as_csv([row(), row(number="R-2")]))

    reading = read_requests(path, known=known(), now=NOW)

    assert (reading.file, reading.rows, reading.kind, reading.refusals) == ("orders.csv", 2, "csv", ())
    assert [(at, each.number) for at, each in reading.accepted] == [(2, "R-1"), (3, "R-2")]
    assert reading.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_absent_file_is_the_callers_matter(tmp_path: Path) -> None:
    """A path that does not exist raises, unlike anything inside a file."""
    with pytest.raises(FileNotFoundError):
        read_requests(tmp_path / "none.csv", known=known(), now=NOW)


def test_naive_now_is_refused() -> None:
    """The instant to judge by must say its zone."""
    with pytest.raises(NaiveInstantError):
        read_content(b"x", name="x.csv", known=known(), now=datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused


def test_bad_row_leaves_others_alone() -> None:
    """One refused row between two good ones; its value is shown as it stood."""
    reading = read(as_csv([row(), row(number="R-2", postal_code="1"), row(number="R-3")]))

    assert codes(reading) == [(3, "postal_code", "postal_code_format")]
    assert reading.refusals[0].value == "1"
    assert [at for at, _ in reading.accepted] == [2, 4]


def test_identical_rows_are_one_request() -> None:
    """A repeat, even when spelt differently, is one request with the first row's number."""
    again = row(approved_at="2026-11-20T13:05:00Z", parts="CBL-USB-2M;HS-EARPAD-01 x2", country="Danmark")
    reading = read(as_csv([row(), row(number="R-2"), again]))

    assert [at for at, _ in reading.accepted] == [2, 3]
    assert [(repeat.row, repeat.first_row) for repeat in reading.repeats] == [(4, 2)]
    assert reading.refusals == ()


@pytest.mark.parametrize(
    "other", [{"street": "Elsewhere 1"}, {"parts": "BAR-MAIN-01"}, {"number": "r-1", "street": "Elsewhere 1"}]
)
def test_same_number_with_other_content_is_refused(other: dict[str, str]) -> None:
    """Neither row is taken, and both refusals name both rows."""
    reading = read(as_csv([row(), row(number="R-2"), row(**other)]))

    assert codes(reading) == [(2, "number", "number_twice"), (4, "number", "number_twice")]
    assert all("2, 4" in refusal.problem for refusal in reading.refusals)
    assert [at for at, _ in reading.accepted] == [3]


def test_faulty_twin_holds_the_good_one() -> None:
    """When one of two rows with a number is faulty, the other is not guessed to be the right one."""
    reading = read(as_csv([row(), row(parts="NO-SUCH")]))

    assert codes(reading) == [
        (2, "number", "number_twice"),
        (3, "parts", "unknown_part"),
        (3, "number", "number_twice"),
    ]
    assert reading.accepted == ()


def test_same_number_of_two_partners_is_fine() -> None:
    """Numbers are unique per partner only."""
    reading = read(as_csv([row(), row(partner="polder", account="PD-7")]))

    assert len(reading.accepted) == 2


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "a.csv", "empty_file"),
        (b"\n\n", "a.csv", "empty_file"),
        (b"", "a.xlsx", "empty_file"),
        (b"\n", "a.jsonl", "empty_file"),
        (b"\x00\x01\x02\x03" * 100, "a.csv", "not_text"),
        (b"\xff\xfe\x00", "a.csv", "not_text"),
        (b"hello", "a.xlsx", "not_a_workbook"),
        (b"PK\x03\x04" + b"junk" * 20, "a.csv", "not_a_workbook"),
        (b"\xd0\xcf\x11\xe0" + b"junk" * 20, "a.xls", "old_workbook"),
        (b"a;b\n1;2\n", "a.csv", "missing_columns"),
        (b'"' + b"x" * 200_000, "a.csv", "unreadable_csv"),
        (b"[\n{}\n]\n", "a.jsonl", "missing"),
        (b"[]\n", "a.json", "not_jsonl"),
        (b"{\n", "a.jsonl", "not_jsonl"),
        (b"[" * 100_000, "a.jsonl", "not_jsonl"),
    ],
)
def test_damaged_file_is_one_refusal(content: bytes, name: str, code: str) -> None:
    """A file that cannot be read is refused once, as a whole, under row 0."""
    reading = read(content, name)

    if code == "missing":  # negative control: an empty object on a line of its own is a row with everything missing
        assert {refusal.row for refusal in reading.refusals} == {1, 2, 3}
        return
    assert codes(reading) == [(0, "", code)]
    assert reading.accepted == ()


def test_missing_columns_are_named_once() -> None:
    """Twenty thousand rows without a column are one refusal, which names it and the header that was meant."""
    content = as_csv(
        [{("postl_code" if name == "postal_code" else name): value for name, value in GOOD.items()}] * 20_000
    )
    reading = read(content)

    assert codes(reading) == [(0, "", "missing_columns")]
    assert "postal_code" in reading.refusals[0].problem
    assert "postl_code (meant as postal_code?)" in reading.refusals[0].problem


def test_column_named_twice_is_refused() -> None:
    """Two headers for one column: nobody can know which counts."""
    reading = read(as_csv([row() | {"PLZ": "9999"}]))

    assert codes(reading) == [(0, "", "column_twice")]


def test_unknown_columns_are_a_remark() -> None:
    """A column we do not read is told and changes nothing."""
    reading = read(as_csv([row() | {"mood": "sunny"}]))

    assert len(reading.accepted) == 1
    assert any("mood" in remark.text for remark in reading.remarks if remark.code == "unknown_columns")


def test_row_limit_refuses_the_file(tmp_path: Path) -> None:
    """The limit is inclusive; one row more refuses the whole file."""
    three = as_csv([row(number=f"R-{place}") for place in range(3)])

    assert len(read(three, limits=Limits(rows=3)).accepted) == 3
    assert codes(read(three, limits=Limits(rows=2))) == [(0, "", "too_many_rows")]


def test_size_limit_is_checked_before_reading(tmp_path: Path) -> None:
    """A file over the limit is refused with its digest, from disk and from memory."""
    path = tmp_path / "big.csv"
    path.write_bytes(b"x" * 101)

    on_disk = read_requests(path, known=known(), now=NOW, limits=Limits(file_bytes=100))
    in_memory = read(b"x" * 101, limits=Limits(file_bytes=100))

    assert codes(on_disk) == codes(in_memory) == [(0, "", "file_too_large")]
    assert on_disk.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_content_beats_name_and_media() -> None:
    """A workbook named .csv is read as what it is; a media type decides where the name says nothing."""
    assert read(as_xlsx([row()]), "orders.csv").kind == "xlsx"
    assert read(as_jsonl([row()]), "body", media="application/x-ndjson; charset=utf-8").kind == "jsonl"
    assert read(as_jsonl([row()]), "body").kind == "jsonl"
    assert read(as_csv([row()]), "body", media="application/octet-stream").kind == "csv"
    assert codes(read(b"x", "a.csv", media="image/png")) == [(0, "", "unknown_media")]


def test_three_formats_say_the_same() -> None:
    """The same rows as CSV, XLSX, flat JSONL and nested JSONL give equal requests."""
    rows = [row(), row(number="R-2", company="Bækken; Å & Ø", finding='said "no"\nthen nothing', onsite="ja")]
    csv_requests = [each for _, each in read(as_csv(rows, separator=";", encoding="utf-8-sig")).accepted]
    nested = "".join(each.model_dump_json() + "\n" for each in csv_requests).encode()

    assert len(csv_requests) == 2
    assert [each for _, each in read(as_xlsx(rows), "a.xlsx").accepted] == csv_requests
    assert [each for _, each in read(as_jsonl(rows), "a.jsonl").accepted] == csv_requests
    assert [each for _, each in read(nested, "a.jsonl").accepted] == csv_requests


_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn", "Cf", "Zl", "Zp")), min_size=1, max_size=25
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(company=_WORDS, finding=_WORDS, city=_WORDS, minutes=st.integers(0, 500_000), quantity=st.integers(-1, 101))
def test_formats_agree_on_any_text(company: str, finding: str, city: str, minutes: int, quantity: int) -> None:
    """Whatever a row says, the three formats accept the same request or refuse it with the same codes."""
    approved = NOW - timedelta(minutes=minutes)
    cells = row(
        company=company,
        finding=finding,
        city=city,
        approved_at=approved.isoformat(),
        diagnosed_at=approved.isoformat(),
        parts=f"CBL-USB-2M x{quantity}",
    )
    readings = [read(as_csv([cells])), read(as_xlsx([cells]), "a.xlsx"), read(as_jsonl([cells]), "a.jsonl")]

    assert len({tuple(each for _, each in reading.accepted) for reading in readings}) == 1
    assert len({frozenset((refusal.column, refusal.code) for refusal in reading.refusals) for reading in readings}) == 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.sampled_from(
        [b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b'"', as_csv([GOOD])[:400], as_csv([GOOD])]
    ),
    rest=st.binary(max_size=2000),
    name=st.sampled_from(["a.csv", "a.xlsx", "a.jsonl", "a"]),
)
def test_random_bytes_never_raise(start: bytes, rest: bytes, name: str) -> None:
    """Bytes of any kind end in rows and refusals, and every refusal can be told."""
    reading = read(start + rest, name)

    for refusal in reading.refusals:
        assert refusal.problem
        refusal.model_dump_json()
    assert reading.rows >= len(reading.accepted)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(GOOD)), inner, max_size=4),
        max_leaves=10,
    ),
    st.sampled_from([*GOOD, "lines", "diagnosis", "contact", "ship_to", "diagnosis.by", "quantity"]),
)
def test_any_json_value_anywhere_is_judged(value: Any, name: str) -> None:
    """Any JSON value in any field is accepted or refused, never an exception."""
    content = (json.dumps({**GOOD, name: value}) + "\n").encode()
    reading = read(content, "a.jsonl")

    assert reading.accepted or reading.refusals


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_flipped_byte_in_a_workbook_is_survived(place: int, byte: int) -> None:
    """A workbook with one byte changed is read or refused; checksums catch what the format does not."""
    content = bytearray(WORKBOOK)
    content[place % len(content)] = byte

    reading = read(bytes(content), "a.xlsx")

    assert reading.accepted or reading.refusals


WORKBOOK = as_xlsx([row()])


def test_object_is_judged_like_a_row() -> None:
    """One JSON object gives the request or its refusals."""
    request = check_object(GOOD, name="api", known=known(), now=NOW)
    refused = check_object({**GOOD, "country": "?"}, name="api", known=known(), now=NOW)

    assert isinstance(request, ApprovedRequest)
    assert not isinstance(refused, ApprovedRequest)
    assert [refusal.code for refusal in refused] == ["unknown_country"]


def test_collector_is_left_as_found() -> None:
    """Reading pauses the cycle collector only while it reads, also when the file is damaged."""
    read(as_csv([row()]))
    read(as_csv([row()] * 3), limits=Limits(rows=1))

    assert gc.isenabled()


def test_misspelt_parts_stay_fast() -> None:
    """Ten thousand different misspellings do not each search the catalogue: seconds, not minutes."""
    content = as_csv([row(number=f"R-{place}", parts=f"HS-EARPAD-{place}X") for place in range(10_000)])
    started = time.process_time()
    reading = read(content)

    assert len(reading.refusals) == 10_000
    assert time.process_time() - started < 20


def test_now_is_judged_as_an_instant() -> None:
    """`now` may stand in any zone: 22:00 in Tokyo is before 14:05 in Copenhagen."""
    tokyo = datetime(2026, 11, 20, 21, 59, tzinfo=ZoneInfo("Asia/Tokyo"))  # 12:59 UTC, the approval is of 13:05
    reading = read_content(as_csv([row()]), name="a.csv", known=known(), now=tokyo)

    assert codes(reading) == [(2, "approved_at", "approval_in_future")]
