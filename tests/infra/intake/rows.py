"""A row that is good, and the three formats to write rows in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from openpyxl import Workbook

from infra.intake.known import Known, KnownContract, KnownPartner, KnownPlan
from infra.intake.reading import Reading, read_content
from infra.intake.tables import Limits

NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)

GOOD: dict[str, Any] = {
    "partner": "nordlys",
    "number": "R-1",
    "plan": "partner-plus",
    "account": "ACC-1",
    "site": "",
    "serial": "8G21BF2C4471A9",
    "parts": "HS-EARPAD-01 x2; CBL-USB-2M",
    "diagnosed_by": "Mette Holm",
    "diagnosed_at": "2026-11-20T13:20:00+01:00",
    "finding": "Left ear cup silent",
    "approved_by": "Jens Krogh",
    "approved_at": "2026-11-20T14:05:00+01:00",
    "zone": "",
    "company": "Fjordlys Tandklinik",
    "street": "Vesterbrogade 12",
    "street2": "",
    "city": "København V",
    "postal_code": "1620",
    "subdivision": "",
    "country": "DK",
    "contact_name": "Sofie Lund",
    "contact_phone": "+45 33 12 34 56",
    "contact_email": "sofie.lund@fjordlys.example.com",
    "onsite": "no",
    "language": "da",
    "incident": "",
}


def row(**changes: Any) -> dict[str, Any]:
    return GOOD | changes


def known() -> Known:
    return Known(
        partners=(
            KnownPartner(
                code="nordlys",
                language="da",
                contracts=(
                    KnownContract(account="ACC-1", plan="partner-plus"),
                    KnownContract(account="ACC-2", plan="enterprise", sites=("CPH-1", "AAR-2")),
                ),
            ),
            KnownPartner(code="polder", language="nl", contracts=(KnownContract(account="PD-7", plan="partner-plus"),)),
        ),
        plans=(
            KnownPlan(code="partner-plus", name="Partner Branded Poly+", serial_required=True),
            KnownPlan(code="enterprise", name="Partner Enterprise", serial_required=False),
            KnownPlan(code="poly-plus", name="Poly+", serial_required=True),
        ),
        parts=frozenset({"HS-EARPAD-01", "CBL-USB-2M", "BAR-MAIN-01"}),
    )


def as_csv(rows: Sequence[Mapping[str, Any]], *, separator: str = ",", encoding: str = "utf-8") -> bytes:
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode(encoding)


def as_xlsx(rows: Sequence[Mapping[str, Any]]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(rows[0]))
    for each in rows:
        sheet.append(list(each.values()))
        for cell in sheet[sheet.max_row]:
            if cell.data_type == "f":
                cell.data_type = "s"  # openpyxl takes any text that begins with = for a formula
    return saved(book)


def saved(book: Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def as_jsonl(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows).encode()


def read(
    content: bytes, name: str = "orders.csv", *, media: str | None = None, limits: Limits | None = None
) -> Reading:
    return read_content(content, name=name, known=known(), now=NOW, media=media, limits=limits)


def codes(reading: Reading) -> list[tuple[int, str, str]]:
    return [(refusal.row, refusal.column, refusal.code) for refusal in reading.refusals]
