"""What is wrong with the refused rows, for the person who sent them: a table, a CSV, JSON.

Called by `dispatch intake` and by the portal. The CSV goes back to a partner who opens it in Excel, so a value that a
spreadsheet would run gets a leading apostrophe.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from infra.intake.schema import Refusal

FIELDS = ("file", "row", "column", "value", "problem", "remedy", "code")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_table(refusals: Iterable[Refusal]) -> Table:
    """For a terminal. Values are shown as text: no markup of theirs, no escape sequence, reaches it."""
    table = Table(*(field.capitalize() for field in FIELDS), show_lines=False)
    for refusal in refusals:
        table.add_row(*(Text(_printable(text)) for text in _cells(refusal)))
    return table


def as_csv(refusals: Iterable[Refusal]) -> str:
    """RFC 4180 with a header; encode it as `utf-8-sig` for Excel."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(FIELDS)
    writer.writerows([formula_safe(text) for text in _cells(refusal)] for refusal in refusals)
    return written.getvalue()


def as_json(refusals: Iterable[Refusal]) -> str:
    """A JSON array of objects with the same fields; values unchanged."""
    return json.dumps([{name: getattr(refusal, name) for name in FIELDS} for refusal in refusals], ensure_ascii=False)


def formula_safe(text: str) -> str:
    """`text` as a spreadsheet shows it and never runs it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _cells(refusal: Refusal) -> list[str]:
    return ["" if name == "row" and refusal.row == 0 else str(getattr(refusal, name)) for name in FIELDS]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
