"""The column table is consistent with the schema and with itself."""

from __future__ import annotations

import csv
import io

import pytest
from pydantic import BaseModel

from infra.intake.columns import COLUMNS, MANDATORY, Column, named
from infra.intake.faults import PYDANTIC_CODES, WORDS
from infra.intake.schema import ApprovedRequest, Contact, Diagnosis, ShipTo
from tests.infra.intake.rows import read


def test_paths_are_the_schemas() -> None:
    """Every column but `quantity` is a field of the schema, and every field has a column."""
    groups: dict[str, type[BaseModel]] = {"diagnosis": Diagnosis, "ship_to": ShipTo, "contact": Contact}
    fields = {name for name in ApprovedRequest.model_fields if name not in groups}
    nested = {f"{group}.{name}" for group, model in groups.items() for name in model.model_fields}

    assert {column.path for column in COLUMNS} == fields | nested | {"quantity"}


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_names_lead_to_their_column(column: Column) -> None:
    """Name, path and synonyms, in any case."""
    for spelling in (column.name, column.path, *column.synonyms):
        assert named(f" {spelling.upper()}: ") == column.name


def test_examples_make_a_good_row() -> None:
    """The examples of the table, put together, are a request the door accepts (but for codes only a record knows)."""
    written = io.StringIO(newline="")
    columns = [column for column in COLUMNS if column.name not in {"quantity", "subdivision"}]
    csv.writer(written).writerows([[column.name for column in columns], [column.example for column in columns]])
    reading = read(written.getvalue().encode())

    assert {refusal.column for refusal in reading.refusals} <= {"partner", "account", "site"}


def test_mandatory_columns_are_few_and_named() -> None:
    """Serial, zone and language can be left out of a file."""
    assert set(MANDATORY).isdisjoint({"serial", "zone", "language", "quantity", "site", "subdivision"})


def test_pydantics_codes_have_words() -> None:
    """Every translation of a pydantic type ends in a code that has words."""
    assert set(PYDANTIC_CODES.values()) <= set(WORDS)
