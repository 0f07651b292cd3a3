"""A row is accepted whole or refused with all its faults, each under its own code."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from infra.intake.checks import Door, check_cells
from infra.intake.faults import ROW_FAULTS, RowRefused
from infra.intake.known import Nearest
from infra.intake.schema import ApprovedRequest, PartLine
from tests.infra.intake.rows import NOW, known, row


def _check(**changes: Any) -> ApprovedRequest:
    request, _ = check_cells(row(**changes), Door(known=known(), now=NOW, nearest=Nearest()))
    return request


def _refused(**changes: Any) -> set[tuple[str, str]]:
    with pytest.raises(RowRefused) as caught:
        _check(**changes)
    for cause in caught.value.causes:
        assert cause.fault.problem
        assert cause.fault.remedy
        assert "{" not in cause.fault.problem + cause.fault.remedy
    return {(cause.column, cause.fault.code) for cause in caught.value.causes}


def test_good_row_is_a_request() -> None:
    """Every column arrives in its place, in its canonical form."""
    request = _check()

    assert request.lines == (PartLine(part="HS-EARPAD-01", quantity=2), PartLine(part="CBL-USB-2M", quantity=1))
    assert request.approved_at == datetime(2026, 11, 20, 13, 5, tzinfo=UTC)
    assert request.approval_zone == "+01:00"
    assert request.contact.phone == "+4533123456"
    assert (request.ship_to.country, request.ship_to.subdivision) == ("DK", None)
    assert (request.onsite_wanted, request.language, request.site) == (False, "da", None)


# (what is wrong, the only fault of the row)
SINGLE_FAULTS: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"partner": "nobody"}, ("partner", "unknown_partner")),
    ({"number": " "}, ("number", "missing_value")),
    ({"plan": "gold"}, ("plan", "unknown_plan")),
    ({"plan": "poly-plus"}, ("plan", "plan_not_of_partner")),
    ({"account": "ACC-9"}, ("account", "unknown_account")),
    ({"account": "PD-7"}, ("account", "unknown_account")),
    ({"account": "ACC-2"}, ("plan", "plan_account_mismatch")),
    ({"account": "ACC-2", "plan": "enterprise", "site": "XXX"}, ("site", "unknown_site")),
    ({"serial": ""}, ("serial", "serial_missing")),
    ({"serial": "see label"}, ("serial", "serial_format")),
    ({"serial": "ABCDEF"}, ("serial", "serial_format")),
    ({"serial": "8,26112E+12"}, ("serial", "excel_rounded")),
    ({"serial": 1.2345678901234567e18}, ("serial", "excel_rounded")),
    ({"serial": date(2026, 1, 2)}, ("serial", "excel_date")),
    ({"serial": {"is": "an object"}}, ("serial", "not_plain_text")),
    ({"parts": " ; ,"}, ("parts", "missing_value")),
    ({"parts": "HS-EARPAD-02"}, ("parts", "unknown_part")),
    ({"parts": "HS-EARPAD-01 two pieces"}, ("parts", "part_line_unreadable")),
    ({"parts": "HS-EARPAD-01; hs-earpad-01"}, ("parts", "part_repeated")),
    ({"parts": "HS-EARPAD-01 x0"}, ("parts", "quantity_out_of_range")),
    ({"parts": "HS-EARPAD-01 x100"}, ("parts", "quantity_out_of_range")),
    ({"parts": "HS-EARPAD-01 xtwo"}, ("parts", "not_a_whole_number")),
    ({"parts": [{"part": "CBL-USB-2M"}] * 51}, ("parts", "too_many_parts")),
    ({"parts": [{"part": "CBL-USB-2M", "quantity": True}]}, ("parts", "not_a_whole_number")),
    ({"parts": [{"part": "CBL-USB-2M", "quantity": 1.5}]}, ("parts", "not_a_whole_number")),
    ({"parts": ["CBL-USB-2M"]}, ("parts", "part_line_unreadable")),
    ({"parts": "CBL-USB-2M", "quantity": "0"}, ("quantity", "quantity_out_of_range")),
    ({"quantity": "2"}, ("quantity", "quantity_twice")),
    ({"finding": "n/a"}, ("finding", "missing_diagnosis")),
    ({"diagnosed_at": None}, ("diagnosed_at", "missing_diagnosis")),
    ({"diagnosed_at": "2026-11-20T14:05:01+01:00"}, ("diagnosed_at", "diagnosis_after_approval")),
    ({"approved_at": "2026-11-20T19:06:00+01:00"}, ("approved_at", "approval_in_future")),
    ({"approved_at": "soon"}, ("approved_at", "instant_unreadable")),
    ({"approved_at": "2026-11-31T14:05:00Z"}, ("approved_at", "instant_unreadable")),
    ({"approved_at": "11/12/2026 14:05"}, ("approved_at", "ambiguous_date")),
    ({"approved_at": "2026-11-20"}, ("approved_at", "instant_without_time")),
    ({"approved_at": "2026-11-20 14:05"}, ("approved_at", "instant_without_zone")),
    ({"zone": "CET"}, ("zone", "unknown_zone")),
    ({"zone": "America/New_York"}, ("approved_at", "zone_contradicts")),
    ({"approved_at": "2026-03-29 02:30", "zone": "Europe/Berlin", "diagnosed_at": "2026-03-01T00:00:00Z"},
     ("approved_at", "local_time_skipped")),
    ({"approved_at": "2026-10-25 02:30", "zone": "Europe/Berlin", "diagnosed_at": "2026-03-01T00:00:00Z"},
     ("approved_at", "local_time_twice")),
    ({"company": "=cmd|' /C calc'!A0"}, ("company", "formula_prefix")),
    ({"company": "'=1+1"}, ("company", "formula_prefix")),
    ({"company": "Fjord\x07lys"}, ("company", "control_character")),
    ({"company": "Fjord\u202elys"}, ("company", "control_character")),
    ({"company": "Fjord\ud800lys"}, ("company", "control_character")),
    ({"company": "F" * 61}, ("company", "too_long")),
    ({"number": 10**400}, ("number", "too_long")),
    ({"country": "Freedonia"}, ("country", "unknown_country")),
    ({"postal_code": "162"}, ("postal_code", "postal_code_format")),
    ({"subdivision": "Atlantis"}, ("subdivision", "unknown_subdivision")),
    ({"country": "US", "postal_code": "40202"}, ("subdivision", "missing_subdivision")),
    ({"contact_name": "-"}, ("contact_name", "missing_contact")),
    ({"contact_phone": "33 12"}, ("contact_phone", "phone_invalid")),
    ({"contact_email": "sofie@"}, ("contact_email", "email_invalid")),
    ({"contact_email": "a@b.example.com, c@d.example.com"}, ("contact_email", "email_invalid")),
    ({"onsite": "perhaps"}, ("onsite", "not_yes_or_no")),
    ({"language": "fr"}, ("language", "unknown_language")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "fault"), SINGLE_FAULTS, ids=[f"{c}-{i}" for i, (_, (_, c)) in enumerate(SINGLE_FAULTS)]
)
def test_one_mistake_is_one_fault(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    """A single mistake is refused under its column and code, and drags no second complaint behind it."""
    assert _refused(**changes) == {fault}


def test_every_row_fault_is_provoked() -> None:
    """The table above knows every code of a cell; what is missing here belongs to whole rows and files."""
    of_whole_rows = {"number_twice", "too_many_cells", "unclosed_quote", "not_json", "key_twice"}
    defensive = {"invalid_value"}

    assert {code for _, (_, code) in SINGLE_FAULTS} == set(ROW_FAULTS) - of_whole_rows - defensive


def test_all_faults_are_reported() -> None:
    """Ten mistakes in one row come back as ten, so that it is mended once."""
    found = _refused(
        partner="nobody",
        plan="gold",
        serial="?",
        parts="NO-SUCH x0",
        approved_at="1/2/26",
        finding="",
        country="Freedonia",
        contact_email="sofie@",
        language="fr",
    )

    assert found == {
        ("partner", "unknown_partner"),
        ("plan", "unknown_plan"),
        ("serial", "serial_format"),
        ("parts", "unknown_part"),
        ("parts", "quantity_out_of_range"),
        ("approved_at", "ambiguous_date"),
        ("finding", "missing_diagnosis"),
        ("country", "unknown_country"),
        ("contact_email", "email_invalid"),
        ("language", "unknown_language"),
    }


@pytest.mark.parametrize(
    ("changes", "path", "expected"),
    [
        ({"partner": "NORDLYS"}, "partner", "nordlys"),
        ({"plan": "Partner Branded Poly+"}, "plan", "partner-plus"),
        ({"number": 4711.0}, "number", "4711"),
        ({"number": '="0042"'}, "number", "0042"),
        ({"number": "'0042"}, "number", "0042"),
        ({"serial": "S/N: 8g21 bf2c"}, "serial", "8G21BF2C"),
        ({"serial": 123456789012345.0}, "serial", "123456789012345"),
        ({"city": "'s-Hertogenbosch"}, "ship_to.city", "'s-Hertogenbosch"),
        ({"city": " Ko\u0308ln\u00a0Süd \ufeff"}, "ship_to.city", "Köln Süd"),
        ({"finding": "one\r\n two"}, "diagnosis.finding", "one\ntwo"),
        ({"company": "two\nlines"}, "ship_to.company", "two lines"),
        ({"country": "Dänemark"}, "ship_to.country", "DK"),
        ({"country": "denemarken"}, "ship_to.country", "DK"),
        ({"country": "DNK"}, "ship_to.country", "DK"),
        ({"postal_code": "DK-1620"}, "ship_to.postal_code", "1620"),
        ({"postal_code": 1620.0}, "ship_to.postal_code", "1620"),
        ({"country": "DE", "postal_code": 1067.0}, "ship_to.postal_code", "01067"),
        ({"country": "Vereinigte Arabische Emirate", "postal_code": ""}, "ship_to.postal_code", ""),
        ({"country": "US", "postal_code": "40202", "subdivision": "kentucky"}, "ship_to.subdivision", "KY"),
        ({"contact_phone": 4533123456.0}, "contact.phone", "+4533123456"),
        ({"contact_phone": "33 12 34 56"}, "contact.phone", "+4533123456"),
        ({"contact_email": "Sofie@EXAMPLE.com"}, "contact.email", "Sofie@example.com"),
        ({"onsite": "Ja"}, "onsite_wanted", True),
        ({"onsite": True}, "onsite_wanted", True),
        ({"onsite": "nee"}, "onsite_wanted", False),
        ({"onsite": ""}, "onsite_wanted", False),
        ({"language": ""}, "language", "da"),
        ({"language": "de-AT"}, "language", "de"),
        ({"language": "niederländisch"}, "language", "nl"),
        ({"zone": "europe/copenhagen"}, "approval_zone", "Europe/Copenhagen"),
        ({"site": ""}, "site", None),
        ({"street2": "-"}, "ship_to.street2", None),
        ({"parts": "cbl-usb-2m", "quantity": "3"}, "lines", (PartLine(part="CBL-USB-2M", quantity=3),)),
    ],
)  # fmt: skip
def test_spellings_become_one(changes: dict[str, Any], path: str, expected: object) -> None:
    """What partners and Excel write is made into the one form the record keeps."""
    found: Any = _check(**changes)
    for step in path.split("."):
        found = getattr(found, step)

    assert found == expected


def test_serial_is_free_where_the_plan_says_so() -> None:
    """A plan by account needs no serial, and any site of its contract is accepted in any case."""
    request = _check(plan="enterprise", account="acc-2", serial="", site="cph-1")

    assert (request.serial, request.account, request.site) == (None, "ACC-2", "CPH-1")


def test_clock_of_the_sender_may_run_ahead() -> None:
    """Five minutes into the future are accepted; a second more is not."""
    ahead = _check(approved_at="2026-11-20T18:05:00+00:00")

    assert ahead.approved_at == datetime(2026, 11, 20, 18, 5, tzinfo=UTC)
    assert _refused(approved_at="2026-11-20T18:05:01+00:00") == {("approved_at", "approval_in_future")}


def test_excel_date_takes_the_zone_column() -> None:
    """A typed date of a workbook is local to the zone beside it, rounded to its second."""
    request = _check(
        approved_at=datetime(2026, 11, 20, 14, 4, 59, 999998),  # noqa: DTZ001 - a workbook's dates have no zone
        diagnosed_at=46346.5,
        zone="Europe/Copenhagen",
    )

    assert request.approved_at == datetime(2026, 11, 20, 13, 5, tzinfo=UTC)
    assert request.diagnosis.at == datetime(2026, 11, 20, 11, 0, tzinfo=UTC)  # day 46346 noon, one hour east
    assert request.approval_zone == "Europe/Copenhagen"


@pytest.mark.parametrize("cell", [True, time(14, 5), date(2026, 11, 20), 3.0, float("nan"), [1], {"a": 1}, -1, 10**30])
def test_no_cell_of_a_workbook_raises(cell: object) -> None:
    """Whatever type stands in a column, the row is refused or accepted, never broken."""
    for name in row():
        outcome: object = None
        try:
            outcome = _check(**{name: cell})
        except RowRefused as refused:
            outcome = refused.causes

        assert outcome, name


def test_other_partners_accounts_are_not_told() -> None:
    """A near spelling of somebody else's account, or of a partner code, gets no hint; one of our own does."""
    with pytest.raises(RowRefused) as foreign:
        _check(account="PD-8", partner="nordlys")
    with pytest.raises(RowRefused) as own:
        _check(account="ACC-11")
    with pytest.raises(RowRefused) as partner:
        _check(partner="nordly")

    assert "PD-7" not in foreign.value.causes[0].fault.problem
    assert "Did you mean ACC-1?" in own.value.causes[0].fault.problem
    assert "nordlys" not in partner.value.causes[0].fault.problem


def test_padding_and_extensions_are_told() -> None:
    """What is changed for the sender is said beside the row, not silently."""
    door = Door(known=known(), now=NOW, nearest=Nearest())
    cells = row(country="DE", postal_code=1067.0, contact_phone="+49 30 901820 ext. 7")
    request, asides = check_cells(cells, door)

    assert request.contact.phone == "+4930901820"
    assert {aside.code for aside in asides} == {"postal_code_padded", "extension_dropped"}
