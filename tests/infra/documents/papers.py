"""Makers of documents' facts, and eyes to read what was printed."""

import random
from datetime import UTC, date, datetime

import pypdfium2
from PIL import Image

from infra.documents.barcodes import decode
from infra.documents.brand import Brand
from infra.documents.packing_slip import Item, Owed, PrepaidReturn, Slip
from infra.documents.pick_list import PickLine, PickList

PRINTED_AT = datetime(2026, 11, 20, 14, 2, tzinfo=UTC)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def references(count: int) -> list[str]:
    dice = random.Random(20261120)
    return ["".join(dice.choices(CROCKFORD, k=16)) for _ in range(count)]


def make_line(**changes) -> PickLine:
    facts = {
        "bin": "A-03-2-07", "part": "2200-87290-001", "description": "Studio X50 codec, power supply", "quantity": 1,
        "request": "WO-2026-00017", "partner": "Nordic AV Partners", "reference": "7F3K9QXM2B5T0001",
        "tracking_number": "1Z999AA10123456784", "company": "Ørsted Energi A/S", "city": "Fredericia", "country": "DK",
    }  # fmt: skip
    return PickLine(**(facts | changes))


def make_lines(count: int) -> tuple[PickLine, ...]:
    """Different bins, parts and parcels, every ninth substituted, every fourth with a serial."""
    parts = ("2200-87290-001", "85Q40AA", "7F2P8AA")
    return tuple(
        make_line(
            bin=f"{'ABC'[at % 3]}-{at % 12 + 1:02}-{at % 5 + 1}-{at % 30 + 1:02}",
            part=parts[at % 3],
            request=f"WO-2026-{at:05}",
            reference=reference,
            tracking_number=f"1Z999AA1{at:010}",
            substituted_for="2200-87290-000" if at % 9 == 2 else None,
            serial=f"8G2149C5D3A{at:02}" if at % 4 == 0 else None,
        )
        for at, reference in enumerate(references(count))
    )


def make_pick_list(*lines: PickLine, **changes) -> PickList:
    facts = {
        "wave": "CPH-2026-11-20-W3", "depot_code": "CPH", "depot_name": "København", "zone": "Europe/Copenhagen",
        "cutoff_at": datetime(2026, 11, 20, 14, tzinfo=UTC), "pickup_at": datetime(2026, 11, 20, 16, 30, tzinfo=UTC),
        "carrier": "UPS", "services": (("Express Saver", 2), ("Standard", 1)), "printed_at": PRINTED_AT, "lines": lines,
    }  # fmt: skip
    return PickList(**(facts | changes))


def make_slip(**changes) -> Slip:
    defective = Item(part="2200-87290-001", description="Studio X50 codec", quantity=1, serial="8G2133C5D11FF")
    facts = {
        "reference": "7F3K9QXM2B5T0001",
        "brand": Brand(name="Nordic AV Partners", email="support@example.com", phone="+45 33 12 34 56"),
        "language": "en", "country": "DK", "request": "WO-2026-00017", "ship_on": date(2026, 11, 20),
        "carrier": "UPS Express Saver", "tracking_number": "1Z999AA10123456784",
        "recipient": ("Ørsted Energi A/S", "Att. Søren Ærøe", "Kraftværksvej 53", "7000 Fredericia", "Danmark"),
        "items": (Item(part="2200-87290-001", description="Studio X50 codec", quantity=1, serial="8G2149C5D3A07"),),
        "owed": Owed(items=(defective,), business_days=10, way=PrepaidReturn(carrier="UPS")),
    }  # fmt: skip
    return Slip(**(facts | changes))


def pictures(pdf: bytes, *, dpi: int) -> list[Image.Image]:
    return [page.render(scale=dpi / 72, grayscale=True).to_pil() for page in pypdfium2.PdfDocument(pdf)]


def scanned(pdf: bytes, *, dpi: int) -> list[str]:
    """Every code on every page, sorted, as a scanner of this resolution reads it."""
    return sorted(text for picture in pictures(pdf, dpi=dpi) for text in decode(picture))


def page_texts(pdf: bytes) -> list[str]:
    """The words of each page on one line, without the invisible places to break."""
    texts = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]
    return [" ".join(text.replace("\u200b", "").replace("\ufffe", "").split()) for text in texts]
