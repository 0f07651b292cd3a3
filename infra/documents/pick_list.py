"""The pick list of a wave: what a warehouse takes from which bin, for which parcel, before the carrier comes.

Made by `tasks.pick_lists`, as PDF for people, CSV for spreadsheets and JSON for warehouse systems; all three in the
same order. The PDF carries the wave as a QR code and each parcel's reference as a Code 128 a hand scanner can read.
"""

from __future__ import annotations

import json as json_format
import re
from collections.abc import Iterable
from csv import QUOTE_ALL, writer
from dataclasses import asdict, dataclass
from datetime import datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from infra.clock import aware_utc
from infra.documents.barcodes import code128_svg, modules, qr_svg
from infra.documents.press import foldable, press
from infra.documents.words import Words, words

_TEMPLATE = "pick_list.typ"
_DIGITS = re.compile(r"([0-9]+)")
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


@dataclass(frozen=True, slots=True, kw_only=True)
class PickLine:
    """One part from one bin for one parcel; several lines may share a `reference`."""

    bin: str
    """As printed on the shelf, for example A-03-2-07; empty where the system knows none."""
    part: str
    description: str
    quantity: int
    request: str
    """The partner's own request number."""
    partner: str
    reference: str
    """The 16-character client reference: also on the carrier's label, so a scan joins the two."""
    tracking_number: str
    company: str
    city: str
    country: str
    """ISO 3166-1 alpha-2."""
    substituted_for: str | None = None
    """The part number that was asked for, when another goes instead: printed struck through above it."""
    serial: str | None = None
    remarks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickList:
    """One wave at one depot. Instants are aware; paper shows them in the depot's `zone`."""

    wave: str
    depot_code: str
    depot_name: str
    zone: str
    """IANA name of the depot's zone, for example Europe/Amsterdam."""
    cutoff_at: datetime
    pickup_at: datetime
    carrier: str
    services: tuple[tuple[str, int], ...]
    """Name of each of the carrier's services in the wave, and its parcels."""
    printed_at: datetime
    lines: tuple[PickLine, ...]
    language: str = "en"
    """What the depot reads: da, nl, de, en or es."""


def in_bin_order(lines: Iterable[PickLine]) -> tuple[PickLine, ...]:
    """By bin as a person walks: numbers inside a bin code count as numbers, so A-9 comes before A-10; no bin, last."""
    return tuple(sorted(lines, key=lambda line: (*_walk(line.bin), line.part, line.request, line.reference)))


def pdf(pick_list: PickList) -> bytes:
    """A4, 12 to 17 lines a page, as their descriptions allow. The same pick list gives the same bytes.

    Raises `NotEncodableError` for a reference or a wave that has no bar code.
    """
    facts = _facts(pick_list, words(pick_list.language))
    return press(_TEMPLATE).pdf(facts, printed_at=pick_list.printed_at)


def csv(pick_list: PickList, *, delimiter: str = ",") -> bytes:
    """UTF-8 with a byte order mark, as Excel wants it; times are the depot's, with their offset.

    A cell that a spreadsheet would calculate is given an apostrophe. `delimiter` is `;` for Excel in most of Europe.
    """
    sheet = StringIO(newline="")
    rows = writer(sheet, delimiter=delimiter, quoting=QUOTE_ALL)
    rows.writerow(_COLUMNS)
    rows.writerows([_inert(cell) for cell in _row(pick_list, line)] for line in in_bin_order(pick_list.lines))
    return sheet.getvalue().encode("utf-8-sig")


