"""What lies on top in every box: what is inside, what is owed back, and how to send it.

Made by `tasks.pick_lists`, one PDF for a wave, in the brand the plan names and each recipient's own language. The
slip promises no date of return: the clock starts at delivery, so it says how many business days there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any, Literal

from pypdf import PdfWriter

from infra.documents.barcodes import code128_svg, modules
from infra.documents.brand import Brand
from infra.documents.press import foldable, press
from infra.documents.words import Words, words

_TEMPLATE = "packing_slip.typ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Some pieces of one part; `serial` where it is known."""

    part: str
    description: str
    quantity: int
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaidReturn:
    """A paid return label lies in the box; `carrier` takes it."""

    carrier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnAtOwnCost:
    """The customer chooses and pays the carrier; `number` goes on the outside of the box."""

    number: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What must come back, within `business_days` after delivery."""

    items: tuple[Item, ...]
    business_days: int
    way: PrepaidReturn | ReturnAtOwnCost


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One parcel."""

    reference: str
    """The 16-character client reference, also printed as Code 128."""
    brand: Brand
    language: str
    country: str
    """Where it is read, ISO 3166-1: decides the order of a date."""
    request: str
    ship_on: date
    """Local to the depot."""
    carrier: str
    tracking_number: str
    recipient: tuple[str, ...]
    """Address, line by line, in postal order."""
    items: tuple[Item, ...]
    owed: Owed | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingSlips:
    """All slips of a wave. `pages` gives the page, from 1, on which a parcel's slip begins, by its reference."""

    pdf: bytes
    pages: dict[str, int]


AT_ONCE = 60
"""Slips set in one go: each takes half a megabyte while it is set, and a wave may have hundreds."""


def print_slips(slips: Sequence[Slip], *, printed_at: datetime, paper: Literal["a5", "a4"] = "a5") -> PackingSlips:
    """One page per parcel, in the order given; a slip with more items than fit (about 20 on A5) runs on.

    The same slips give the same bytes. Raises ValueError for no slips or two of one reference,
    `UnknownLanguageError`, and `NotEncodableError` for a reference that has no bar code.
    """
    references = [slip.reference for slip in slips]
    if not slips or len(set(references)) < len(references):
        raise ValueError("a wave has at least one parcel, and each parcel a reference of its own")
    bound, pages = PdfWriter(), dict[str, int]()
    for start in range(0, len(slips), AT_ONCE):
        portion = slips[start : start + AT_ONCE]
        facts = {"paper": paper, "slips": [_slip(slip, words(slip.language, slip.country)) for slip in portion]}
        pdf, own = press(_TEMPLATE).pdf_and_pages(facts, printed_at=printed_at)
        pages |= {reference: page + len(bound.pages) for reference, page in own.items()}
        if len(slips) <= AT_ONCE:
            return PackingSlips(pdf=pdf, pages=pages)
        bound.append(BytesIO(pdf))
    with BytesIO() as whole:
        bound.write(whole)
        return PackingSlips(pdf=whole.getvalue(), pages=pages)


def _slip(slip: Slip, said: Words) -> dict[str, Any]:
    bars = code128_svg(slip.reference)
    return {
        "language": slip.language,
        "words": _headings(said),
        "brand": foldable(slip.brand.name, 30),
        "reference": slip.reference,
        "bars": bars,
        "modules": modules(bars),
        "head": [
            [said.say("Request"), foldable(slip.request, 24)],
            [said.say("Shipped"), said.day(slip.ship_on)],
            [said.say("Carrier"), foldable(slip.carrier, 24)],
            [said.say("Tracking number"), foldable(slip.tracking_number, 24)],
        ],
        "recipient": [foldable(row, 34) for row in slip.recipient],
        "items": [_item(item) for item in slip.items],
        "owed": _owed(slip.owed, said) if slip.owed else None,
        "contact": _contact(slip, said),
    }


def _headings(said: Words) -> dict[str, str]:
    return {
        "title": said.say("Packing slip"),
        "to": said.say("To"),
        "inside": said.say("In this box"),
        "quantity": said.say("Qty"),
        "part": said.say("Part"),
        "serial": said.say("Serial"),
        "back": said.say("To be sent back"),
        "nothing_back": said.say("Nothing has to be sent back."),
        "questions": said.say("Questions?"),
    }


def _item(item: Item) -> list[str]:
    return [
        str(item.quantity),
        foldable(item.part, 20),
        foldable(item.description, 40),
        foldable(item.serial or "", 18),
    ]


def _owed(owed: Owed, said: Words) -> dict[str, Any]:
    due = said.count(
        "Please send this back within %(n)s business day after delivery:",
        "Please send this back within %(n)s business days after delivery:",
        owed.business_days,
    )
    return {"due": due, "items": [_item(item) for item in owed.items], "steps": _steps(owed.way, said)}


def _steps(way: PrepaidReturn | ReturnAtOwnCost, said: Words) -> list[str]:
    pack = said.say("Pack it in this box, in the padding the replacement came in.")
    if isinstance(way, PrepaidReturn):
        return [
            pack,
            said.say("Stick the enclosed return label over the old label. The postage is paid."),
            said.say("Hand the box to %(carrier)s, and keep the receipt.", carrier=way.carrier),
        ]
    return [
        pack,
        said.say("Write the return number %(number)s on the outside of the box.", number=way.number),
        said.say("Send it with a carrier of your choice, at your own cost, to:"),
        foldable(", ".join(way.address), 40),
    ]


def _contact(slip: Slip, said: Words) -> list[str]:
    reach = " · ".join(part for part in (slip.brand.email, slip.brand.phone) if part)
    return [
        said.say("%(brand)s is glad to help. Please have request %(request)s at hand.", brand=slip.brand.name,
                 request=slip.request),
        foldable(reach, 60),
    ]  # fmt: skip
