"""JSONL lines are rows, nested or flat, and a bad line is only its own fault."""

from __future__ import annotations

import json

from tests.infra.intake.rows import GOOD, as_jsonl, codes, read, row

NESTED = {
    "partner": "nordlys",
    "number": "R-9",
    "plan": "partner-plus",
    "account": "ACC-1",
    "serial": "8G21BF2C4471A9",
    "lines": [{"part": "hs-earpad-01", "quantity": 2}, {"part": "CBL-USB-2M"}],
    "diagnosis": {"by": "Mette", "at": "2026-11-20T12:00:00Z", "finding": "Silent"},
    "approved_by": "Jens",
    "approved_at": "2026-11-20T13:05:00Z",
    "approval_zone": "Europe/Copenhagen",
    "ship_to": {"company": "Klinik", "street": "Gade 1", "city": "Byen", "postal_code": 1620, "country": "DK"},
    "contact": {"name": "Sofie", "phone": "+4533123456", "email": "s@x.example.com"},
    "onsite_wanted": True,
    "incident": None,
}


def test_nested_objects_are_read() -> None:
    """The nested names of the schema work, with quantities as numbers and absent optional fields."""
    (_, request), *_ = read(as_jsonl([NESTED]), "a.jsonl").accepted

    assert [(line.part, line.quantity) for line in request.lines] == [("HS-EARPAD-01", 2), ("CBL-USB-2M", 1)]
    assert (request.approval_zone, request.onsite_wanted, request.language) == ("Europe/Copenhagen", True, "da")


def test_lines_are_numbered_as_in_the_file() -> None:
    """Empty lines count; a line that is no object is refused alone; so is one with a key twice."""
    good = json.dumps(GOOD)
    content = f'\n{good}\r\n\nnot json\n[1]\n{{"partner": "a", "partner": "b"}}\n'.encode()
    reading = read(content, "a.jsonl")

    assert [at for at, _ in reading.accepted] == [2]
    assert codes(reading) == [(4, "", "not_json"), (5, "", "not_json"), (6, "", "key_twice")]


def test_one_value_under_two_names_is_refused() -> None:
    """`zip` and `postal_code` in one object contradict each other by being there."""
    reading = read(as_jsonl([row() | {"zip": "9999"}, row(number="R-2")]), "a.jsonl")

    assert codes(reading) == [(1, "", "key_twice")]


def test_unknown_fields_are_a_remark() -> None:
    """Fields nobody reads are named once for the file."""
    reading = read(as_jsonl([row() | {"mood": 1, "ship_to": {"planet": "Mars"}}]), "a.jsonl")

    assert len(reading.accepted) == 1
    assert [remark.text for remark in reading.remarks] == ["These fields are not read: mood, ship_to.planet."]


def test_strange_numbers_are_a_rows_matter() -> None:
    """NaN, endless digits and endless nesting refuse their line only."""
    lines = [json.dumps(GOOD), '{"number": NaN}', '{"number": 1' + "0" * 5000 + "}", '{"number": ' + "[" * 50_000 + "}"]
    reading = read("\n".join(lines).encode(), "a.jsonl")

    assert [at for at, _ in reading.accepted] == [1]
    assert codes(reading) == [(2, "", "not_json"), (3, "", "not_json"), (4, "", "not_json")]