def json(pick_list: PickList) -> bytes:
    """One object, UTF-8, instants in UTC; `format` is raised when a field changes its meaning."""
    facts = asdict(pick_list) | {
        "format": 1,
        "cutoff_at": aware_utc(pick_list.cutoff_at).isoformat(),
        "pickup_at": aware_utc(pick_list.pickup_at).isoformat(),
        "printed_at": aware_utc(pick_list.printed_at).isoformat(),
        "services": [{"name": name, "parcels": parcels} for name, parcels in pick_list.services],
        "lines": [asdict(line) for line in in_bin_order(pick_list.lines)],
    }
    return (json_format.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()


_COLUMNS = (
    "wave", "depot", "cutoff", "pickup", "carrier", "bin", "part", "description", "quantity", "substituted_for",
    "serial", "request", "partner", "reference", "tracking_number", "company", "city", "country", "remarks",
)  # fmt: skip


def _row(pick_list: PickList, line: PickLine) -> tuple[str | int, ...]:
    zone = ZoneInfo(pick_list.zone)
    cutoff, pickup = (aware_utc(at).astimezone(zone).isoformat() for at in (pick_list.cutoff_at, pick_list.pickup_at))
    return (
        pick_list.wave, pick_list.depot_code, cutoff, pickup, pick_list.carrier,
        line.bin, line.part, line.description, line.quantity, line.substituted_for or "", line.serial or "",
        line.request, line.partner, line.reference, line.tracking_number,
        line.company, line.city, line.country, line.remarks,
    )  # fmt: skip


def _inert(cell: str | int) -> str | int:
    """Spreadsheets calculate text that starts like a formula, also the full-width signs of East Asian keyboards."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _walk(code: str) -> tuple[bool, tuple[tuple[int, int, str], ...]]:
    """Sort key of a bin: digits by value (length, then text: no limit on their number), letters without case."""
    pieces = [piece for piece in _DIGITS.split(code.strip()) if piece]
    return not pieces, tuple(_step(piece) for piece in pieces)


def _step(piece: str) -> tuple[int, int, str]:
    if not _DIGITS.fullmatch(piece):
        return 1, 0, piece.casefold()
    digits = piece.lstrip("0")
    return 0, len(digits), digits


def _facts(pick_list: PickList, said: Words) -> dict[str, Any]:
    """What the template prints: finished strings and drawings, so that it only has to place them."""
    lines = in_bin_order(pick_list.lines)
    return {
        "language": pick_list.language,
        "wave": foldable(pick_list.wave, 34),
        "qr": qr_svg(pick_list.wave),
        "depot": f"{pick_list.depot_code} {pick_list.depot_name}",
        "head": _head(pick_list, said),
        "words": _headings(said),
        "lines": [_line(line) for line in lines],
        "totals": _totals(lines, said),
    }


def _head(pick_list: PickList, said: Words) -> list[list[str]]:
    """Labels and values of the box at the top: when first, then who and how much."""
    zone = pick_list.zone
    pieces = sum(line.quantity for line in pick_list.lines)
    parcels = len({line.reference for line in pick_list.lines})
    lines = len(pick_list.lines)
    amount = (
        said.count("%(n)s line", "%(n)s lines", lines),
        said.count("%(n)s piece", "%(n)s pieces", pieces),
        said.count("%(n)s parcel", "%(n)s parcels", parcels),
    )
    return [
        [said.say("Cut-off"), said.local(pick_list.cutoff_at, zone)],
        [said.say("Pick-up"), said.local(pick_list.pickup_at, zone)],
        [said.say("Carrier"), pick_list.carrier],
        [said.say("Services"), ", ".join(f"{parcels} × {name}" for name, parcels in pick_list.services)],
        [said.say("To pick"), " · ".join(amount)],
        [said.say("Printed"), f"{said.local(pick_list.printed_at, zone)} ({zone})"],
    ]


def _headings(said: Words) -> dict[str, str]:
    return {
        "title": said.say("Pick list"),
        "bin": said.say("Bin"),
        "quantity": said.say("Qty"),
        "part": said.say("Part"),
        "request": said.say("Request and recipient"),
        "reference": said.say("Parcel reference"),
        "picked": said.say("Picked"),
        "no_bin": said.say("no bin"),
        "serial": said.say("Serial"),
        "totals": said.say("Totals per part"),
        "pieces": said.say("Pieces"),
        "lines": said.say("Lines"),
        "nothing": said.say("Nothing to pick."),
        "picked_by": said.say("Picked by"),
        "checked_by": said.say("Checked by"),
        "handed_over": said.say("Handed to carrier at"),
        "page": said.say("Page {page} of {pages}"),
    }


def _line(line: PickLine) -> dict[str, str | int]:
    bars = code128_svg(line.reference)
    return {
        "bin": foldable(line.bin.strip(), 12),
        "quantity": str(line.quantity),
        "part": foldable(line.part, 18),
        "instead_of": foldable(line.substituted_for or "", 20),
        "description": foldable(line.description, 24),
        "serial": foldable(line.serial or "", 20),
        "remarks": foldable(line.remarks, 24),
        "request": foldable(line.request, 20),
        "partner": foldable(line.partner, 24),
        "company": foldable(line.company, 22),
        "place": foldable(f"{line.city}, {line.country}", 22),
        "tracking": foldable(line.tracking_number, 36),
        "reference": line.reference,
        "bars": bars,
        "modules": modules(bars),
    }


def _totals(lines: Iterable[PickLine], said: Words) -> list[list[str]]:
    """Part, description, pieces, lines: by part number."""
    totals: dict[str, tuple[str, int, int]] = {}
    for line in lines:
        _, pieces, count = totals.get(line.part, ("", 0, 0))
        totals[line.part] = line.description, pieces + line.quantity, count + 1
    return [
        [foldable(part, 20), foldable(description, 60), said.number(pieces), said.number(count)]
        for part, (description, pieces, count) in sorted(totals.items())
    ]
