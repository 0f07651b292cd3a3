from dataclasses import replace

import pypdfium2
import pytest

from infra.documents.packing_slip import Item, Owed, ReturnAtOwnCost, print_slips
from tests.infra.documents.papers import PRINTED_AT, make_slip, page_texts, references, scanned


def printed(*slips, **options):
    return print_slips(slips, printed_at=PRINTED_AT, **options)


def text_of(slip) -> str:
    (text,) = page_texts(printed(slip).pdf)
    return text


def test_one_page_per_parcel_and_each_is_found():
    """A wave of parcels is one PDF; the index gives every parcel the page its slip is on."""
    slips = [make_slip(reference=reference) for reference in references(12)]
    result = printed(*slips)
    texts = page_texts(result.pdf)

    assert len(texts) == 12
    for reference, page in result.pages.items():
        assert reference in texts[page - 1]


@pytest.mark.parametrize("paper", ["a5", "a4"])
def test_every_reference_can_be_scanned_at_200_dpi(paper):
    """The packer scans the slip against the label: each reference is read from the pixels, on either paper."""
    slips = [make_slip(reference=reference) for reference in references(60)]

    assert scanned(printed(*slips, paper=paper).pdf, dpi=200) == sorted(references(60))


def test_a_slip_that_runs_on_moves_the_next_ones():
    """Forty items need a second page; the parcel after it is still found on its own first page."""
    many = tuple(Item(part=f"P-{at}", description="Cable", quantity=1) for at in range(40))
    long, short = (make_slip(reference=reference) for reference in references(2))
    result = printed(replace(long, items=many), short)

    assert result.pages == {long.reference: 1, short.reference: len(page_texts(result.pdf))}
    assert result.pages[short.reference] > 2


def test_slip_says_what_is_inside_and_what_comes_back():
    """The recipient reads the part and serial in the box, and the part, serial and days of what is owed."""
    text = text_of(make_slip())

    assert "2200-87290-001 Studio X50 codec 8G2149C5D3A07" in text
    assert (
        "within 10 business days after delivery: Qty Part Serial 1 2200-87290-001 Studio X50 codec 8G2133C5D11FF"
        in text
    )
    assert "enclosed return label" in text


def test_one_day_is_singular():
    """One business day is not one business days."""
    owed = replace(make_slip().owed, business_days=1)

    assert "within 1 business day after" in text_of(make_slip(owed=owed))


def test_customer_who_pays_is_told_where_to_send_it():
    """Without a label in the box the slip gives the number to write on it and the address."""
    way = ReturnAtOwnCost(number="RMA-77", address=("Depot CPH", "Industrivej 4", "2650 Hvidovre"))
    text = text_of(make_slip(owed=Owed(items=make_slip().items, business_days=10, way=way)))

    assert "RMA-77" in text
    assert "Depot CPH, Industrivej 4, 2650 Hvidovre" in text
    assert "enclosed return label" not in text


def test_nothing_owed_is_said_in_words():
    """Silence would be read as 'keep the old part', so the slip says that nothing comes back."""
    assert "Nothing has to be sent back." in text_of(make_slip(owed=None))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("da", "senest 10 hverdage"), ("nl", "binnen 10 werkdagen"), ("de", "innerhalb von 10 Arbeitstagen"),
        ("en", "within 10 business days"), ("es", "en el plazo de 10 días laborables"),
    ],
)  # fmt: skip
def test_slip_speaks_the_recipients_language(language, words):
    """One wave may hold five languages, one per parcel."""
    assert words in text_of(make_slip(language=language))


def test_slip_carries_the_brand_and_its_contact():
    """The recipient sees the brand of the plan and how to reach it, with the request at hand."""
    text = text_of(make_slip())

    assert text.startswith("Nordic AV Partners")
    assert "support@example.com · +45 33 12 34 56" in text
    assert "Please have request WO-2026-00017 at hand" in text


@pytest.mark.parametrize("hostile", ['#eval("1+1")', "*bold* $x$", "%(brand)s %s {0}"])
def test_markup_from_outside_is_printed_as_it_is(hostile):
    """Names, numbers and descriptions are text, to typst and to the catalogues."""
    slip = make_slip(
        recipient=(hostile,), request=hostile, items=(Item(part=hostile, description=hostile, quantity=1),)
    )

    assert text_of(slip).count(hostile) >= 4


def test_same_slips_give_the_same_bytes():
    """A reprint is the same file."""
    assert printed(make_slip()).pdf == printed(make_slip()).pdf
    assert printed(make_slip()).pdf != printed(make_slip(request="WO-18")).pdf


@pytest.mark.parametrize(("paper", "width_mm"), [("a5", 148), ("a4", 210)])
def test_paper_can_be_chosen(paper, width_mm):
    """A5 saves paper, A4 is what every printer has."""
    width_points, _ = pypdfium2.PdfDocument(printed(make_slip(), paper=paper).pdf)[0].get_size()

    assert width_points * 25.4 / 72 == pytest.approx(width_mm, abs=0.5)


@pytest.mark.parametrize("count", [0, 2], ids=["none", "twice the same"])
def test_a_wave_needs_parcels_of_their_own(count):
    """No parcels, or two with one reference, cannot be indexed and are refused."""
    with pytest.raises(ValueError, match="reference of its own"):
        printed(*[make_slip()] * count)
