"""A report can be opened by anybody: nothing in it runs, and everything in it can be read back."""

from __future__ import annotations

import csv
import io
import json

import pytest
from rich.console import Console

from infra.intake.report import FIELDS, as_csv, as_json, as_table, formula_safe
from infra.intake.schema import Refusal


def _refusal(**changes: object) -> Refusal:
    facts: dict[str, object] = {
        "file": "a.csv",
        "row": 2,
        "column": "company",
        "value": "Fjord",
        "code": "too_long",
        "problem": "p",
        "remedy": "r",
    }
    return Refusal.model_validate(facts | changes)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_defused(start: str) -> None:
    """A value a spreadsheet would run gets an apostrophe in the CSV, and only there."""
    refusal = _refusal(value=f"{start}1+1")

    (_, cells) = csv.reader(io.StringIO(as_csv([refusal]), newline=""))

    assert cells[FIELDS.index("value")] == f"'{start}1+1"
    assert json.loads(as_json([refusal]))[0]["value"] == f"{start}1+1"
    assert formula_safe("plain =") == "plain ="


def test_columns_have_their_order() -> None:
    """file, row, column, value, problem, remedy, code; the row of a whole file is empty."""
    header, cells = csv.reader(io.StringIO(as_csv([_refusal(row=0, value='a "b", c\nd')]), newline=""))

    assert header == ["file", "row", "column", "value", "problem", "remedy", "code"]
    assert cells == ["a.csv", "", "company", 'a "b", c\nd', "p", "r", "too_long"]


def test_terminal_gets_text_only() -> None:
    """Markup and escape sequences of a sender appear as letters."""
    console = Console(file=io.StringIO(), width=300)
    console.print(as_table([_refusal(value="[red]x[/red] \x1b[2J")]))
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above

    assert "[red]x[/red]" in shown
    assert "\\x1b[2J" in shown
    assert "\x1b" not in shown
