"""Every fault an intake file can have: a stable code, the problem and the remedy in plain words.

    Fault                 one thing wrong with one cell; parsers raise it, `checks` collects all of a row
    ├── DamagedFile       the file as a whole cannot be read: one refusal for it
    RowRefused            all faults of one row

Raised in this room only; `reading` turns them into `schema.Refusal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails


class Words(NamedTuple):
    problem: str
    remedy: str


_EXCEL_TEXT = "In Excel, format the column as text before typing, then enter the value again."

FILE_FAULTS: dict[str, Words] = {
    "empty_file": Words("The file is empty.", "Send the file again; it needs at least a header row."),
    "file_too_large": Words("The file is larger than {limit}.", "Split it into several files."),
    "too_many_rows": Words("The file has more than {limit} rows.", "Split it into several files."),
    "unpacks_too_large": Words(
        "The workbook unpacks to more than {limit}.", "Copy the rows alone into a new workbook, or split the file."
    ),
    "sheet_too_wide": Words(
        "A cell stands at {cell}, far outside the table.",
        "Copy the table alone into a new workbook and send that.",
    ),
    "not_a_workbook": Words(
        "The file is named like a workbook, but is none ({detail}).", "Save it again as .xlsx, or as CSV UTF-8."
    ),
    "old_workbook": Words(
        "The file is an old .xls workbook, or protected by a password.",
        "Save it as .xlsx without a password.",
    ),
    "unreadable_workbook": Words(
        "The workbook is damaged and cannot be read ({detail}).", "Open it in Excel, save it again as .xlsx."
    ),
    "no_sheet": Words("The workbook has no visible sheet.", "Put the rows on the first sheet and unhide it."),
    "not_text": Words("The file is not text.", "Send CSV, JSONL or an .xlsx workbook."),
    "unreadable_csv": Words("Row {at} cannot be read as CSV ({detail}).", "Save the file again as CSV UTF-8."),
    "not_jsonl": Words(
        "The file is not JSONL: no line of it holds a whole JSON object.",
        "Write each request as one object on a line of its own, without line breaks inside and without [ ] around.",
    ),
    "unknown_media": Words("Files of type {media} are not read.", "Send CSV, JSONL or an .xlsx workbook."),
    "missing_columns": Words(
        "Row {at} does not name these columns: {columns}.{hint}",
        "Name them in the header row; the column list in the README has all names and synonyms.",
    ),
    "column_twice": Words(
        "Row {at} names the column {column} twice: {headers}.", "Keep one of them and delete or rename the other."
    ),
}

ROW_FAULTS: dict[str, Words] = {
    "missing_value": Words("{column} is empty.", "Fill it in; {meaning}."),
    "missing_contact": Words(
        "The site's contact is not complete: {column} is empty.",
        "Name a person with phone and e-mail: nobody can be reached otherwise.",
    ),
    "missing_diagnosis": Words(
        "The diagnosis is not complete: {column} is empty.",
        "Say who diagnosed, when, and what was found: an approval without it is not an approval.",
    ),
    "too_long": Words("{column} has {length} characters; {limit} are allowed.", "Shorten it."),
    "not_plain_text": Words("{column} holds a list or an object, not a text.", "Write it as one text in quotes."),
    "control_character": Words("{column} holds an invisible control character ({which}).", "Type the value anew."),
    "formula_prefix": Words(
        "{column} begins with {sign}, which a spreadsheet would run as a formula.", "Delete the leading {sign}."
    ),
    "excel_date": Words("Excel has turned {column} into a date.", _EXCEL_TEXT),
    "excel_rounded": Words("Excel has rounded the long number in {column}: its last digits are lost.", _EXCEL_TEXT),
    "unknown_partner": Words("There is no such partner.", "Use the partner code from your contract."),
    "unknown_plan": Words("There is no such service plan.{hint}", "Use one of: {known}."),
    "plan_not_of_partner": Words(
        "The partner has no contract under this plan.", "Use the plan of the contract the device is under."
    ),
    "unknown_account": Words("The partner has no contract for this account.{hint}", "Check the account number."),
    "plan_account_mismatch": Words(
        "The account's contract is under another plan: {plans}.", "Correct the plan or the account."
    ),
    "unknown_site": Words(
        "The contract does not list this site.{hint}", "Use a site ID of the contract, or have the site added first."
    ),
    "unknown_part": Words("There is no part {part}.{hint}", "Check the part number."),
    "part_line_unreadable": Words(
        "`{line}` cannot be read as a part.", "Write the part number, and ` x2` behind it for two: HS-EARPAD-01 x2."
    ),
    "part_repeated": Words("{part} is listed twice.", "List it once with the whole quantity, for example {part} x2."),
    "too_many_parts": Words("The row asks for more than {limit} different parts.", "Split it into several requests."),
    "quantity_twice": Words(
        "The quantity stands in its own column and the parts are more than one, or carry their own.",
        "Write quantities behind the parts, `A x2; B`, and leave the quantity column empty.",
    ),
    "not_a_whole_number": Words("{column} is not a whole number.", "Write it in digits, for example 2."),
    "quantity_out_of_range": Words(
        "The quantity must be from 1 to 99.", "Correct it; split larger needs into several requests."
    ),
    "serial_missing": Words(
        "The plan {plan} replaces hardware by serial number only, and there is none.", "Add the serial number."
    ),
    "serial_format": Words(
        "This is not a serial number.", "4 to 30 letters, digits and dashes, as printed on the device's label."
    ),
    "instant_unreadable": Words(
        "{column} is not a date and time.", "Write it like 2026-11-20T14:05:00+01:00, or 20.11.2026 14:05 with a zone."
    ),
    "ambiguous_date": Words(
        "{column} may be day/month or month/day.", "Write it like 2026-11-20 14:05, or with dots: 20.11.2026 14:05."
    ),
    "instant_without_time": Words(
        "{column} has a date, but no time of day.", "Add the time: the cut-off of the day depends on it."
    ),
    "instant_without_zone": Words(
        "{column} does not say in which zone it is meant.",
        "Write the offset behind it (+01:00), or fill the zone column, for example Europe/Copenhagen.",
    ),
    "unknown_zone": Words(
        "There is no such time zone.{hint}",
        "Use an IANA name such as Europe/Copenhagen, or an offset such as +01:00; abbreviations mean several zones.",
    ),
    "zone_contradicts": Words(
        "{column} says {offset}, but at that time {zone} was at {expected}.", "Correct the offset or the zone."
    ),
    "local_time_skipped": Words(
        "This time did not exist in {zone}: the clocks went forward over it.", "Correct it, or write it with offset."
    ),
    "local_time_twice": Words(
        "This time came twice in {zone}: the clocks went back.", "Write it with its offset, for example +01:00."
    ),
    "approval_in_future": Words(
        "The approval lies in the future.", "Send requests once they are approved; check year, zone and clock."
    ),
    "diagnosis_after_approval": Words(
        "The diagnosis is later than the approval.", "Correct one of them: a finding comes before its approval."
    ),
    "unknown_country": Words(
        "There is no such country.{hint}", "Use the two-letter ISO code, for example DK, or the name."
    ),
    "missing_subdivision": Words(
        "Addresses in {country} need a state or province, and there is none.", "Add it, for example {example}."
    ),
    "unknown_subdivision": Words(
        "{country} has no such state or province.{hint}", "Use the ISO code or the name; leave it empty if unsure."
    ),
    "postal_code_format": Words(
        "Postal codes of {country} look like {example}.",
        "Correct it; Excel drops leading zeros, so format the column as text.",
    ),
    "email_invalid": Words("This is not an e-mail address.", "Write one address like name@company.com."),
    "phone_invalid": Words(
        "This is not a phone number of {country}.", "Write it with country code, for example {example}."
    ),
    "unknown_language": Words("Notices are not written in this language.", "Use one of da, nl, de, en, es."),
    "not_yes_or_no": Words("{column} is neither yes nor no.", "Write yes or no, or leave it empty for no."),
    "number_twice": Words(
        "The same request number stands in rows {rows} with different content.",
        "One row is one request: put all its parts into one cell (A x2; B), or give the other its own number.",
    ),
    "too_many_cells": Words(
        "The row has {found} cells, the header {expected}.",
        "Put a value that holds the separator into quotes, parts above all, and no separator behind the last value.",
    ),
    "unclosed_quote": Words(
        "A quotation mark is opened in this row and never closed; nothing after it was read.",
        "Close it or delete it, and send the file again; requests already taken are not doubled.",
    ),
    "not_json": Words("The line is not a JSON object.", "Write one whole object per line."),
    "key_twice": Words("{column} stands in the object twice.", "Keep one of them."),
    "invalid_value": Words("{column} is refused ({detail}).", "Correct it; {meaning}."),
}

WORDS: dict[str, Words] = FILE_FAULTS | ROW_FAULTS


class Fault(Exception):
    """One thing wrong. `code` is stable; `facts` fill the words of `WORDS`; `value` overrides what is shown."""

    def __init__(self, code: str, /, *, value: str | None = None, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.value = value
        self.facts: dict[str, object] = {"hint": "", **facts}

    def with_facts(self, **more: object) -> Fault:
        """The same fault, with facts its raiser could not know; facts it has already stay."""
        return type(self)(self.code, value=self.value, **{**more, **self.facts})

    def with_hint(self, hint: str) -> Fault:
        """The same fault, with a nearest spelling."""
        return type(self)(self.code, value=self.value, **{**self.facts, "hint": hint})

    @property
    def problem(self) -> str:
        return WORDS[self.code].problem.format_map(self.facts)

    @property
    def remedy(self) -> str:
        return WORDS[self.code].remedy.format_map(self.facts)


class DamagedFile(Fault):
    """The file cannot be read as a whole; the sender must mend it. `at` is the row, where one is to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A fault and where it is: the column and the value as it stood in the file."""

    column: str
    value: str
    fault: Fault


class RowRefused(Exception):
    """All that is wrong with one row."""

    def __init__(self, causes: tuple[Cause, ...]) -> None:
        super().__init__(", ".join(cause.fault.code for cause in causes))
        self.causes = causes


# pydantic's stable `type` words, never its English; what is missing here becomes `invalid_value` and still says which.
PYDANTIC_CODES: dict[str, str] = {
    "missing": "missing_value",
    "too_short": "missing_value",
    "string_too_short": "missing_value",
    "string_too_long": "too_long",
    "string_type": "not_plain_text",
    "int_parsing": "not_a_whole_number",
    "int_parsing_size": "quantity_out_of_range",
    "int_from_float": "not_a_whole_number",
    "int_type": "not_a_whole_number",
    "finite_number": "not_a_whole_number",
    "greater_than_equal": "quantity_out_of_range",
    "less_than_equal": "quantity_out_of_range",
    "literal_error": "unknown_language",
    "bool_parsing": "not_yes_or_no",
    "bool_type": "not_yes_or_no",
    "datetime_parsing": "instant_unreadable",
    "datetime_from_date_parsing": "instant_unreadable",
    "datetime_type": "instant_unreadable",
    "timezone_aware": "instant_without_zone",
}


def _translated(error: ErrorDetails) -> Fault:
    code = PYDANTIC_CODES.get(error["type"], "invalid_value")
    limits = {"limit": (error.get("ctx") or {}).get("max_length", ""), "length": len(str(error["input"]))}
    return Fault(code, detail=error["type"], **limits)


def from_pydantic(error: ValidationError) -> list[tuple[tuple[int | str, ...], Fault]]:
    """Our faults for pydantic's, each with the place pydantic names."""
    return [(detail["loc"], _translated(detail)) for detail in error.errors(include_url=False, include_context=True)]
